"""Who can sign in after a restore, with which password, in which role and with which rights."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator

from backups.database.connection import Connection
from backups.database.introspection import LiveTable, Source
from backups.findings import Finding, Severity
from backups.registry import Scope, registry
from backups.wording import _, ngettext
from restore.database import accounts as sql_accounts
from restore.plan import (
    AccountLoss,
    AccountPlan,
    AccountsPlan,
    Choices,
    Loss,
    Lost,
    Of,
)
from restore.services.planning.acting import (
    acting_account,
    find_acting,
    keys_of_acting,
    look_afterwards,
    nobody_known,
)
from restore.services.planning.afterwards import account_after
from restore.services.planning.people import (
    AccountsTable,
    People,
    accounts_table,
    counts_all,
)
from restore.services.planning.repointing import becomings
from restore.services.planning.rights import rights_of
from restore.services.planning.staging import Prepared
from restore.summing import count_accounts


def plan_accounts(
    connection: Connection,
    prepared: Prepared,
    choices: Choices,
    current: Callable[[LiveTable], Source],
) -> People:
    """Compare the file's accounts with those of now. ``current`` yields the rows of now that can be read."""
    table = accounts_table(prepared)
    if table is None or (lacking := _lacking(table)):
        people = People(findings=[lacking] if table and lacking else _without_accounts(prepared))
        people.becoming = becomings(connection, prepared, people, current)
        if choices.acting and not any(finding.blocking for finding in people.findings):
            people.findings.append(nobody_known())
        return people
    people = People(table)
    if prepared.manifest.type == "safe":
        find_acting(connection, people, table, choices)
    people.becoming = becomings(connection, prepared, people, current)
    now, keys = keys_of_acting(connection, people, table, choices)
    everyone = _Everyone(connection, prepared, people, table, choices)
    noted = _Noted(keys, choices.grant_roles)
    people.plan = count_accounts(
        noted.passing(everyone.accounts()), _going(connection, people, table)
    )
    people.findings += _findings(people.plan, authentic=counts_all(prepared, choices))
    people.findings += _addresses_of_others(noted.addresses_kept, everyone)
    people.findings += _granted_to_nobody(prepared, choices, noted.granted)
    look_afterwards(prepared, people, choices, now, noted.claiming)
    return people


class _Everyone:
    """The accounts as they are afterwards. They may be many: read one after the other, each time anew."""

    def __init__(
        self,
        connection: Connection,
        prepared: Prepared,
        people: People,
        table: AccountsTable,
        choices: Choices,
    ) -> None:
        self._connection, self._prepared = connection, prepared
        self._people, self._table, self._choices = people, table, choices
        self._rights = rights_of(connection, prepared, table, choices, people.becoming)

    def accounts(self) -> Iterator[tuple[tuple[str, ...], AccountPlan]]:
        """Each with its key in the file; the key of who survives beside them is empty."""
        acting, table = self._people.acting, self._table
        for account in sql_accounts.accounts_in_file(
            self._connection, table.waiting, table.target.table, table.columns
        ):
            if acting and self._people.acting_key == account.key:
                yield account.key, acting_account(acting, account)
            else:
                yield account.key, self._after(account)
        if self._people.survivor and acting:
            yield (), acting_account(acting)

    def _after(self, account: sql_accounts.FileAccount) -> AccountPlan:
        rights = self._rights.get(account.key)
        declared = self._table.declared
        return account_after(account, declared, self._prepared, self._choices, rights)


class _Noted:
    """What is wanted of accounts that pass: those with one of these keys, the addresses that are kept beside
    the file's, and which of those to whom a role was granted are there."""

    def __init__(self, keys: Container[tuple[str, ...]], granted: Container[str]) -> None:
        self._keys, self._granted = keys, granted
        self.claiming: list[AccountPlan] = []
        self.addresses_kept: Counter[str] = Counter()
        self.granted: set[str] = set()

    def passing(
        self, accounts: Iterable[tuple[tuple[str, ...], AccountPlan]]
    ) -> Iterator[AccountPlan]:
        for key, account in accounts:
            if key in self._keys:
                self.claiming.append(account)
            if account.email_kept:
                self.addresses_kept[account.email_kept] += 1
            if account.email in self._granted:
                self.granted.add(account.email)
            yield account


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


def _addresses_of_others(kept: Counter[str], everyone: _Everyone) -> Iterator[Finding]:
    """The file gives somebody an address that another account keeps."""
    # An address is kept of few accounts, if of any.
    given = {a.email for _key, a in everyone.accounts() if a.email in kept} if kept else set()
    count = sum(kept[email] for email in given)
    if count:
        yield Finding(
            "restore.address_kept",
            Severity.ERROR,
            ngettext(
                "{n} account keeps its address, which the file gives to another one.",
                "{n} accounts keep their addresses, which the file gives to others.",
                count,
            ),
            _("The file was edited. Use it as it was made, or grant these accounts their roles."),
            count=count,
        )


def _granted_to_nobody(prepared: Prepared, choices: Choices, known: set[str]) -> Iterator[Finding]:
    """A grant that changes nothing is no grant."""
    unknown = [email for email in choices.grant_roles if email not in known]
    if unknown and not prepared.authentic:
        yield Finding(
            "restore.choice_unmet",
            Severity.WARNING,
            _(
                "A role was granted to {names}, and the file has no such account.",
                names=", ".join(unknown[:10]),
            ),
            _("Compare the addresses with the plan, letter by letter."),
            count=len(unknown),
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
                    "{n} account would be able to do more than now.",
                    "{n} accounts would be able to do more than now.",
                    plan.privileged_new_in_all,
                ),
                _("The plan names them. Check that each is right."),
                count=plan.privileged_new_in_all,
            )
        )
    if plan.addresses_kept:
        found.append(
            Finding(
                "restore.address_kept",
                Severity.WARNING,
                ngettext(
                    "The file has another address for {n} account that is here: it keeps its own, to which"
                    " links for a new password go.",
                    "The file has other addresses for {n} accounts that are here: they keep their own, to"
                    " which links for new passwords go.",
                    plan.addresses_kept,
                ),
                _("Where an address of the file is the right one, grant that account its role."),
                count=plan.addresses_kept,
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
