"""The plan: everything a restore would do, as plain values. Pure: no database, no Django.

A plan is computed before anything is written, shown, confirmed, computed again under the lock, and in
the end compared with what was done.
"""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from backups.findings import Finding
from backups.wording import Sentence


class Fate(StrEnum):
    """What a restore does to a table."""

    REPLACED = "replaced"
    EMPTIED = "emptied"
    FOLLOWS = "follows"


class Kind(StrEnum):
    """Which rows of a table can be looked at: those that go, go back to what they were, or come back."""

    LOST = "lost"
    CHANGED = "changed"
    RETURNING = "returning"


# How many rows are looked at together.
ROWS_A_PAGE = 50


@dataclass(frozen=True)
class TablePlan:
    """One table. All numbers count rows.

    ``dropped``: rows of now that are not in the file. ``changed``: rows that are in both and differ: what
    was edited since goes back. ``mark`` stands for what the live rows hold that would be dropped, changed
    or removed. ``left_out``: rows of the file that repeat a value which may stand once. ``kept``: rows
    whose redacted cells keep their current value; ``refilled``: rows whose redacted cells get a new one
    or NULL. ``removed``: rows of a table outside the file whose target goes. ``set_null``: references
    that become NULL. ``survives``: the acting owner's row, where the file does not have it. ``revoked``:
    rows that stay revoked. ``paired``: by what rows of the file are found among those of now, where cells of
    theirs are kept.
    """

    key: str
    table: str
    group: str
    fate: Fate
    now: int
    after: int
    added: int = 0
    dropped: int = 0
    kept: int = 0
    refilled: int = 0
    removed: int = 0
    set_null: int = 0
    survives: int = 0
    revoked: int = 0
    changed: int = 0
    mark: str = ""
    left_out: int = 0
    paired: str = ""

    @property
    def lost(self) -> int:
        return self.dropped + self.removed

    def count(self, kind: Kind) -> int:
        """How many rows there are of a kind."""
        return {
            Kind.LOST: self.lost,
            Kind.CHANGED: self.changed,
            Kind.RETURNING: self.added,
        }[kind]


@dataclass(frozen=True)
class Done:
    """What was counted while a table was written; the same words as in the plan."""

    after: int
    kept: int = 0
    refilled: int = 0
    removed: int = 0
    set_null: int = 0
    survives: int = 0
    revoked: int = 0
    left_out: int = 0


class PasswordOf(StrEnum):
    """Which password an account has after a restore."""

    TODAY = "today"
    FILE = "file"
    NONE = "none"


class Lost(StrEnum):
    """What somebody has who does not have it after a restore."""

    ACCOUNT = "account"
    ROLE = "role"
    APPROVAL = "approval"
    PASSWORD = "password"  # noqa: S105 - a word, not a secret


class Of(StrEnum):
    """Where it is had: here, now; or in the file, from which it is not taken over."""

    NOW = "now"
    FILE = "file"


@dataclass(frozen=True)
class Loss:
    """``role`` is the one that is lost, where it is a role."""

    what: Lost
    of: Of
    role: str = ""


@dataclass(frozen=True)
class AccountPlan:
    """One account after the restore. ``appears``: it is privileged now and was not before.

    ``role_in_file`` is empty where the file does not have the account; ``withheld``: that role is
    privileged and not taken over, as the file is foreign and nobody granted it. ``role_now`` is empty
    where the account is not here; ``loses`` says what of now, or of the file, it does not have afterwards.
    ``email_kept`` is the address that it keeps where a foreign file has another, ``address_now`` the one that
    it has now where it gets another: a privileged account appears under that, for links for a new password go
    there.
    ``gains`` names flags and permissions that it has then and not now, by whatever way, the first of
    ``gains_in_all``.
    """

    email: str
    name: str
    role: str
    active: bool
    password: PasswordOf
    privileged: bool
    appears: bool
    owner: bool
    role_in_file: str = ""
    withheld: bool = False
    role_now: str = ""
    loses: tuple["Loss", ...] = ()
    gains: tuple[str, ...] = ()
    gains_in_all: int = 0
    email_kept: str = ""
    address_now: str = ""

    @property
    def can_sign_in(self) -> bool:
        return self.active and self.password is not PasswordOf.NONE


# How many accounts and files a plan names; it counts all of them.
NAMED = 200


@dataclass(frozen=True)
class AccountLoss:
    """What one account loses; ``role`` is the one it has afterwards, empty where it goes."""

    email: str
    name: str
    role: str
    losses: tuple[Loss, ...]


@dataclass(frozen=True)
class AccountsPlan:
    """``privileged_new`` names accounts that appear, the first of ``privileged_new_in_all``.
    ``losing`` names accounts that lose something, and ``lost`` counts all of them: by where it was had
    and what it is, as ``{"now": {"account": 1}, "file": {"role": 12}}``. ``in_file`` counts the accounts of
    the file by role, ``addresses_kept`` those that keep an address of now where the file has another."""

    total: int = 0
    can_sign_in: int = 0
    with_todays_password: int = 0
    with_files_password: int = 0
    need_reset: int = 0
    owners_who_can_sign_in: int = 0
    privileged_new: tuple[AccountPlan, ...] = ()
    privileged_new_in_all: int = 0
    named: tuple[AccountPlan, ...] = ()
    losing: tuple[AccountLoss, ...] = ()
    lost: dict[str, dict[str, int]] = field(default_factory=dict)
    in_file: dict[str, int] = field(default_factory=dict)
    addresses_kept: int = 0


@dataclass(frozen=True)
class ActingPlan:
    """What becomes of the account that acts. ``stays``: it is there afterwards, as ``signs_in_as`` and with
    ``password``; the file may have another address and another role for it."""

    email: str
    stays: bool
    signs_in_as: str = ""
    role: str = ""
    password: PasswordOf = PasswordOf.NONE
    can_sign_in: bool = False


def acting_plan(email: str, after: AccountPlan | None) -> ActingPlan:
    """``after`` is the account as it is after the restore, None where it goes."""
    if after is None:
        return ActingPlan(email, stays=False)
    return ActingPlan(email, True, after.email, after.role, after.password, after.can_sign_in)


@dataclass(frozen=True)
class FilesPlan:
    """Files, each a place in a storage or an address, however many names rows have for it.

    ``stay``: the same bytes are there. ``put_back``: the name is free. ``renamed``: other bytes are there, or
    the name is not valid; rows are changed. ``unsure``: those of the renamed of which the storage did not say
    what is there, and ``storage_away`` whether it failed altogether. ``hosted``: files of other servers that
    are kept here from now on; rows are changed. ``elsewhere``: files that stay there. ``in_rows``: files that
    stand in the rows themselves (``data:`` addresses) and come back with them.
    """

    stay: int = 0
    put_back: int = 0
    put_back_bytes: int = 0
    renamed: int = 0
    elsewhere: int = 0
    gaps: int = 0
    skipped: int = 0
    renamed_names: tuple[str, ...] = ()
    unsure: int = 0
    storage_away: bool = False
    hosted: int = 0
    in_rows: int = 0


@dataclass(frozen=True)
class AccessRows:
    """Rows of a foreign file that let people in or give them rights: a section's, or, where ``cells`` names
    columns, those cells of its rows. ``taken``: the person said that they come."""

    section: str
    table: str
    rows: int
    taken: bool
    cells: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choices:
    """What the person chose; every choice is part of the plan."""

    acting: str = ""
    accept_foreign: bool = False
    accept_altered: bool = False
    keep_revoked: bool = False
    grant_roles: tuple[str, ...] = ()
    # A foreign file's accounts all as they are there: into an installation without data of its own alone.
    all_accounts: bool = False
    # Keys of sections whose rows let people in or give them rights, and which come out of a foreign file.
    let_in: tuple[str, ...] = ()
    host_files: bool = False
    drop_duplicates: bool = False
    # The undo may lack what cannot be read; or there need not be any.
    partial_undo: bool = False
    without_undo: bool = False

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Choices":
        """From what ``as_dict`` made; unknown members are passed over."""
        known = {name: stored[name] for name in cls.__dataclass_fields__ if name in stored}
        for name in ("grant_roles", "let_in"):
            if name in known:
                known[name] = tuple(known[name])
        return cls(**known)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


# Which choice settles a finding or an error. Each surface says in its own words how it is made: a command
# has options, a page has boxes.
CHOICE_OF = {
    "restore.foreign": "accept_foreign",
    "artifact.layout": "accept_altered",
    "artifact.damaged": "accept_altered",
    "restore.no_owner": "grant_roles",
    "restore.has_data": "grant_roles",
    "restore.access_held_back": "let_in",
    "restore.access_needed": "let_in",
    "restore.duplicate": "drop_duplicates",
    "restore.acting_owner": "acting",
    "restore.acting_ambiguous": "acting",
    "restore.acting_reference": "acting",
    "restore.acting_unknown": "acting",
    "undo.uncovered": "partial_undo",
    "undo.unreadable": "partial_undo",
}


@dataclass(frozen=True)
class FileFacts:
    """What the file says of itself. ``authentic``: made by this installation, or (``by_kit``) by the one
    whose recovery kit was given, and unchanged. ``rows`` and ``tables`` are of the project; those of Django
    itself are counted apart."""

    type: str
    created_at: str
    created_by: str
    installation: str
    authentic: bool
    digest: str
    rows: int
    by_kit: bool = False
    tables: int = 0
    framework_rows: int = 0
    framework_tables: int = 0


@dataclass(frozen=True)
class Overwritten:
    """Where a restore writes: the database as the server calls it, and the installation's name. ``host``
    is empty where the server is reached over a socket of this machine."""

    database: str = ""
    host: str = ""
    port: int = 0
    installation: str = ""


@dataclass(frozen=True)
class Plan:
    file: FileFacts
    choices: Choices
    tables: tuple[TablePlan, ...]
    schema: tuple[Sentence, ...]
    accounts: AccountsPlan
    files: FilesPlan
    findings: tuple[Finding, ...] = field(default_factory=tuple)
    # Tables and names of rules that rows break, or may break, and that then come back NOT VALID.
    giving_way: tuple[tuple[str, str], ...] = ()
    target: Overwritten = field(default_factory=Overwritten)
    acting: ActingPlan | None = None
    # Whether the file is foreign and there are no data here that a restore could take.
    is_new_here: bool = False
    access: tuple[AccessRows, ...] = ()

    @property
    def blocking(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.blocking)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; ``tables`` carry ``lost`` too. ``schema_words`` and, in a finding,
        ``words`` keep what the sentences were made of."""
        plain = asdict(self)
        plain["schema"] = [str(sentence) for sentence in self.schema]
        plain["schema_words"] = [sentence.as_plain() for sentence in self.schema]
        plain["findings"] = [finding.as_dict() for finding in self.findings]
        for table, item in zip(plain["tables"], self.tables, strict=True):
            table["lost"] = item.lost
        plain["can_be_applied"] = not self.blocking
        return plain


def losses(plan: dict[str, Any]) -> dict[str, Any]:
    """What a person agreed to: which file, what is lost or changed back, who may do more afterwards; and the
    blocking findings. Of a plan in its JSON form.

    Two plans with equal losses may differ in what they add.
    """
    return {
        "tables": [
            [
                table["table"],
                table["dropped"],
                table["removed"],
                table["set_null"],
                table.get("changed", 0),
                table.get("mark", ""),
            ]
            for table in plan["tables"]
        ],
        "people": sorted(
            [account["email"], loss["what"], loss["of"], loss["role"]]
            for account in plan["accounts"].get("losing", [])
            for loss in account["losses"]
        ),
        "people_in_all": plan["accounts"].get("lost", {}),
        "appear": sorted(
            [account["email"], account["role"], *account.get("gains", [])]
            for account in plan["accounts"].get("privileged_new", [])
        ),
        "digest": plan["file"]["digest"],
        "blocking": sorted(f["code"] for f in plan["findings"] if f["severity"] == "error"),
    }


def differences(plan: Plan, done: dict[str, Done]) -> list[str]:
    """The tables where what was done is not what was planned."""
    found = []
    for table in plan.tables:
        expected = Done(
            after=table.after,
            kept=table.kept,
            refilled=table.refilled,
            removed=table.removed,
            set_null=table.set_null,
            survives=table.survives,
            revoked=table.revoked,
            left_out=table.left_out,
        )
        if done.get(table.table) != expected:
            found.append(table.table)
    return found
