"""Who can sign in after a restore, with which password, and in which role."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from backups.database.connection import Connection
from backups.database.table_reading import column_of
from backups.findings import Finding, Severity
from backups.registry import Accounts, Scope, Section, registry
from backups.wording import _, ngettext
from restore.database import accounts as sql_accounts
from restore.database.accounts import Columns, FileAccount, LiveAccount
from restore.database.catalogue import ForeignKey
from restore.database.targets import Target
from restore.database.waiting_tables import WaitingTable
from restore.plan import (
    AccountLoss,
    AccountPlan,
    AccountsPlan,
    ActingPlan,
    Choices,
    Loss,
    Lost,
    Of,
    PasswordOf,
    acting_plan,
    count_accounts,
)
from restore.services.planning.following import identity_of, state_columns
from restore.services.planning.staging import Prepared


@dataclass(frozen=True)
class Survivor:
    """The acting owner's account, which the file does not have. ``key`` is its primary key now, ``new_key``
    the one that it gets, as the file has somebody else under that number; empty where it keeps its own."""

    table: str
    key: tuple[str, ...]
    new_key: tuple[str, ...] = ()

    @property
    def key_after(self) -> tuple[str, ...]:
        return self.new_key or self.key


@dataclass(frozen=True)
class AccountsTable:
    """The accounts' table, where the project declares one and the file has it."""

    target: Target
    waiting: WaitingTable
    declared: Accounts
    columns: Columns


@dataclass
class People:
    """``table`` is None where nothing is known of accounts.

    ``acting`` is the acting owner's account of now, where one acts on a Safe file. ``acting_key`` is the key,
    in the file, of the row that is his; None where he survives beside the file's rows or nobody acts.
    ``afterwards`` is what becomes of the account that acts, whichever the file.
    """

    table: AccountsTable | None = None
    plan: AccountsPlan = field(default_factory=AccountsPlan)
    survivor: Survivor | None = None
    acting: LiveAccount | None = None
    acting_key: tuple[str, ...] | None = None
    afterwards: ActingPlan | None = None
    findings: list[Finding] = field(default_factory=list)


def plan_accounts(connection: Connection, prepared: Prepared, choices: Choices) -> People:
    """Compare the file's accounts with those of now."""
    table = _accounts_table(prepared)
    if table is None:
        return People(findings=_without_accounts(prepared))
    lacking = _lacking(table)
    if lacking:
        return People(findings=[lacking])
    people = People(table)
    if prepared.manifest.type == "safe":
        _find_acting(connection, people, table, choices)
    by_key = {
        account.key: _acting_account(people.acting, account)
        if people.acting and people.acting_key == account.key
        else _account(account, table.declared, prepared, choices)
        for account in sql_accounts.accounts_in_file(
            connection, table.waiting, table.target.table, table.columns
        )
    }
    accounts = [*by_key.values()]
    if people.survivor and people.acting:
        accounts.append(_acting_account(people.acting))
    people.plan = count_accounts(accounts, _going(connection, people, table))
    people.findings += _findings(people.plan, authentic=counts_all(prepared, choices))
    _look_afterwards(connection, people, table, choices, by_key)
    return people


def counts_all(prepared: Prepared, choices: Choices) -> bool:
    """Whether every account counts as it is in the file: the file is ours, or the person trusts it and
    there is nobody here yet. That this is so ``counting`` makes sure of."""
    return prepared.authentic or choices.all_accounts


def _going(connection: Connection, people: People, table: AccountsTable) -> Iterator[AccountLoss]:
    """The accounts of now that are not there afterwards."""
    survivor = people.survivor.key if people.survivor else None
    for account in sql_accounts.accounts_that_go(
        connection, table.waiting, table.target.table, table.columns
    ):
        if account.key != survivor:
            yield AccountLoss(
                account.email,
                account.name,
                "",
                (Loss(Lost.ACCOUNT, Of.NOW, account.role),),
            )


def _look_afterwards(
    connection: Connection,
    people: People,
    table: AccountsTable,
    choices: Choices,
    by_key: Mapping[tuple[str, ...], AccountPlan],
) -> None:
    """What becomes of who acts. After a Safe file he is what he was; a Complete one may not know him."""
    now = people.acting or (
        choices.acting
        and sql_accounts.acting_now(connection, table.target.table, table.columns, choices.acting)
    )
    if not now:
        return
    if people.acting:
        people.afterwards = acting_plan(now.email, _acting_account(people.acting))
        return
    found = sql_accounts.acting_in_file(connection, table.waiting, table.columns, now)
    # Where two rows claim to be his, it is the address that he would sign in with.
    after = sorted((by_key[key] for key in found), key=lambda a: a.email != now.email)
    people.afterwards = acting_plan(now.email, after[0] if after else None)
    if not people.afterwards.can_sign_in:
        people.findings.append(_acting_gone(stays=people.afterwards.stays))


def _accounts_table(prepared: Prepared) -> AccountsTable | None:
    for target in prepared.matched.targets:
        section = target.reading.section
        waiting = prepared.waiting.get(target.table.name)
        if section.accounts and waiting:
            columns = _columns_of(prepared, section, section.accounts)
            return AccountsTable(target, waiting, section.accounts, columns)
    return None


def _columns_of(prepared: Prepared, section: Section, declared: Accounts) -> Columns:
    """The columns behind the declared fields."""
    model = section.model
    return Columns(
        identity=identity_of(prepared, section),
        email=column_of(model, declared.email),
        name=column_of(model, declared.name),
        password=column_of(model, declared.password),
        role=column_of(model, declared.role),
        active=tuple((column_of(model, n), v) for n, v in declared.active.items()),
        survives=tuple(state_columns(section, declared.survives)),
        inactive=tuple(
            (column_of(model, name), declared.inactive_value(name)) for name in declared.active
        ),
    )


def _find_acting(
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


def _account(
    account: FileAccount, declared: Accounts, prepared: Prepared, choices: Choices
) -> AccountPlan:
    role = role_after(account, declared.fallback_role, prepared, choices)
    privileged = role in declared.privileged
    active = _active(account, declared, prepared, choices)
    password = _password(account, prepared, choices)
    return AccountPlan(
        email=account.email,
        name=account.name,
        role=role,
        active=active,
        password=password,
        role_now=account.role_now,
        loses=_losses(account, role, prepared, active=active, password=password, rises=privileged),
        privileged=privileged,
        appears=privileged and _may_more(account, role, active=active, password=password),
        owner=role == declared.owner,
        role_in_file=account.role,
        withheld=account.role in declared.privileged and account.role != role,
    )


def _losses(
    account: FileAccount,
    role: str,
    prepared: Prepared,
    *,
    active: bool,
    password: PasswordOf,
    rises: bool,
) -> tuple[Loss, ...]:
    """What the account has here, or would have by the file, and does not have afterwards."""
    found = []
    if account.is_there and account.role_now != role and not rises:
        found.append(Loss(Lost.ROLE, Of.NOW, account.role_now))
    if account.is_there and account.active_now and not active:
        found.append(Loss(Lost.APPROVAL, Of.NOW))
    could = account.active_now and account.has_password_now
    if could and active and password is PasswordOf.NONE:
        found.append(Loss(Lost.PASSWORD, Of.NOW))
    if account.role != role:
        found.append(Loss(Lost.ROLE, Of.FILE, account.role))
    if account.active and not active:
        found.append(Loss(Lost.APPROVAL, Of.FILE))
    has_one = prepared.manifest.type == "complete" and account.has_password
    if has_one and password is not PasswordOf.FILE:
        found.append(Loss(Lost.PASSWORD, Of.FILE))
    return tuple(found)


def _may_more(account: FileAccount, role: str, *, active: bool, password: PasswordOf) -> bool:
    """Whether somebody gets in, or gets a role, who does not or has not now; for whatever reason."""
    can_sign_in = active and password is not PasswordOf.NONE
    could = account.active_now and account.has_password_now
    return (
        account.role_now != role
        or (active and not account.active_now)
        or (can_sign_in and not could)
    )


def _active(account: FileAccount, declared: Accounts, prepared: Prepared, choices: Choices) -> bool:
    """Whether the account is one that may sign in. A foreign file's says nothing of that."""
    if _role_counts(account, prepared, choices):
        return account.active
    if account.is_there:
        return account.active_now
    is_withheld = any(declared.inactive_value(name) is not None for name in declared.active)
    return account.active and not is_withheld


def role_after(account: FileAccount, fallback: str, prepared: Prepared, choices: Choices) -> str:
    """A foreign file's roles count only where they were granted; others keep theirs or get the least."""
    if _role_counts(account, prepared, choices):
        return account.role
    return account.role_now or fallback


def _role_counts(account: FileAccount, prepared: Prepared, choices: Choices) -> bool:
    return counts_all(prepared, choices) or account.email in choices.grant_roles


def _password(account: FileAccount, prepared: Prepared, choices: Choices) -> PasswordOf:
    is_taken = _role_counts(account, prepared, choices)
    if prepared.manifest.type == "safe" or not is_taken:
        return PasswordOf.TODAY if account.has_password_now else PasswordOf.NONE
    return PasswordOf.FILE if account.has_password else PasswordOf.NONE


def _acting_account(now: LiveAccount, in_file: FileAccount | None = None) -> AccountPlan:
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
    for foreign in prepared.keys:
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


def _without_accounts(prepared: Prepared) -> list[Finding]:
    """A file without accounts cannot say who is who; a Complete one would empty their table."""
    in_file = {target.table.name for target in prepared.matched.targets}
    scope = Scope(prepared.manifest.type)
    if not any(s.accounts and s.table not in in_file for s in registry.in_scope(scope)):
        return []
    if prepared.manifest.type == "safe":
        return [
            Finding(
                "restore.acting_owner",
                Severity.ERROR,
                _("The file has no accounts, so that of the acting owner could not survive it."),
                _("Use the file as it was made."),
            )
        ]
    return [_no_owner(authentic=prepared.authentic)]


def _lacking(table: AccountsTable) -> Finding | None:
    """Accounts without an address or a role cannot be judged."""
    columns, target = table.columns, table.target
    wanted = {columns.email, columns.name, columns.role, *(name for name, _ in columns.active)}
    missing = sorted(wanted - set(target.live_columns))
    if not missing:
        return None
    return Finding(
        "restore.column_missing",
        Severity.ERROR,
        _(
            "Section {section!r} lacks {columns}, without which nobody can tell who could sign in.",
            section=target.head.key,
            columns=", ".join(missing),
        ),
        _("Restore the file with the version of the application that made it."),
        table=target.table.name,
    )


def _no_owner(*, authentic: bool) -> Finding:
    return Finding(
        "restore.no_owner",
        # Our own file is put back as it was; of a foreign one we ourselves withhold roles.
        Severity.WARNING if authentic else Severity.ERROR,
        _("After this restore no owner could sign in."),
        _("Grant a role, or make an owner afterwards: manage.py createsuperuser."),
    )


def _findings(plan: AccountsPlan, *, authentic: bool) -> list[Finding]:
    found: list[Finding] = []
    if not plan.owners_who_can_sign_in:
        found.append(_no_owner(authentic=authentic))
    if plan.privileged_new:
        found.append(
            Finding(
                "restore.privileged_new",
                Severity.WARNING,
                ngettext(
                    "{n} account would be owner or admin that is not now.",
                    "{n} accounts would be owner or admin that are not now.",
                    len(plan.privileged_new),
                ),
                _("The plan names them. Check that each is right."),
                count=len(plan.privileged_new),
            )
        )
    if plan.need_reset:
        found.append(
            Finding(
                "restore.no_password",
                Severity.NOTICE,
                ngettext(
                    "{n} account gets in only after a password reset.",
                    "{n} accounts get in only after a password reset.",
                    plan.need_reset,
                ),
                _("They ask for a reset by mail, or an owner sets a password for them."),
                count=plan.need_reset,
            )
        )
    return found


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


def _ambiguous() -> Finding:
    return Finding(
        "restore.acting_ambiguous",
        Severity.ERROR,
        _(
            "Two accounts of the file claim to be the acting owner's: one by its key, one by its e-mail."
        ),
        _("Let another owner restore."),
    )
