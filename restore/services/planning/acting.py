"""Whoever acts on a restore: where his account is, now and in the file, and how it survives."""

from collections.abc import Sequence

from backups.database.connection import Connection
from backups.findings import Finding, Severity
from backups.wording import _
from restore.database import accounts as sql_accounts
from restore.database.accounts import FileAccount, LiveAccount
from restore.database.catalogue import ForeignKey
from restore.plan import AccountPlan, Choices, PasswordOf, acting_plan
from restore.services.planning.people import AccountsTable, People, Survivor
from restore.services.planning.staging import Prepared


def find_acting(
    connection: Connection, people: People, table: AccountsTable, choices: Choices
) -> None:
    """Where the acting owner stands, now and in the file. Adds findings where he cannot act."""
    live = table.target.table
    # Whoever has no address here is nobody whom a person could mean.
    now = choices.acting and sql_accounts.acting_now(
        connection, live, table.columns, choices.acting
    )
    if not now or now.role != table.declared.owner or not now.active:
        people.findings.append(_nobody_acts(choices.acting))
        return
    people.acting = now
    found = sql_accounts.acting_in_file(connection, table.waiting, table.columns, now)
    if len(found) > 1:
        people.findings.append(_ambiguous())
    elif found:
        people.acting_key = found[0]
    else:
        people.survivor = Survivor(live.name, now.key, _new_key(connection, table, now))


def _new_key(connection: Connection, table: AccountsTable, now: LiveAccount) -> tuple[str, ...]:
    """A number of his own, where the file has another account under his."""
    key = table.columns.key
    if not (table.columns.identity.counted and len(key) == 1):
        return ()
    number = sql_accounts.number_beside(connection, table.waiting, table.target.table, key, now.key)
    return () if number == now.key else number


def acting_account(now: LiveAccount, in_file: FileAccount | None = None) -> AccountPlan:
    """As he is now; ``in_file`` is his row there."""
    return AccountPlan(
        email=now.email,
        name=(in_file.name if in_file else "") or now.name,
        role_in_file=in_file.role if in_file else "",
        role_now=now.role,
        role=now.role,
        active=True,
        password=PasswordOf.TODAY if now.has_password else PasswordOf.NONE,
        privileged=True,
        appears=False,
        owner=True,
    )


def keys_of_acting(
    connection: Connection, people: People, table: AccountsTable, choices: Choices
) -> tuple[LiveAccount | None, set[tuple[str, ...]]]:
    """Who acts, as he is now, and the keys of the file's accounts that claim to be his. A Safe file is not
    asked: after it he is what he was."""
    if people.acting:
        return people.acting, set()
    now = choices.acting and sql_accounts.acting_now(
        connection, table.target.table, table.columns, choices.acting
    )
    if not now:
        return None, set()
    found = sql_accounts.acting_in_file(connection, table.waiting, table.columns, now)
    return now, set(found)


def look_afterwards(
    prepared: Prepared,
    people: People,
    choices: Choices,
    now: LiveAccount | None,
    claiming: Sequence[AccountPlan],
) -> None:
    """What becomes of who acts: ``now`` and the accounts ``claiming`` to be his are what ``keys_of_acting``
    finds. A Complete file may not know him."""
    if now is None:
        if choices.acting and prepared.manifest.type == "complete":
            people.findings.append(nobody_known())
        return
    if people.acting:
        people.afterwards = acting_plan(now.email, acting_account(people.acting))
        return
    # Where two rows claim to be his, it is the address that he would sign in with.
    after = sorted(claiming, key=lambda account: account.email != now.email)
    people.afterwards = acting_plan(now.email, after[0] if after else None)
    if not people.afterwards.can_sign_in:
        people.findings.append(_acting_gone(stays=people.afterwards.stays))


def add_survivor(
    connection: Connection, prepared: Prepared, table: AccountsTable, survivor: Survivor
) -> tuple[int, list[Finding]]:
    """Let the waiting rows include the acting owner's, so that rows pointing to him have a target.
    Returns how many of his own references become NULL, and what is to be said of them."""
    live, waiting, key = table.target.table, table.waiting, survivor.key_after
    sql_accounts.add_to_waiting(
        connection, waiting, live, table.columns.key, survivor.key, survivor.new_key
    )
    cleared, findings = 0, []
    for foreign in prepared.references:
        target = prepared.waiting.get(foreign.target_table)
        if foreign.table != live.name or target is None:
            continue
        if set(foreign.columns) <= set(waiting.columns) and sql_accounts.leads_nowhere(
            connection, waiting, foreign, target, table.columns.key, key
        ):
            nullable = all(live.columns[name].nullable for name in foreign.columns)
            cleared += nullable
            findings.append(_leads_nowhere(foreign, nullable=nullable))
    return cleared, findings


def _leads_nowhere(foreign: ForeignKey, *, nullable: bool) -> Finding:
    named = {"columns": ", ".join(foreign.columns), "target": foreign.target_table}
    if nullable:
        return Finding(
            "restore.acting_reference",
            Severity.NOTICE,
            _(
                "{columns} of the acting owner's account points to a row of {target} that goes; the"
                " account stays, without it.",
                **named,
            ),
            _("Set it anew after the restore."),
            table=foreign.table,
        )
    return Finding(
        "restore.acting_reference",
        Severity.ERROR,
        _(
            "{columns} of the acting owner's account points to a row of {target} that goes, and may"
            " not be empty.",
            **named,
        ),
        _("Let another owner restore."),
        table=foreign.table,
    )


def _nobody_acts(email: str) -> Finding:
    return Finding(
        "restore.acting_owner",
        Severity.ERROR,
        _("A Safe restore needs an owner who acts, and whose account survives it.")
        if not email
        else _("The acting account is not that of an owner who can sign in here."),
        _("Let an owner of this application restore; `manage.py createsuperuser` makes one."),
    )


def _acting_gone(*, stays: bool) -> Finding:
    return Finding(
        "restore.acting_gone",
        Severity.WARNING,
        _("The file has the account that acts, and it could not sign in afterwards.")
        if stays
        else _("The file does not have the account that acts: it goes with what is here now."),
        _("Sign in afterwards with an account of the file, by its password of the backup's day."),
    )


def nobody_known() -> Finding:
    """A Complete file replaces all accounts; who was named as acting is told what becomes of his, or this."""
    return Finding(
        "restore.acting_unknown",
        Severity.WARNING,
        _(
            "No account here has the address of whoever acts, so nothing can be said of what becomes of it."
        ),
        _("Correct the address, or leave it out: a Complete backup replaces all accounts."),
    )


def _ambiguous() -> Finding:
    return Finding(
        "restore.acting_ambiguous",
        Severity.ERROR,
        _(
            "Two accounts of the file claim to be the acting owner's: one by its key, one by its e-mail."
        ),
        _("Let another owner restore."),
    )
