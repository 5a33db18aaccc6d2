"""Forged files carried to the end, as a person does who confirms whatever is asked: afterwards everything is
as it was, or exactly as the plan said, and nobody can do more whom the plan did not name.

What was planned is not compared with the engine's own reckoning (the engine does that itself, before its
commit), but with what PostgreSQL and the disk say before and after.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection

from backups.errors import BackupSystemError
from restore.database.transaction import RestoreTransaction
from restore.plan import Plan
from restore.services.planning import afterwards
from tests.restore.conftest import OWNER, Prepared
from tests.restore.entries import locator, plant, use
from tests.restore.forging import Document, Row, encoded, foreign, ours
from tests.restore.steps import plan_as, restore_as
from tests.restore.tables import Rows, rows_of_database

Edit = Callable[[Document], object]
MAKERS = {"foreign": foreign, "ours": ours}
GRANTED = "person-8@studio.example"
KNOWN_PASSWORD = "correct horse battery staple"
PRIVILEGED = {"OWNER", "ADMIN"}


def _all(*edits: Edit) -> Edit:
    def edit(document: Document) -> None:
        for one in edits:
            one(document)

    return edit


def _people(document: Document, change: Callable[[Row], object]) -> None:
    document.change("users", change)


def _only(who: str, **cells: Any) -> Edit:
    return lambda document: _people(
        document, lambda row: row.update(cells) if row["email"] == who else None
    )


def _stranger(**cells: Any) -> Edit:
    """One more account, whose maker knows the password, with all that lets somebody in."""

    def edit(document: Document) -> None:
        row = next(row for row in document.read("users") if row["email"] == OWNER)
        row |= {"id": "zz-stranger", "role": "OWNER", "approval_status": "APPROVED"} | cells
        if "password" in row:
            row["password"] = make_password(KNOWN_PASSWORD)
        document.rows["users"].append(encoded(row))

    return edit


def _passwords(document: Document) -> None:
    if any(column["name"] == "password" for column in document.section("users")["columns"]):
        known = make_password(KNOWN_PASSWORD)
        _people(document, lambda row: row.update(password=known))


def _exchange(key: str, *names: str) -> Edit:
    """The first two rows of a section with these cells exchanged."""

    def edit(document: Document) -> None:
        one, other = document.read(key)[:2]
        for name in names:
            one[name], other[name] = other[name], one[name]
        document.rows[key][:2] = [encoded(one), encoded(other)]

    return edit


def _exchange_addresses(document: Document) -> None:
    mails = {OWNER: "designer@studio.example", "designer@studio.example": OWNER}
    _people(document, lambda row: row.update(email=mails.get(row["email"], row["email"])))


def _left_out(*tables: str, without: str = "") -> Edit:
    def edit(document: Document) -> None:
        if without:
            document.remove_section(without)
        # Where the writer has it.
        sections = document.head.pop("sections")
        document.head |= {"left_out": list(tables), "sections": sections}

    return edit


def _no_files(document: Document) -> None:
    document.files = b"\n},"
    document.statistics["files"] = dict.fromkeys(document.statistics["files"], 0)


def _sequences(change: Callable[[Row], object]) -> Edit:
    def edit(document: Document) -> None:
        first, altered = document._middle.split(b"\n")
        states = json.loads(first.removeprefix(b'"sequences": ').rstrip(b","))
        for state in states:
            change(state)
        document._middle = b'"sequences": ' + json.dumps(states).encode() + b",\n" + altered

    return edit


def _picture(value: str) -> Edit:
    """A file of the forger's for the picture of the first account."""

    def edit(document: Document) -> None:
        row = document.change_first("users", image=value)
        plant(document, locator(value, use("users", "image", row["id"])))

    return edit


def _name_of_another(document: Document) -> None:
    """Other content under a name that somebody's file has."""
    taken = next(p for p in sorted(Path(settings.MEDIA_ROOT).rglob("*")) if p.is_file())
    _picture(str(taken.relative_to(settings.MEDIA_ROOT)))(document)


@dataclass(frozen=True)
class Forgery:
    """``ends``: how a restore at any price ends, by whose key: a code, or nothing where it is carried out."""

    edit: Edit
    foreign: str = ""
    ours: str = ""
    scopes: tuple[str, ...] = ("complete",)

    def ends(self, maker: str) -> str:
        return self.foreign if maker == "foreign" else self.ours


def refused(edit: Edit, code: str, scope: str = "complete") -> Forgery:
    """By whatever key."""
    return Forgery(edit, code, code, (scope,))


BOTH = ("complete", "safe")
FORGERIES = {
    "a role raised": Forgery(_only("person-9@studio.example", role="OWNER"), scopes=BOTH),
    "all of them owners": Forgery(
        lambda document: _people(
            document, lambda row: row.update(role="OWNER", approval_status="APPROVED")
        ),
        scopes=BOTH,
    ),
    "passwords that the forger knows": Forgery(_passwords),
    "a stranger": Forgery(_stranger(email="zz@elsewhere.example"), scopes=BOTH),
    "the owner in capitals": Forgery(_only(OWNER, email=OWNER.upper()), "restore.no_owner"),
    "the owner in capitals in a Safe file": Forgery(
        _only(OWNER, email=OWNER.upper()), scopes=("safe",)
    ),
    "his double in capitals": Forgery(_stranger(email=OWNER.upper()), scopes=BOTH),
    "his double by folding": Forgery(_stranger(email=OWNER.replace("s", "\u017f")), scopes=BOTH),
    "his double behind a blank": Forgery(_stranger(email=f"{OWNER} "), scopes=BOTH),
    "his double": refused(_stranger(email=OWNER), "restore.duplicate"),
    "his double in a Safe file": refused(
        _stranger(email=OWNER), "restore.acting_ambiguous", "safe"
    ),
    "addresses exchanged": Forgery(_exchange_addresses),
    "addresses exchanged in a Safe file": refused(
        _exchange_addresses, "restore.acting_ambiguous", "safe"
    ),
    "an address of the forger's": Forgery(_only("admin@studio.example", email="zz@evil.example")),
    "roles exchanged": Forgery(_exchange("users", "role", "approval_status"), scopes=BOTH),
    # It names files of accounts, which it then lacks.
    "the accounts left out": refused(
        _left_out("studio_user", without="users"), "restore.file_column"
    ),
    "accounts and files left out": Forgery(
        _all(_no_files, _left_out("studio_user", without="users")),
        "restore.no_owner",
    ),
    "the accounts left out, and there": refused(_left_out("studio_user"), "artifact.manifest"),
    "a table left out": Forgery(_left_out("studio_tag", without="tags")),
    "the audit trail left out": Forgery(_left_out("backups_auditevent", "pg_authid", "nowhere")),
    "content types exchanged": Forgery(_exchange("contentTypes", "model")),
    "permissions exchanged": Forgery(_exchange("permissions", "codename")),
    "a permission of another's": Forgery(_exchange("permissions", "content_type_id", "codename")),
    "sequences at their first number": Forgery(
        _sequences(lambda state: state.update(last_value=1, is_called=False)), "restore.sequence"
    ),
    "a sequence at its first number": Forgery(
        _sequences(
            lambda state: (
                state.update(last_value=1, is_called=False)
                if state["name"] == "django_content_type_id_seq"
                else None
            )
        )
    ),
    "a picture that climbs": Forgery(_picture("../../evil.png")),
    "a picture that is a page": Forgery(_picture("avatars/evil.html")),
    "a picture under another's name": Forgery(_name_of_another),
}


@dataclass(frozen=True)
class State:
    """What is there: rows by table and key, files by name, and what sequences give next."""

    rows: Rows
    files: dict[str, bytes]
    sequences: list[tuple]

    @property
    def accounts(self) -> dict[str, Row]:
        return {str(row["email"]): row for row in self.rows["studio_user"].values()}

    def can_act(self) -> dict[str, str]:
        """By address, the role of whoever is approved and has one that is privileged."""
        return {
            email: row["role"]
            for email, row in self.accounts.items()
            if row["role"] in PRIVILEGED and row["approval_status"] == "APPROVED"
        }


def _state() -> State:
    folder = Path(settings.MEDIA_ROOT)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"
            " AND sequencename !~ '^(backups|restore)_' ORDER BY 1"
        )
        sequences = cursor.fetchall()
    files = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    return State(rows_of_database(), files, sequences)


def _carry(file: Path, maker: str) -> tuple[str, Plan | None]:
    """The code with which it ended, and the plan that was confirmed."""
    choices: dict[str, Any] = {}
    if maker == "foreign":
        choices = {"accept_foreign": True, "grant_roles": (GRANTED,)}
    try:
        plan = plan_as(file, **choices)
        restore_as(file, confirmed=plan, **choices)
    except BackupSystemError as error:
        return error.code, None
    return "", plan


def _as_planned(before: State, after: State, plan: Plan, maker: str) -> None:
    for table in plan.tables:
        was, now = before.rows.get(table.table, {}), after.rows.get(table.table, {})
        # Django makes what is missing of its own after the commit, as the documents say.
        made = len(now) - table.after
        assert made == 0 or (made > 0 and table.table in ("auth_permission", "django_content_type"))
        assert len(was) == table.now and len(was.keys() - now.keys()) <= table.lost, table
    told = {table.table for table in plan.tables}
    untold = {n for n in before.rows if n not in told and before.rows[n] != after.rows.get(n)}
    assert untold == set()
    named = {account.email for account in plan.accounts.privileged_new}
    more = {
        e for e, role in after.can_act().items() if before.can_act().get(e) not in (role, "OWNER")
    }
    assert more <= named, more - named
    able = [
        r for r in after.accounts.values() if r["approval_status"] == "APPROVED" and r["password"]
    ]
    assert plan.accounts.can_sign_in == len(able)
    assert plan.accounts.owners_who_can_sign_in == sum(r["role"] == "OWNER" for r in able)
    if plan.acting and plan.acting.can_sign_in:
        assert after.accounts[plan.acting.signs_in_as]["role"] == plan.acting.role
    if maker == "foreign":
        _nobody_else_lets_in(before, after)
    assert {name: after.files.get(name) for name in before.files} == before.files
    added = len(after.files) - len(before.files)
    assert added <= plan.files.put_back + plan.files.renamed
    if maker == "foreign":
        assert _colliding() == set()


def _nobody_else_lets_in(before: State, after: State) -> None:
    """Nobody that nobody ticked can do more, or by another password or address, than before."""
    for email, row in after.accounts.items():
        was = before.accounts.get(email)
        if was is None:
            assert email == GRANTED or row["role"] not in PRIVILEGED, email
        elif email != GRANTED:
            assert row["password"] in (was["password"], None), email
            assert row["role"] not in PRIVILEGED or row["role"] == was["role"], email


def _colliding() -> set[str]:
    """The tables whose next row would get a number that another one has."""
    found = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, a.attname, pg_get_serial_sequence(quote_ident(c.relname), a.attname)"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
            " WHERE c.relkind = 'r' AND c.relname ~ '^(django|auth|studio)_'"
            " AND pg_get_serial_sequence(quote_ident(c.relname), a.attname) IS NOT NULL"
        )
        for table, column, sequence in cursor.fetchall():
            cursor.execute(
                f'SELECT nextval(%s) > coalesce(max("{column}"), 0) FROM "{table}"', [sequence]
            )
            if cursor.fetchone() != (True,):
                found.add(table)
    return found


def _tried(studio: Prepared, folder: Path, forgery: Forgery, scope: str, maker: str) -> None:
    file = MAKERS[maker](getattr(studio, scope), folder / "f.json", forgery.edit)
    before = _state()
    code, plan = _carry(file, maker)
    after = _state()
    assert code == forgery.ends(maker)
    if plan is None:
        assert after == before
    else:
        _as_planned(before, after, plan, maker)


CASES = [
    pytest.param(name, scope, maker, id=f"{name}, {scope}, {maker}")
    for name, forgery in FORGERIES.items()
    for scope in forgery.scopes
    for maker in MAKERS
]


@pytest.mark.battery
@pytest.mark.parametrize(("name", "scope", "maker"), CASES)
def test_each_is_refused_or_does_what_the_plan_said(studio, tmp_path, name, scope, maker) -> None:
    _tried(studio, tmp_path, FORGERIES[name], scope, maker)


# What is carried out, together, as the everyday slice of the table above.
TOGETHER = {
    "foreign": (
        *(
            "a role raised",
            "passwords that the forger knows",
            "a stranger",
            "content types exchanged",
        ),
        *("a sequence at its first number", "a picture that climbs"),
    ),
    "ours": (
        *(
            "a role raised",
            "an address of the forger's",
            "his double in capitals",
            "a table left out",
        ),
        *("permissions exchanged", "a picture under another's name"),
    ),
}


@pytest.mark.parametrize("maker", MAKERS)
def test_all_together_do_what_the_plan_said(studio, tmp_path, maker) -> None:
    edit = _all(*(FORGERIES[name].edit for name in TOGETHER[maker]))
    _tried(studio, tmp_path, Forgery(edit), "complete", maker)


@pytest.mark.battery
def test_whoever_can_do_more_and_is_not_counted_is_seen(studio, tmp_path, monkeypatch) -> None:
    """The twin: a plan that looks at nobody's address or role."""
    monkeypatch.setattr(afterwards, "_appears", lambda *given, **more: False)
    monkeypatch.setattr(afterwards, "_address_now", lambda *given: "")
    with pytest.raises(AssertionError, match="evil"):
        _tried(studio, tmp_path, FORGERIES["an address of the forger's"], "complete", "ours")


@pytest.mark.battery
def test_a_number_that_comes_again_is_seen(studio, tmp_path, monkeypatch) -> None:
    """The twin."""
    exact = lambda work, sequence, table, state=None: state and work.set_sequence(sequence, state)  # noqa: E731
    monkeypatch.setattr(RestoreTransaction, "set_sequence_behind", exact)
    with pytest.raises(AssertionError, match="django_content_type"):
        _tried(studio, tmp_path, FORGERIES["a sequence at its first number"], "complete", "foreign")
