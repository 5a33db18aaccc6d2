"""The writing half of a restore: the steps inside the one transaction, in their order."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.apps import apps

from backups import conf
from backups.artifact.reader import Tail
from backups.database import introspection, together
from backups.database.introspection import LiveTable, Source
from backups.errors import ArtifactError
from backups.services import vault
from backups.services.progress import Progress
from backups.stages import Stage
from backups.wording import _
from restore.database import redacted, settling
from restore.database.catalogue import ForeignKey
from restore.database.failures import restore_failure
from restore.database.left_out import keep_content
from restore.database.relocating import point_to_new_names
from restore.database.settling import SurvivingRow
from restore.database.targets import Target
from restore.database.transaction import RestoreTransaction
from restore.models import OutgoingHold, Receipt
from restore.plan import Plan
from restore.services.applying import on_purpose
from restore.services.applying.file_content import Files
from restore.services.applying.left_alone import left_alone
from restore.services.applying.outcome import State, report, require_as_planned
from restore.services.applying.verifying import Verification, counts
from restore.services.planning import accounts, renumbering, repointing
from restore.services.planning.examining import leave_out_duplicates
from restore.services.planning.following import (
    followers_of,
    identity_of,
    state_columns,
    tables_held,
    touching,
)
from restore.services.planning.numbers import numbers_of
from restore.services.planning.people import People, counts_all
from restore.services.planning.repointing import Repointed
from restore.services.planning.staging import Prepared

# With fewer, what taking an index off and building it costs by itself outweighs what it spares.
ROWS_WORTH_AN_INDEX = 5_000


class Writer:
    """Does exactly what the plan says, or raises. ``readable``: by table, the live rows that can be read
    before it is emptied, where not all can. ``left_alone`` are the names of tables that it does not write."""

    def __init__(
        self,
        work: RestoreTransaction,
        prepared: Prepared,
        plan: Plan,
        path: Path,
        progress: Progress,
        readable: Mapping[str, Source] | None = None,
    ) -> None:
        self._work = work
        self._readable = readable or {}
        self._file = prepared
        self._plan = plan
        self._path = path
        self._progress = progress
        # Of rows that cannot all be read nobody knows whether they are the file's.
        self.left_alone = frozenset() if self._readable else left_alone(prepared, plan)
        self._state = State()
        self._followers = followers_of(prepared)
        self._on_purpose: dict[str, int] = {}
        # Tables, by oid, where a live row stands beside the file's.
        self._numbered_beside: set[int] = set()

    def write(self, files: Files, run_id: str) -> dict[str, Any]:
        """Every step up to the commit. Returns the report.

        Raises:
            RestoreError: the database or the storage refused, or the outcome is not the planned one.
        """
        self._detach()
        self._leave_out_duplicates()
        renumbered = renumbering.keep(self._work.connection, self._file)
        people = self._set_aside()
        references = self._outside_references(people)
        survivor = self._surviving_row(people)
        self._empty()
        self._load()
        self._put_files(files)
        self._verify()
        self._change_on_purpose(people, survivor, files)
        renumbering.renumber(self._work.connection, renumbered)
        self._repoint(references)
        self._follow()
        self._progress.stage(Stage.REFERENCES)
        left_off = self._work.attach(self._may_be_broken)
        self._set_sequences()
        sessions = self._end_sessions()
        self._work.write_receipt(self._file.tables[Receipt._meta.db_table], run_id)
        if not self._file.authentic:
            self._work.hold_outgoing(self._file.tables[OutgoingHold._meta.db_table], run_id)
        self._progress.stage(Stage.COMPARING)
        require_as_planned(self._work.connection, self._file, self._plan, self._state)
        self._progress.stage(Stage.COMMITTING)
        return report(
            self._file,
            self._plan,
            files,
            left_alone=self._targets_left_alone,
            purpose=self._on_purpose,
            sessions=sessions,
            left_off=left_off,
        )

    def _leave_out_duplicates(self) -> None:
        left_out = leave_out_duplicates(self._work.connection, self._file, self._plan.choices)
        for table, rows in left_out.items():
            self._state.of(table).left_out = rows

    @property
    def tables_changed(self) -> list[LiveTable]:
        """Every table that is written to, or may lose rows."""
        return [table for table in tables_held(self._file) if table.name not in self.left_alone]

    @property
    def _targets_left_alone(self) -> list[Target]:
        return [t for t in self._file.matched.targets if t.table.name in self.left_alone]

    @property
    def _targets_written(self) -> list[Target]:
        return [t for t in self._file.matched.targets if t.table.name not in self.left_alone]

    def _detach(self) -> None:
        total = sum(map(counts, self._targets_written))
        self._progress.stage(Stage.EMPTYING, sections_total=total, bytes_done=0, bytes_total=0)
        self._work.lock(tables_held(self._file), wait_seconds=conf.lock_wait_seconds())
        self._work.detach(
            self._keys_of(self.tables_changed), self.tables_changed, self._filled_with_many()
        )

    def _keys_of(self, tables: Iterable[LiveTable]) -> list[ForeignKey]:
        return touching({table.name for table in tables}, self._file.keys)

    def _detach_renamed(self, files: Files) -> None:
        """Tables that are left alone but for the names of files that got another one. Their keys go as well:
        of a row that is changed twice the database would look at them later, and let no rule be added before.
        """
        named = {use.section for locator, _new in files.renamed for use in locator.uses}
        tables = [t.table for t in self._targets_left_alone if t.head.key in named]
        if tables:
            gone = self._keys_of(self.tables_changed)
            self._work.detach([key for key in self._keys_of(tables) if key not in gone], tables)

    def _filled_with_many(self) -> list[LiveTable]:
        return [
            target.table
            for target in self._targets_written
            if self._file.rows_of(target) >= ROWS_WORTH_AN_INDEX
        ]

    def _set_aside(self) -> People:
        """Keep what redaction keeps, and what choices need of the rows of now."""
        connection = self._work.connection
        people = accounts.plan_accounts(connection, self._file, self._plan.choices, self._current)
        for number, target in enumerate(self._file.matched.targets):
            columns = self._aside_columns(target, people)
            if columns:
                section = target.reading.section
                self._state.asides[target.table.name] = redacted.set_aside(
                    connection,
                    number,
                    self._file.waiting[target.table.name],
                    identity_of(self._file, section),
                    columns,
                    self._readable.get(target.table.name),
                )
                self._keep_meaning(target, people)
        return people

    def _keep_meaning(self, target: Target, people: People) -> None:
        """References that the file leaves out stay with whom they mean."""
        name, missing = target.table.name, set(target.redacted)
        for key in self._file.references:
            if key.table == name and set(key.columns) <= missing:
                self._state.of(name).set_null += repointing.keep_meaning(
                    self._work.connection, self._state.asides[name], key, people.becoming
                )

    def _outside_references(self, people: People) -> list[Repointed]:
        """What rows outside the file point to, while the rows of now are still there."""
        connection = self._work.connection
        references = repointing.repointed(connection, self._file, self._followers, people.becoming)
        return repointing.with_following(connection, self._followers, references)

    def _current(self, table: LiveTable) -> Source:
        return self._readable.get(table.name, table.own_rows)

    def _repoint(self, references: list[Repointed]) -> None:
        for table, removed, cleared in repointing.carry_out(self._work.connection, references):
            counted = self._state.of(table)
            counted.removed += removed
            counted.set_null += cleared

    def _aside_columns(self, target: Target, people: People) -> list[str]:
        columns = [*target.redacted, *target.withheld]
        section = target.reading.section
        if self._plan.choices.keep_revoked:
            columns += state_columns(section, section.revoked)
        if people.table and people.table.target is target:
            settled = people.table.columns
            columns += [settled.email, settled.role, settled.password, *settled.survives]
            columns += [name for name, _ in (*settled.active, *settled.withheld)]
        return columns

    def _surviving_row(self, people: People) -> SurvivingRow | None:
        if not (people.survivor and people.table):
            return None
        table = people.table
        return SurvivingRow(
            self._work.connection,
            table.waiting,
            table.columns.key,
            people.survivor.key,
            people.survivor.new_key,
        )

    def _empty(self) -> None:
        """A table without a page has no row, and new storage for it and its indexes would be for nothing."""
        written = self._file.matched.written
        without_page = together.small_tables(self._work.connection, written).empty
        stay = without_page | self.left_alone
        self._work.empty([table for table in written if table.name not in stay])

    def _load(self) -> None:
        statistics = self._file.tail.statistics
        read = [statistics.sections[target.head.key] for target in self._targets_written]
        size = sum(one.bytes for one in read)
        rows = sum(counts(t) * one.rows for t, one in zip(self._targets_written, read, strict=True))
        self._progress.stage(Stage.LOADING, rows_total=rows, bytes_total=size)
        for target, loaded in zip(self._targets_written, read, strict=True):
            self._progress.section(target.head.key)
            self._load_table(target)
            self._progress.add(
                sections_done=counts(target),
                rows_done=counts(target) * loaded.rows,
                bytes_done=loaded.bytes,
            )

    def _load_table(self, target: Target) -> None:
        connection, name = self._work.connection, target.table.name
        if not self._file.rows_of(target):
            return
        with restore_failure(table=name):
            if not target.redacted:
                redacted.insert_waiting(connection, self._file.waiting[name])
                return
            counted = self._state.of(name)
            counted.kept, counted.refilled = redacted.insert_filled(
                connection, self._state.asides[name], _refills(target)
            )

    def _put_files(self, files: Files) -> None:
        """The content is read out of the file once more; where there is none, nothing is read."""
        known = self._file.tail.statistics.files
        total = known.embedded + known.gaps + known.skipped
        size = known.embedded_bytes
        self._progress.stage(files.stage, files_total=total, bytes_done=0, bytes_total=size)
        if not known.embedded:
            return
        with vault.reader(self._path) as reader:
            if reader.manifest != self._file.manifest:
                raise _exchanged()
            # The rows wait; that they are still those of the file, the digest says at the end.
            reader.skip_sections(self._file.files_at, self._file.tail.statistics.sections)
            for file in reader.files():
                files.put(file)
                size = (file.head.size_bytes or 0) if file.head.state == "embedded" else 0
                self._progress.add(files_done=1, bytes_done=size)
            self._require_same_file(reader.tail())

    def _require_same_file(self, tail: Tail) -> None:
        if tail.integrity != self._file.tail.integrity:
            raise _exchanged()

    def _verify(self) -> None:
        """Before any change that is made on purpose. Rows that were left alone have been compared, or they
        would not be."""
        left_out = {name for name, counted in self._state.counted.items() if counted.left_out}
        Verification(self._work, self._file, self._progress, left_out).verify(self._targets_written)

    def _change_on_purpose(
        self, people: People, survivor: SurvivingRow | None, files: Files
    ) -> None:
        """What the plan announced beyond the file: accounts, revocations, names of files."""
        self._settle_accounts(people, survivor)
        if self._plan.choices.keep_revoked:
            self._keep_revoked()
        kept = keep_content(self._work.connection, self._state.asides.values())
        self._detach_renamed(files)
        targets = {target.head.key: target for target in self._file.matched.targets}
        point_to_new_names(self._work.connection, targets, files.renamed)
        reasons = {
            "accounts": self._settled_columns(people),
            "revoked": on_purpose.revoked_columns(self._file)
            if self._plan.choices.keep_revoked
            else {},
            "names": on_purpose.renamed_columns(self._file, files.renamed),
            "content": on_purpose.content_columns(self._file) if kept else {},
        }
        self._on_purpose = on_purpose.count(self._work.connection, self._file, reasons)

    def _settled_columns(self, people: People) -> on_purpose.Columns:
        as_in_file = counts_all(self._file, self._plan.choices)
        if people.table is None or (as_in_file and not people.acting_key):
            return {}
        columns = people.table.columns
        withheld = [name for name, _ in columns.withheld]
        names = [columns.role, columns.password, columns.email, *columns.survives, *withheld]
        return {people.table.target.table.name: [*dict.fromkeys(names)]}

    def _settle_accounts(self, people: People, survivor: SurvivingRow | None) -> None:
        if people.table is None:
            return
        connection, columns = self._work.connection, people.table.columns
        table = people.table.target.table.name
        aside = self._state.asides[table]
        if not counts_all(self._file, self._plan.choices):
            settling.set_roles(
                connection,
                aside,
                columns,
                fallback=people.table.declared.fallback_role,
                granted=self._plan.choices.grant_roles,
            )
        if people.acting_key:
            settling.keep_acting(
                connection,
                aside,
                columns,
                key=people.acting_key,
                email=self._plan.choices.acting,
            )
        if survivor:
            keys = [key for key in self._file.references if key.table == table]
            counted = self._state.of(table)
            counted.survives, counted.set_null = survivor.put_back(keys)
            self._numbered_beside.add(people.table.target.table.oid)

    def _keep_revoked(self) -> None:
        for target in self._file.matched.targets:
            section = target.reading.section
            if section.revoked:
                columns = state_columns(section, section.revoked)
                name = target.table.name
                self._state.of(name).revoked = redacted.keep_revoked(
                    self._work.connection,
                    self._state.asides[name],
                    list(zip(columns, section.revoked.values(), strict=True)),
                )

    def _follow(self) -> None:
        """Rows of tables outside the file follow their delete rule until nothing changes any more;
        then references that lead nowhere become NULL, kept ones of the file's tables too."""
        pairs = [pair for follower in self._followers for pair in follower.keys]
        wanted = [key for key, rule in pairs if rule != "set null"]
        while wanted:
            lost_more = set()
            for key in wanted:
                if removed := self._work.remove_followers(key):
                    self._state.of(key.source.whole).removed += removed
                    lost_more.add(key.source.whole)
            wanted = [k for k, rule in pairs if rule != "set null" and k.target.whole in lost_more]
        for key, rule in pairs:
            if rule == "set null":
                self._state.of(key.source.whole).set_null += self._work.clear_references(key)
        self._clear_kept_references()

    def _clear_kept_references(self) -> None:
        for target in self._file.matched.targets:
            missing = set(target.redacted)
            for key in self._file.references:
                if key.table == target.table.name and set(key.columns) <= missing:
                    counted = self._state.of(key.table)
                    counted.set_null += self._work.clear_references(key)

    def _may_be_broken(self, table: str, rule: str) -> bool:
        """Only what the plan said of the file's own rows: any other broken rule is a mistake of ours."""
        return (table, rule) in self._plan.giving_way

    def _set_sequences(self) -> None:
        """As the plan found them; nothing else is touched."""
        numbers = numbers_of(self._file, introspection.live_sequences(self._work.connection))
        for sequence, state in numbers.stated:
            is_doubtful = state.section and not self._file.authentic
            if is_doubtful or sequence.owner in self._numbered_beside:
                # A row stands beside the file's, perhaps under a number that the file's state would give out;
                # or the file is foreign, and states one that its own rows have.
                table = next(t for t in self._file.matched.written if t.oid == sequence.owner)
                self._work.set_sequence_behind(sequence, table, state)
            else:
                self._work.set_sequence(sequence, state)
        for sequence, table in numbers.behind:
            self._work.set_sequence_behind(sequence, table)

    def _end_sessions(self) -> int:
        if not apps.is_installed("django.contrib.sessions"):
            return 0
        table = self._file.tables.get(apps.get_model("sessions.Session")._meta.db_table)
        return self._work.empty_sessions(table) if table else 0


def _exchanged() -> ArtifactError:
    return ArtifactError(
        "artifact.changed",
        _("The file was exchanged while it was being restored. Nothing was changed."),
        hint=_("Leave the file alone during a restore, and start again."),
    )


def _refills(target: Target) -> dict[str, redacted.Make]:
    """What makes a new value for each redacted column, None for NULL."""
    section = target.reading.section
    columns = state_columns(section, section.redact)
    rules = dict(zip(columns, section.redact.values(), strict=True))
    return {name: rules[name].rule.make if name in rules else None for name in target.redacted}
