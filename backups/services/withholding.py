"""No secret leaves in a Safe file, wherever it stands: its live value is looked for in every cell.

Secrets are the values of all columns that the registry calls secret, or leaves out of Safe files without
being references, in tables of either scope. How they are found and marked: ``backups.hunting``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from django.apps import apps
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db.models import F, Model, UniqueConstraint

from backups import conf
from backups.artifact.bounds import ALTERED, LIST_BYTES
from backups.artifact.manifest import Person, SectionHead
from backups.artifact.tail import AlteredCell, SecretStatistics
from backups.database import introspection
from backups.database.connection import Connection, connected, database_errors
from backups.database.introspection import LiveTable
from backups.database.secret_values import SecretColumn, secret_values
from backups.database.table_reading import TableReading, column_of, reading
from backups.errors import ArtifactError, ConfigurationError
from backups.hunting.contents import ContentMarker
from backups.hunting.credentials import KINDS
from backups.hunting.forms import is_hunted
from backups.hunting.marking import Found, Holds, SectionMarker, kind_of
from backups.hunting.matcher import Matcher, Secret
from backups.hunting.proving import (
    Leak,
    Said,
    SectionProof,
    leaks_around,
    said_in_head,
    said_in_tail,
    said_of_file,
)
from backups.registry import SAFE, Section, registry
from backups.registry.references import references
from backups.services import vault
from backups.wording import _

# So many are searched for at once in all their forms: some 100 MB. Above it the proof has the rarer ones.
MOST_SECRETS = 150_000
# How many letters one letter of a secret may be written with: escaped for JSON within JSON, say.
_WRITTEN_LETTERS = 12
# The list of altered cells must fit into its line, whatever its keys.
_LISTED_BYTES = LIST_BYTES * 3 // 4


def secret_columns(tables: Mapping[str, LiveTable]) -> list[SecretColumn]:
    """The columns whose values are looked for, of all tables that are there."""
    found = [
        _of_column(section.key, tables[section.table], column_of(section.model, name))
        for section in registry.sections
        if section.table in tables
        for name in _secret_fields(section)
    ]
    return [column for column in (*found, *_sessions(tables)) if column is not None]


def _secret_fields(section: Section) -> list[str]:
    """The declared ones, and what else a Safe file leaves out that is no reference."""
    left_out = [
        name
        for name in section.redact
        if not section.model._meta.get_field(name).is_relation and section.in_safe
    ]
    return [*dict.fromkeys([*section.secret, *left_out])]


def _of_column(key: str, table: LiveTable, name: str) -> SecretColumn | None:
    column = table.columns.get(name)
    return SecretColumn(f"{key}.{name}", table, column) if column else None


def session_tables() -> set[str]:
    """Who has the key of a web session is signed in; its table is in no backup."""
    declared = {section.table for section in registry.sections}
    return {model._meta.db_table for model in _session_models()} - declared


def _session_models() -> list[type[Model]]:
    return [model for model in apps.get_models() if issubclass(model, AbstractBaseSession)]


def _sessions(tables: Mapping[str, LiveTable]) -> Iterator[SecretColumn | None]:
    wanted = session_tables() & tables.keys()
    for model in _session_models():
        name = model._meta.db_table
        if name in wanted:
            yield _of_column(name, tables[name], column_of(model, "session_key"))


class Hunt:
    """The secrets of one instant, and what was found of them in one file.

    ``values``: those of ``secret_columns``, each with its column's name. ``mask_credentials``: what looks
    like a credential is marked too, as it is where the setting says so.
    """

    def __init__(
        self,
        values: Iterable[tuple[str, bytes]],
        tables: Mapping[str, LiveTable],
        *,
        mask_credentials: bool = False,
    ) -> None:
        self._tables = tables
        self._names = _names_of_schema(tables)
        self._mask = mask_credentials or conf.mask_credentials()
        self._not_hunted = 0
        self._secrets = list(self._hunted(values))
        self._matcher = Matcher(self._secrets, rarer=self.has_all_forms)
        self.found = Found()
        self.altered: list[AlteredCell] = []
        self._cells = self._listed_bytes = 0
        self._marked: dict[tuple[str, str], None] = {}
        # One digest for each file that a text holds itself.
        self.contents: set[bytes] = set()

    def _hunted(self, values: Iterable[tuple[str, bytes]]) -> Iterator[Secret]:
        words = _words_of_models()
        seen = set()
        for column, given in values:
            # Who pastes a secret elsewhere leaves behind what blanks the column has around it.
            value = given.strip() if is_hunted(given.strip()) else given
            if not is_hunted(value) or value in words:
                self._not_hunted += 1
            elif value not in seen:
                seen.add(value)
                yield Secret(value, column)

    @property
    def has_all_forms(self) -> bool:
        """Whether rows are searched for all forms while they are written; else the proof has the rarer."""
        return len(self._secrets) <= MOST_SECRETS

    def marker(self, item: TableReading) -> Callable[[bytes], bytes]:
        """What the rows of a section pass through: blocks of whole lines, there and back. Files go first,
        so that nothing is looked for in them."""
        key, held = item.section.key, holds(item)
        # No cell is listed twice: those of one block in which a file stood.
        emptied: set[tuple[str, str]] = set()

        def note_content(row_key: str | list[str], column: str) -> None:
            emptied.add((str(row_key), column))
            self._list(AlteredCell(key, row_key, column))

        def note(row_key: str | list[str], column: str) -> None:
            self._cells += 1
            if (str(row_key), column) not in emptied:
                self._list(AlteredCell(key, row_key, column))

        head = _without_domains(item)
        contents = ContentMarker(head, held, note_content, self.contents.add)
        secrets = SectionMarker(
            head, held, self._matcher, self.found, note, mask_credentials=self._mask
        )

        def withheld(block: bytes) -> bytes:
            emptied.clear()
            return secrets.rows(contents.rows(block))

        return withheld

    def may_stand_in(self, text: str) -> bool:
        """Whether ``veiled`` need be asked: quicker."""
        return self._matcher.looks(text.encode(errors="surrogatepass")).secret

    @cached_property
    def longest_written(self) -> int:
        """As many characters as the longest secret may have in a text, each of its letters escaped."""
        return _WRITTEN_LETTERS * max((len(secret.value) for secret in self._secrets), default=0)

    def veiled(self, text: str, longest: int) -> str:
        """The first ``longest`` characters of the text, with a marker in the place of each secret that begins
        in them. With ``longest_written`` characters more each is known whole."""
        data = text.encode(errors="surrogatepass")
        limit = len(text[:longest].encode(errors="surrogatepass"))
        shown, at = [], 0
        for hit in sorted(self._matcher.hits(data), key=lambda hit: hit.start):
            if hit.start >= limit:
                break
            if hit.start >= at:
                shown += [data[at : hit.start], f"[redacted:{hit.secret.column}]".encode()]
            at = max(at, hit.end)
        return b"".join([*shown, data[at:limit]]).decode(errors="replace")

    def person(self, name: str, email: str) -> Person:
        """Who asked, as the file may say it."""
        texts = [text if not self._matcher.hits(text.encode()) else "" for text in (name, email)]
        return Person(*texts)

    def _list(self, cell: AlteredCell) -> None:
        size = sum(map(len, (cell.section, cell.column, *cell.key))) + 64
        if len(self.altered) < ALTERED // 2 and self._listed_bytes + size < _LISTED_BYTES:
            self._listed_bytes += size
            self.altered.append(cell)
        else:
            self._marked[cell.section, cell.column] = None

    def listed(self) -> list[AlteredCell]:
        """The altered cells; where there are too many, their columns."""
        columns = [AlteredCell(section, "", column, True) for section, column in self._marked]
        return [*self.altered, *columns]

    def statistics(self) -> SecretStatistics:
        return SecretStatistics(
            hunted=len(self._secrets),
            not_hunted=self._not_hunted,
            forms="all" if self.has_all_forms else "common",
            cells=self._cells,
            found=dict(sorted(self.found.cells.items())),
            left={name: count for name, count in sorted(self.found.left.items()) if count},
            credentials=dict(sorted(self.found.credentials.items())),
            credentials_masked=self._mask,
        )

    def matchers(self) -> Iterator[Matcher]:
        """What proves a file: one after the other, each over the whole of it."""
        if self.has_all_forms:
            yield self._matcher
            return
        for start in range(0, len(self._secrets), MOST_SECRETS):
            yield Matcher(self._secrets[start : start + MOST_SECRETS], words=False)

    def leaks(self, matcher: Matcher, head: SectionHead, block: bytes) -> Iterator[Leak]:
        """What stands in rows of a Safe file and should not."""
        yield from self.section_proof(matcher, head).leaks(block)

    def leaks_around(self, matcher: Matcher, said: Iterable[Said]) -> Iterator[Leak]:
        """What stands outside of the rows of a Safe file and should not."""
        yield from leaks_around(said, matcher, self._names)

    def section_proof(self, matcher: Matcher, head: SectionHead) -> SectionProof:
        return SectionProof(head, self._holds_of(head), matcher)

    def _holds_of(self, head: SectionHead) -> dict[str, Holds]:
        section = registry.by_key().get(head.key)
        if section is None:
            return {}
        try:
            return holds(reading(section, SAFE, dict(self._tables)))
        except ConfigurationError:
            return {}

    def require_none(self, matcher: Matcher) -> "Proof":
        """What a finished file is read with; raises at the first leak."""
        return Proof(self, matcher)


class Proof:
    """Looks at a finished file while that is read. Raises ArtifactError ``artifact.secret`` at the first
    leak."""

    def __init__(self, hunt: Hunt, matcher: Matcher) -> None:
        self._hunt = hunt
        self._matcher = matcher
        self._sections: dict[str, SectionProof] = {}

    def rows(self, head: SectionHead, block: bytes) -> None:
        if head.key not in self._sections:
            self._sections[head.key] = self._hunt.section_proof(self._matcher, head)
        for leak in self._sections[head.key].leaks(block):
            raise _leaked(leak)

    def texts(self, said: Iterable[Said]) -> None:
        for leak in self._hunt.leaks_around(self._matcher, said):
            raise _leaked(leak)


def of_now(connection: Connection) -> Hunt:
    """What the database holds of secrets at this instant. Within a transaction."""
    tables = introspection.live_tables(connection)
    return Hunt(secret_values(connection, secret_columns(tables)), tables)


def leaks_in(path: Path) -> Iterator[Leak]:
    """Where a Safe file holds a secret that the database holds now. It may be older than the file: what was
    made since is found too, what was changed since is not.

    Raises ArtifactError: it is no Safe file, or not whole. DatabaseFailure, StorageFailure.
    """
    with connected(purpose="secrets") as connection, database_errors():
        hunt = of_now(connection)
    for matcher in hunt.matchers():
        with vault.reader(path) as reader:
            if reader.manifest.type != SAFE:
                raise _holds_secrets()
            yield from hunt.leaks_around(matcher, said_in_head(reader.manifest))
            for section in reader.sections():
                for block in section.blocks():
                    yield from hunt.leaks(matcher, section.head, block)
            for file in reader.files():
                yield from hunt.leaks_around(matcher, said_of_file(file.head))
            yield from hunt.leaks_around(matcher, said_in_tail(reader.tail()))


def _holds_secrets() -> ArtifactError:
    return ArtifactError(
        "artifact.not_safe",
        _("The file is a Complete backup, which holds every secret on purpose."),
        hint=_("Look for secrets in a Safe backup."),
    )


def _leaked(leak: Leak) -> ArtifactError:
    if not leak.section:
        return ArtifactError(
            "artifact.secret",
            _(
                "The finished Safe file still held a secret of {secret}, outside of its rows (under"
                " {part}). It was discarded.",
                secret=leak.secret,
                part=leak.column,
            ),
            hint=_(
                "Names of tables, of migrations, of the application and of who asks are no place for a"
                " secret: change that, or make it invalid."
            ),
        )
    return ArtifactError(
        "artifact.secret",
        _(
            "The finished Safe file still held a secret of {secret}, in column {column} of section"
            " {section}. It was discarded.",
            secret=leak.secret,
            column=leak.column,
            section=leak.section,
        ),
        hint=_(
            "Take the secret out of that column, or make it invalid, and try again. A Complete backup"
            " may hold it."
        ),
    )


def _without_domains(item: TableReading) -> SectionHead:
    """What a cell may hold, and how long it may be, is said by the type beneath."""
    head = item.head()
    beneath = {column.name: column.made_of for column in item.columns}
    columns = [msgspec.structs.replace(c, type=beneath[c.name]) for c in head.columns]
    return msgspec.structs.replace(head, columns=tuple(columns))


def holds(item: TableReading) -> dict[str, Holds]:
    """What each column of a reading holds, to who puts markers into cells."""
    model = item.section.model
    keys, distinct = _key_columns(item), _distinct_columns(model)
    found = {}
    for column in item.columns:
        kind = kind_of(column.made_of, nullable=column.nullable)
        if column.name in keys or item.section.framework:
            kind = Holds.KEY
        elif kind is Holds.TEXT and column.name in distinct:
            kind = Holds.DISTINCT
        found[column.name] = kind
    return found


def _key_columns(item: TableReading) -> set[str]:
    """What leads to rows: primary keys, references, and what references lead to."""
    pointed_at = {
        reference.target_column
        for section in registry.sections
        for reference in references(section.model)
        if reference.target_table == item.table.name
    }
    own = {reference.column for reference in references(item.section.model)}
    return {column.name for column in item.primary_key} | own | pointed_at


def _distinct_columns(model: type[Model]) -> set[str]:
    """Columns of unique rules: two cells must not become alike."""
    meta = model._meta
    unique = {str(field.column) for field in meta.local_concrete_fields if field.unique}
    together = [name for names in meta.unique_together for name in names]
    for constraint in meta.constraints:
        if isinstance(constraint, UniqueConstraint):
            together += [*constraint.fields, *_named_in(constraint.expressions)]
    own = {field.name for field in meta.local_fields}
    return unique | {column_of(model, name) for name in own.intersection(together)}


def _named_in(expressions: Iterable[Any]) -> Iterator[str]:
    """The fields that expressions look at: ``Lower("email")``."""
    for expression in expressions:
        for part in expression.flatten() if hasattr(expression, "flatten") else (expression,):
            if isinstance(part, F):
                yield str(part.name)  # type: ignore[attr-defined]


def _words_of_models() -> set[bytes]:
    """The values that models choose from: words of the application, whoever uses one as a secret."""
    return {
        str(value).encode()
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        for value, _label in field.flatchoices
    }


def _names_of_schema(tables: Mapping[str, LiveTable]) -> set[str]:
    """What tables and columns are called, here and in files: words of the application too."""
    names = {section.key for section in registry.sections} | set(tables)
    for table in tables.values():
        for column in table.columns.values():
            names |= {column.name, column.type}
    return names | {kind.name for kind in KINDS}
