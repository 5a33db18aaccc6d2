"""The accounts' table of a file, and what is known of the people in it and of whoever acts."""

from dataclasses import dataclass, field

from backups.database.table_reading import column_of
from backups.findings import Finding
from backups.registry import Accounts, Section
from backups.registry.access import flags
from restore.database.accounts import Columns, LiveAccount
from restore.database.repointing import Becoming
from restore.database.targets import Target
from restore.database.waiting_tables import WaitingTable
from restore.plan import AccountsPlan, ActingPlan, Choices
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
    ``afterwards`` is what becomes of the account that acts, whichever the file. ``becoming``: by table, the
    rows of now that have another key afterwards, or whose key is somebody else's.
    """

    table: AccountsTable | None = None
    plan: AccountsPlan = field(default_factory=AccountsPlan)
    survivor: Survivor | None = None
    acting: LiveAccount | None = None
    acting_key: tuple[str, ...] | None = None
    afterwards: ActingPlan | None = None
    findings: list[Finding] = field(default_factory=list)
    becoming: dict[str, Becoming] = field(default_factory=dict)

    @property
    def acting_after(self) -> tuple[str, ...] | None:
        """The primary key afterwards of the account that acts on a Safe file."""
        return self.survivor.key_after if self.survivor else self.acting_key


def counts_all(prepared: Prepared, choices: Choices) -> bool:
    """Whether every account counts as it is in the file: the file is ours, or the person trusts it and
    there is nobody here yet. That this is so ``counting`` makes sure of."""
    return prepared.authentic or choices.all_accounts


def accounts_table(prepared: Prepared) -> AccountsTable | None:
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
        withheld=(
            *((column_of(model, name), declared.inactive_value(name)) for name in declared.active),
            *((column_of(model, name), "false") for name in flags(section)),
        ),
    )
