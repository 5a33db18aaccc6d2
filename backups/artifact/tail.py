"""What stands behind the data: files, sequences, altered cells, statistics, integrity."""

from typing import Literal

import msgspec

FileState = Literal["embedded", "skipped", "gap"]


class Use(msgspec.Struct, frozen=True):
    """The rows of one column that use a locator; ``keys`` are primary keys, several parts as a list."""

    section: str
    column: str
    keys: list[str | list[str]]


class Locator(msgspec.Struct, frozen=True):
    """One value that locates a file. ``storage`` is an alias; empty for an HTTP address."""

    value: str
    storage: str
    uses: list[Use]


class Reason(msgspec.Struct, frozen=True):
    code: str
    message: str


class FileHead(msgspec.Struct, frozen=True, omit_defaults=True):
    """One file without its content. ``size_bytes`` and ``sha256`` are None where it was not read."""

    state: FileState
    name: str
    media_type: str
    locators: list[Locator]
    size_bytes: int | None = None
    sha256: str | None = None
    reason: Reason | None = None


class Sequence(msgspec.Struct, frozen=True):
    """A sequence's state; ``name`` is the sequence's, ``section`` the one whose column owns it."""

    name: str
    section: str
    last_value: int
    is_called: bool


class AlteredCell(msgspec.Struct, frozen=True, omit_defaults=True):
    """A cell in which a marker stands for a secret; ``key`` is the row's primary key, several parts as a
    list. ``marked``: every cell of the column that has a marker, as there were too many to list."""

    section: str
    key: str | list[str]
    column: str
    marked: bool = False


class SectionStatistics(msgspec.Struct, frozen=True):
    """``sha256`` and ``bytes`` are over the rows, each followed by one line feed and no comma."""

    rows: int
    bytes: int
    sha256: str


class FileStatistics(msgspec.Struct, frozen=True):
    """``locators`` counts distinct values, the others entries; ``not_included`` is a Safe file's."""

    locators: int = 0
    embedded: int = 0
    embedded_bytes: int = 0
    skipped: int = 0
    gaps: int = 0
    not_included: int = 0
    not_included_local: int = 0
    not_included_in_rows: int = 0


class SecretStatistics(msgspec.Struct, frozen=True):
    """What was looked for in the rows of a Safe file. ``found`` and ``left`` count cells, ``found`` by the
    column of the secret and ``left``, of keys, by that of the cell; ``credentials`` by kind."""

    hunted: int
    not_hunted: int
    forms: Literal["all", "common"]
    cells: int
    found: dict[str, int]
    left: dict[str, int]
    credentials: dict[str, int]
    credentials_masked: bool


class Statistics(msgspec.Struct, frozen=True, omit_defaults=True):
    """``secrets`` is there in Safe files alone, and not in those of before they were looked for."""

    rows: int
    sections: dict[str, SectionStatistics]
    files: FileStatistics
    secrets: SecretStatistics | None = None


class Integrity(msgspec.Struct, frozen=True):
    """``digest`` covers every byte before this member; ``hmac`` signs the digest, see docs."""

    algorithm: Literal["sha256"]
    digest: str
    key_id: str
    hmac: str
