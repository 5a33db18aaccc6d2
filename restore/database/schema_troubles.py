"""What of a schema could not be read or made again, by psql's words, and what is said of it."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from backups.errors import RestoreError
from backups.findings import Finding, Severity
from backups.wording import Sentence, _

_ENTRY = re.compile(rb"-- Name: (.*); Type: (.*); Schema: (.*); Owner: ")
_ERROR = re.compile(r"psql:<stdin>:(\d+): .*?\b([0-9A-Z]{5})\s*$")
_FINE = ("00", "01", "02")  # classes of notices and warnings
_NAMED_AT_MOST = 5


@dataclass(frozen=True)
class Trouble:
    """What could not be made, by pg_dump's own words for it, and the SQLSTATE."""

    kind: str
    name: str
    schema: str
    state: str

    def is_of(self, tables: Iterable[str]) -> bool:
        return any(self.name == table or self.name.startswith(f"{table} ") for table in tables)


def troubles_of(script: bytes, said: str) -> list[Trouble]:
    """What psql objected to, by the entry of the dump that its line stands under."""
    heads = list(_heads(script))
    found = []
    for line in said.splitlines():
        error = _ERROR.match(line)
        if error and not error[2].startswith(_FINE):
            at = int(error[1])
            head = next((h for number, h in reversed(heads) if number <= at), ("", "", ""))
            found.append(Trouble(*head, error[2]))
    return found


def _heads(script: bytes) -> Iterable[tuple[int, tuple[str, str, str]]]:
    for number, line in enumerate(script.split(b"\n"), start=1):
        if entry := _ENTRY.match(line):
            name, kind, schema = (part.decode(errors="replace") for part in entry.groups())
            yield number, (kind, name, schema)


def program_failed(code: str, said: bytes) -> RestoreError:
    # Its own words may hold an address or a path: they go where the programs' words go, not into ours.
    os.write(2, said[-4096:])
    if code == "rehearsal.schema_unmade":
        return RestoreError(
            code,
            _("The schema could not be made in the throwaway database."),
            hint=_("What psql said stands in the output of the worker or of the command."),
        )
    return RestoreError(
        code,
        _("pg_dump could not read the live schema."),
        hint=_(
            "What it said stands in the output of the worker or of the command. Often a migration holds"
            " a table, or a pooler such as PgBouncer stands between: connect to PostgreSQL itself."
        ),
    )


def unmade(vital: list[Trouble], extensions_missing: list[str]) -> RestoreError:
    if extensions_missing:
        return RestoreError(
            "rehearsal.extension",
            _(
                "The account may not make the extension {names}, which tables of the backup need.",
                names=", ".join(extensions_missing),
            ),
            hint=_(
                "Let an administrator mark it as trusted, or run the test restore with an account that may"
                " make it."
            ),
        )
    return RestoreError(
        "rehearsal.schema_unmade",
        _("Parts of the live schema could not be made again: {names}.", names=_named(vital)),
        hint=_(
            "Look up the SQLSTATE in PostgreSQL's manual; pg_dump and psql by hand show the same."
        ),
    )


def left_out(troubles: list[Trouble]) -> list[Finding]:
    if not troubles:
        return []
    return [
        Finding(
            "rehearsal.left_out",
            Severity.WARNING,
            _(
                "Parts of the live schema could not be made again and were not tried: {names}.",
                names=_named(troubles),
            ),
            _("What only a superuser may make is missing from a test restore. The rest was tried."),
            count=len(troubles),
        )
    ]


def not_read(tables: list[str]) -> list[Finding]:
    if not tables:
        return []
    return [
        Finding(
            "rehearsal.unreadable",
            Severity.WARNING,
            _("Tables that the account may not read were left out: {names}.", names=_some(tables)),
            _("Let the account read them, if rules or keys of your tables need them."),
            count=len(tables),
        )
    ]


def _named(troubles: list[Trouble]) -> Sentence:
    return _some([f"{t.kind.lower()} {t.name} ({t.state})" for t in troubles])


def _some(names: list[str]) -> Sentence:
    shown = ", ".join(names[:_NAMED_AT_MOST])
    rest = len(names) - _NAMED_AT_MOST
    return _("{names} and {rest} more", names=shown, rest=rest) if rest > 0 else Sentence(shown)
