"""Who can sign in after a restore, with which password, and in which role."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from backups.database.connection import Connection
from backups.database.reading import column_of, primary_key_columns
from backups.findings import Finding, Severity
from backups.registry import Section
from restore.database import accounts as sql_accounts
from restore.database.accounts import Columns, StagedAccount
from restore.database.staging import Stage
from restore.database.targets import Target
from restore.plan import AccountPlan, AccountsPlan, Choices, PasswordOf, count_accounts
from restore.services.following import state_columns
from restore.services.preparing import Prepared


@dataclass(frozen=True)
class Survivor:
    """The acting owner's account, which the file does not have. ``key`` is its primary key now."""

    table: str
    key: tuple[str, ...]


@dataclass
class People:
    """``target`` is the accounts' table, None where the project declares none or the file has none.

    ``acting_key`` is the key, in the file, of the row that is the acting owner's; None where he
    survives beside the file's rows or nobody acts.
    """

    target: Target | None = None
    columns: Columns | None = None
    plan: AccountsPlan = field(default_factory=AccountsPlan)
    survivor: Survivor | None = None
    acting_key: tuple[str, ...] | None = None
    findings: list[Finding] = field(default_factory=list)


def plan_accounts(connection: Connection, prepared: Prepared, choices: Choices) -> People:
    """Compare the file's accounts with those of now."""
    target = _accounts_target(prepared)
    if target is None:
        return People()
    people = People(target=target, columns=columns_of(target.reading.section))
    stage = prepared.stages[target.table.name]
    is_safe = prepared.manifest.type == "safe"
    if is_safe:
        _find_acting(connection, people, stage, choices)
    accounts = list(_accounts(connection, people, stage, prepared, choices))
    if people.survivor:
        accounts.append(_survivor_account(connection, people, choices))
    people.plan = count_accounts(accounts)
    people.findings += _findings(people.plan, authentic=prepared.authentic)
    return people


def columns_of(section: Section) -> Columns:
    """The columns behind the declared fields."""
    declared = section.accounts
    assert declared is not None  # noqa: S101 - callers ask for sections of accounts only
    model = section.model
    return Columns(
        key=primary_key_columns(model),
        natural=tuple(state_columns(section, section.natural_key)),
        email=column_of(model, declared.email),
        name=column_of(model, declared.name),
        password=column_of(model, declared.password),
        role=column_of(model, declared.role),
        active=tuple((column_of(model, n), v) for n, v in declared.active.items()),
        survives=tuple(state_columns(section, declared.survives)),
    )


def _accounts_target(prepared: Prepared) -> Target | None:
    for target in prepared.matched.targets:
        if target.reading.section.accounts and target.table.name in prepared.stages:
            return target
    return None


def _find_acting(connection: Connection, people: People, stage: Stage, choices: Choices) -> None:
    """Where the acting owner stands, now and in the file. Adds findings where he cannot act."""
    assert people.target is not None and people.columns is not None  # noqa: S101
    declared = people.target.reading.section.accounts
    assert declared is not None  # noqa: S101
    live = people.target.table
    now = sql_accounts.acting_now(connection, live, people.columns, choices.acting)
    if now is None or now.role != declared.owner or not now.active:
        people.findings.append(_nobody_acts(choices.acting))
        return
    found = sql_accounts.acting_in_file(connection, stage, people.columns, now)
    if len(found) > 1:
        people.findings.append(_ambiguous())
    elif found:
        people.acting_key = found[0]
    else:
        people.survivor = Survivor(live.name, now.key)


def _accounts(
    connection: Connection,
    people: People,
    stage: Stage,
    prepared: Prepared,
    choices: Choices,
) -> Iterator[AccountPlan]:
    assert people.target is not None and people.columns is not None  # noqa: S101
    rows = sql_accounts.staged_accounts(connection, stage, people.target.table, people.columns)
    for account in rows:
        yield _account(account, people, prepared, choices)


def _account(
    account: StagedAccount, people: People, prepared: Prepared, choices: Choices
) -> AccountPlan:
    assert people.target is not None  # noqa: S101
    declared = people.target.reading.section.accounts
    assert declared is not None  # noqa: S101
    acts = people.acting_key == account.key
    role = (
        declared.owner if acts else role_after(account, declared.fallback_role, prepared, choices)
    )
    privileged = role in declared.privileged
    return AccountPlan(
        email=account.email,
        name=account.name,
        role=role,
        active=acts or account.active,
        password=_password(account, prepared),
        privileged=privileged,
        appears=privileged and account.role_now != role,
        owner=role == declared.owner,
        role_in_file=account.role,
        withheld=account.role in declared.privileged and account.role != role,
    )


def role_after(account: StagedAccount, fallback: str, prepared: Prepared, choices: Choices) -> str:
    """A foreign file's roles count only where they were granted; others keep theirs or get the least."""
    if prepared.authentic or account.email in choices.grant_roles:
        return account.role
    return account.role_now or fallback


def _password(account: StagedAccount, prepared: Prepared) -> PasswordOf:
    if prepared.manifest.type == "safe":
        return PasswordOf.TODAY if account.has_password_now else PasswordOf.NONE
    return PasswordOf.FILE if account.has_password else PasswordOf.NONE


def _survivor_account(connection: Connection, people: People, choices: Choices) -> AccountPlan:
    assert people.target is not None and people.columns is not None  # noqa: S101
    now = sql_accounts.acting_now(connection, people.target.table, people.columns, choices.acting)
    assert now is not None  # noqa: S101 - found a moment ago, in the same snapshot
    return AccountPlan(
        email=now.email,
        name=now.name,
        role=now.role,
        active=True,
        password=PasswordOf.TODAY if now.has_password else PasswordOf.NONE,
        privileged=True,
        appears=False,
        owner=True,
    )


def add_survivor(connection: Connection, prepared: Prepared, people: People) -> None:
    """Let the staged rows include the acting owner's, so that rows pointing to him have a target."""
    assert people.target is not None and people.columns is not None and people.survivor  # noqa: S101
    stage = prepared.stages[people.target.table.name]
    sql_accounts.add_to_stage(
        connection, stage, people.target.table, people.columns.key, people.survivor.key
    )


def _findings(plan: AccountsPlan, *, authentic: bool) -> list[Finding]:
    found: list[Finding] = []
    if plan.total and not plan.owners_who_can_sign_in:
        found.append(
            Finding(
                "restore.no_owner",
                # Our own file is put back as it was; of a foreign one we ourselves withhold roles.
                Severity.WARNING if authentic else Severity.ERROR,
                "After this restore no owner could sign in.",
                "Grant a role (--grant-roles EMAIL), or make an owner afterwards:"
                " manage.py createsuperuser.",
            )
        )
    if plan.privileged_new:
        found.append(
            Finding(
                "restore.privileged_new",
                Severity.WARNING,
                f"{len(plan.privileged_new):,} accounts would be owner or admin that are not now.",
                "The plan names them. Check that each is right.",
                count=len(plan.privileged_new),
            )
        )
    if plan.need_reset:
        found.append(
            Finding(
                "restore.no_password",
                Severity.NOTICE,
                f"{plan.need_reset:,} accounts get in only after a password reset.",
                "They ask for a reset by mail, or an owner sets a password for them.",
                count=plan.need_reset,
            )
        )
    return found


def _nobody_acts(email: str) -> Finding:
    return Finding(
        "restore.acting_owner",
        Severity.ERROR,
        "A Safe restore needs an owner who acts, and whose account survives it."
        if not email
        else "The acting account is not that of an owner who can sign in here.",
        "Name an owner of this application: --as EMAIL. `manage.py createsuperuser` makes one.",
    )


def _ambiguous() -> Finding:
    return Finding(
        "restore.acting_ambiguous",
        Severity.ERROR,
        "Two accounts of the file claim to be the acting owner's: one by its key, one by its e-mail.",
        "Let another owner restore (--as EMAIL).",
    )
