"""The plan of a restore: every number counted in the database, beside the file's waiting rows.

Reads in one REPEATABLE READ transaction that is always rolled back.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from backups import conf
from backups.database import introspection, together
from backups.database.connection import Connection, connected, database_errors
from backups.database.introspection import LiveTable, Source
from backups.database.table_reading import primary_key_columns
from backups.errors import RestoreError
from backups.findings import Finding, Severity
from backups.registry import Registry, counted, registry
from backups.services.recovery_kit import RecoveryKit
from backups.stages import Stage
from backups.wording import Sentence, _
from restore.database import comparing, identities, questions
from restore.database.catalogue import ForeignKey
from restore.database.comparing import Difference
from restore.database.identities import Identity
from restore.database.repointing import Becoming
from restore.database.simulation import Follower, Simulation
from restore.database.targets import Target
from restore.database.waiting_tables import Relation, create_aside, one_instant
from restore.plan import Choices, Fate, FileFacts, FilesPlan, Plan, TablePlan
from restore.services.asking import here
from restore.services.planning import (
    access,
    accounts,
    acting,
    generic,
    left_out,
    powers,
    pristine,
    renumbering,
    repointing,
)
from restore.services.planning.capping import capped, capped_differences
from restore.services.planning.examining import examine, leave_out_duplicates
from restore.services.planning.files import findings as findings_on_files
from restore.services.planning.files import plan_files
from restore.services.planning.following import (
    followers_of,
    identity_of,
    state_columns,
    tables_read,
)
from restore.services.planning.foreseeing import Foresight, foresee, without_damage
from restore.services.planning.looking import LookThrough
from restore.services.planning.numbers import numbers_of, rows_at_the_end
from restore.services.planning.opening import opened
from restore.services.planning.pairing import pairing_findings, untold
from restore.services.planning.proving import is_told_apart_by
from restore.services.planning.remembering import Answers
from restore.services.planning.replacing import Replacing, compared_columns
from restore.services.planning.staging import Prepared, prepare
from restore.services.planning.watching import NOBODY, Watch, end_reading


def plan_file(
    path: Path,
    choices: Choices,
    *,
    declared: Registry = registry,
    watch: Watch = NOBODY,
    look: Callable[[LookThrough], None] | None = None,
    kit: RecoveryKit | None = None,
) -> Plan:
    """What a restore of this file into this database would do. Writes nothing.

    ``look`` is given the rows behind the plan's numbers while they can still be asked for. ``kit``: the
    recovery kit of the installation that made the file.

    Stages: those of ``opened``, ``prepare`` and ``plan_files``, then ``COUNTING``.

    Raises:
        ArtifactError: the file is not a whole backup.
        DatabaseFailure, StorageFailure: it could not be found out.
    """
    with connected(purpose="plan") as connection:
        connection.autocommit = True
        with opened(path, choices, watch) as readable, database_errors():
            prepared = prepare(
                readable, connection, declared, watch, kit=kit, let_in=choices.let_in
            )
            files = plan_files(readable, prepared, watch, host=choices.host_files)
            end_reading(Stage.COUNTING, watch)
            with one_instant(
                connection,
                tables_read(prepared),
                wait_seconds=conf.lock_wait_seconds(),
                check=watch.check,
            ):
                require_same_schema(connection, prepared)
                foresight = foresee(connection, prepared, choices, read=True)
                planner = _Planner(connection, prepared, choices, foresight)
                plan = planner.plan(files)
                if look:
                    look(planner.look_through(plan))
                return plan


def make_plan(
    connection: Connection,
    prepared: Prepared,
    choices: Choices,
    files: FilesPlan,
    foresight: Foresight | None = None,
    answers: Answers | None = None,
) -> Plan:
    """Count everything as it is now. ``foresight``: what is known of the safety backup, where there is to be
    one. ``answers``: what is known already of the same file and choices, where nothing is damaged; what is
    found is added to it. The caller's transaction keeps what is counted still, and must
    be rolled back afterwards, to a savepoint at least: temporary tables are left behind."""
    known = foresight or Foresight()
    return _Planner(connection, prepared, choices, known, answers).plan(files)


def require_same_schema(connection: Connection, prepared: Prepared) -> None:
    """Raises RestoreError where a migration came between the reading and the locks."""
    now = introspection.live_tables(connection)
    if {n: (t.oid, t.columns) for n, t in now.items()} != {
        n: (t.oid, t.columns) for n, t in prepared.tables.items()
    }:
        raise RestoreError(
            "restore.schema_changed",
            _("The database's schema changed while the file was read. Nothing was changed."),
            hint=_("Let the migration end, then plan and restore again."),
        )


class _Planner:
    def __init__(
        self,
        connection: Connection,
        prepared: Prepared,
        choices: Choices,
        foresight: Foresight,
        answers: Answers | None = None,
    ) -> None:
        self._connection = connection
        # Of damaged tables other rows are read, by the time of the asking.
        self._answers = answers if answers and not foresight.damages else Answers()
        self._readable = foresight.readable(prepared)
        prepared = without_damage(connection, prepared, foresight)
        self._file = prepared
        self._choices = choices
        self._numbers = itertools.count()
        self._followers = followers_of(prepared)
        tables = [*prepared.matched.written, *(f.table for f in self._followers)]
        self._now = introspection.count_rows(connection, tables)
        self._findings: list[Finding] = [*prepared.findings, *foresight.findings]
        # Rows outside the file point to these by the numbers of now.
        self._stay = renumbering.staying(connection, prepared)
        self._left_out: dict[str, int] = {}
        self._simulation = Simulation(connection, self._followers, self._after)
        self._replacing = Replacing(
            connection, prepared, self._answers, self._now, self._current, self._compared
        )

    def plan(self, files: FilesPlan) -> Plan:
        self._left_out = leave_out_duplicates(self._connection, self._file, self._choices)
        people = accounts.plan_accounts(self._connection, self._file, self._choices, self._current)
        self._findings += people.findings
        references = repointing.repointed(
            self._connection, self._file, self._followers, people.becoming
        )
        self._findings += repointing.findings(self._connection, references)
        self._findings += generic.findings(self._connection, self._file, people.becoming)
        self._simulation.let_mean(repointing.meanings(references))
        is_new = not self._file.authentic and pristine.is_new(self._connection, self._file)
        giving_way: set[tuple[str, str]] = set()
        self._findings += examine(
            self._connection, self._file, self._target_of, giving_way, self._answers
        )
        self._replacing.ask_of_many()
        tables = {t.table.name: self._replaced(t) for t in self._file.matched.targets}
        if people.table and people.survivor:
            # From here on the account counts as one of the file's rows.
            cleared, findings = acting.add_survivor(
                self._connection, self._file, people.table, people.survivor
            )
            self._findings += findings
            name = people.survivor.table
            tables[name] = _with_survivor(tables[name], cleared)
        simulation = self._simulation
        simulation.run()
        self._count_kept_to_nowhere(simulation, tables, people.becoming)
        rows = [
            *tables.values(),
            *(self._emptied(table) for table in self._file.matched.emptied),
            *(self._follows(follower, simulation) for follower in self._followers),
        ]
        self._findings += powers.findings(self._connection, self._file)
        self._findings += findings_on_files(self._file, files, self._choices)
        self._findings += left_out.findings(self._connection, self._file, self._current)
        live = introspection.live_sequences(self._connection)
        self._findings += numbers_of(self._file, live).findings
        self._findings += rows_at_the_end(self._connection, self._file, live)
        self._findings += self._authenticity(is_new=is_new)
        self._findings += access.unmet(self._file.access, self._file.authentic, self._choices)
        return Plan(
            file=_facts(self._file),
            choices=self._choices,
            tables=tuple(rows),
            schema=capped_differences(self._file.matched.differences),
            giving_way=tuple(sorted(giving_way)),
            accounts=people.plan,
            files=replace(files, in_rows=left_out.files_in_rows(self._connection, self._file)),
            findings=capped(self._findings),
            target=here.overwritten_by(self._connection.info),
            acting=people.afterwards,
            is_new_here=is_new,
            access=self._file.access,
        )

    def look_through(self, plan: Plan) -> LookThrough:
        """The rows behind the numbers of the plan that was made."""
        return LookThrough(
            self._connection, self._file, plan, self._compared, self._simulation.lost
        )

    def _after(self, table: str) -> Relation | None:
        if table in self._stay:
            return self._stay[table]
        waiting = self._file.waiting.get(table)
        return waiting.relation if waiting else None

    def _replaced(self, target: Target) -> TablePlan:
        section, table = target.reading.section, target.table
        left_out = self._left_out.get(table.name, 0)
        rows = self._file.tail.statistics.sections[target.head.key].rows - left_out
        kept = refilled = 0
        paired = ""
        if target.redacted:
            identity = identity_of(self._file, section)
            paired = identity.pairing.value
            kept = self._replacing.pairs(target)
            refilled = rows - kept
            self._findings += pairing_findings(table.name, identity, kept, refilled)
            self._findings += self._untold(target, identity)
        compared = self._replacing.compared(target)
        return TablePlan(
            key=section.key,
            table=table.name,
            group=section.group,
            fate=Fate.REPLACED,
            now=self._now[table.name],
            after=rows,
            added=compared.added,
            dropped=compared.dropped.rows,
            changed=compared.changed.rows,
            mark=_mark(compared.changed, compared.dropped),
            left_out=left_out,
            kept=kept,
            refilled=refilled,
            paired=paired,
            revoked=self._revoked(target),
        )

    def _untold(self, target: Target, identity: Identity) -> Iterator[Finding]:
        """What pairs rows must tell them apart. A table without a rule for that is asked itself."""
        table = target.table
        for key in filter(None, (identity.key, identity.natural)):
            if not is_told_apart_by(key, table.name, self._file.rules):
                waiting = self._file.waiting[table.name].relation
                asked = [questions.count_shared(rows, key) for rows in (waiting, table.own_rows)]
                yield from untold(table.name, key, max(together.numbers(self._connection, asked)))

    def _current(self, table: LiveTable) -> Source:
        """The rows of which current values can be kept."""
        return self._readable.get(table.name, table.own_rows)

    def _compared(self, target: Target) -> list[str]:
        return compared_columns(self._file, self._choices, target)

    def _revoked(self, target: Target) -> int:
        section = target.reading.section
        if not (self._choices.keep_revoked and section.revoked):
            return 0
        columns = state_columns(section, section.revoked)
        state = list(zip(columns, section.revoked.values(), strict=True))
        key = primary_key_columns(section.model)
        waiting = self._file.waiting[target.table.name]
        return questions.revoked_now(self._connection, waiting, target.table, key, state)

    def _emptied(self, table: LiveTable) -> TablePlan:
        now = self._now[table.name]
        section = registry.by_table()[table.name]
        gone = self._answers.of_table(
            table,
            "whole",
            lambda: comparing.whole(self._connection, table.own_rows, list(table.columns)),
        )
        return TablePlan(
            section.key,
            table.name,
            section.group,
            Fate.EMPTIED,
            now,
            0,
            dropped=gone.rows,
            mark=_mark(gone),
        )

    def _follows(self, follower: Follower, simulation: Simulation) -> TablePlan:
        name = follower.table.name
        section = registry.by_table().get(name)
        gone = simulation.removed(follower)
        return TablePlan(
            key=section.key if section else "",
            table=name,
            group=section.group if section else "",
            fate=Fate.FOLLOWS,
            now=self._now[name],
            after=self._now[name] - gone.rows,
            removed=gone.rows,
            mark=_mark(gone),
            set_null=simulation.set_null(follower),
        )

    def _count_kept_to_nowhere(
        self,
        simulation: Simulation,
        tables: dict[str, TablePlan],
        becoming: Mapping[str, Becoming],
    ) -> None:
        for target in self._file.matched.targets:
            name = target.table.name
            for column, foreign in _kept_references(target, self._file.references):
                section = target.reading.section
                kept = identities.pairs(
                    self._file.waiting[name],
                    self._current(target.table),
                    identity_of(self._file, section),
                    [column],
                )
                meanings = repointing.of_kept(foreign, becoming)
                lost = simulation.kept_to_nowhere(kept, column, foreign, meanings)
                if lost:
                    before = tables[name]
                    tables[name] = replace(before, set_null=before.set_null + lost)

    def _target_of(self, key: ForeignKey) -> Source | None:
        """What holds the target's rows after the restore; None where that could not be read."""
        target = key.target.whole
        if target in self._file.unread:
            return None
        if waiting := self._file.waiting.get(target):
            return waiting.relation
        if any(table.name == target for table in self._file.matched.emptied):
            table = self._file.tables[target]
            name = f"emptied_{next(self._numbers)}"
            return create_aside(self._connection, name, table, key.target_columns)
        return key.target.rows

    def _authenticity(self, *, is_new: bool) -> list[Finding]:
        if self._file.authentic:
            return []
        chosen = self._choices
        accepted = chosen.accept_foreign or chosen.accept_altered or chosen.all_accounts
        found = [
            Finding(
                "restore.foreign",
                Severity.WARNING if accepted else Severity.ERROR,
                _("The file was not made by this installation, or was not signed with its key."),
                _accepted(chosen) if accepted else _("If you trust where it comes from, say so."),
            )
        ]
        if chosen.all_accounts and not is_new:
            found.append(_has_data())
        return found


def _accepted(chosen: Choices) -> Sentence:
    if chosen.all_accounts:
        return _("All its accounts come as they are in the file, as was chosen.")
    return _("Its roles are not taken over unless granted one by one.")


def _has_data() -> Finding:
    return Finding(
        "restore.has_data",
        Severity.ERROR,
        _(
            "All accounts as in the file can be had only where there are no data yet, and here are some."
        ),
        _(
            "Grant roles one by one, or give the recovery kit of the installation that made the file."
        ),
    )


def _mark(*differences: Difference) -> str:
    return " ".join(difference.mark for difference in differences if difference.mark)


def _with_survivor(table: TablePlan, cleared: int) -> TablePlan:
    # The row is there now and stays, so it is not dropped, and comes on top of the file's.
    return replace(
        table, after=table.after + 1, survives=1, dropped=table.dropped - 1, set_null=cleared
    )


def _kept_references(target: Target, keys: list[ForeignKey]) -> list[tuple[str, ForeignKey]]:
    """The redacted columns that are references, each with its key."""
    redacted = set(target.redacted)
    return [
        (key.columns[0], key)
        for key in keys
        if key.table == target.table.name and len(key.columns) == 1 and key.columns[0] in redacted
    ]


def _facts(prepared: Prepared) -> FileFacts:
    manifest, sections = prepared.manifest, prepared.tail.statistics.sections
    return FileFacts(
        type=manifest.type,
        created_at=manifest.created_at,
        created_by=manifest.created_by.name,
        installation=manifest.installation,
        authentic=prepared.authentic,
        by_kit=prepared.by_kit,
        digest=prepared.tail.integrity.digest,
        **vars(counted({key: one.rows for key, one in sections.items()})),
    )
