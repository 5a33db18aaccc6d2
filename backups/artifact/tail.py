"""What stands behind the data: files, sequences, altered cells, statistics, integrity."""

from typing import Annotated, Literal

import msgspec

FileState = Literal["embedded", "skipped", "gap"]
# No count is below nothing, or longer than any integer of the database.
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Use(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rows of one column that use a locator; ``keys`` are primary keys, several parts as a list."""

    section: str
    column: str
    keys: list[str | list[str]]


class Locator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One value that locates a file. ``storage`` is an alias; empty for an HTTP address."""

    value: str
    storage: str
    uses: list[Use]


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    message: str


class FileHead(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One file without its content. ``size_bytes`` and ``sha256`` are None where it was not read."""

    state: FileState
    name: str
    media_type: str
    locators: list[Locator]
    size_bytes: Count | None = None
    sha256: Sha256 | None = None
    reason: Reason | None = None


class Sequence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sequence's state; ``name`` is the sequence's, ``section`` the one whose column owns it."""

    name: str
    section: str
    last_value: int
    is_called: bool


class AlteredCell(
    msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False
):
    """A cell in which a marker stands for a secret; ``key`` is the row's primary key, several parts as a
    list. ``marked``: every cell of the column that has a marker, as there were too many to list."""

    section: str
    key: str | list[str]
    column: str
    marked: bool = False


class SectionStatistics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``sha256`` and ``bytes`` are over the rows, each followed by one line feed and no comma."""

    rows: Count
    bytes: Count
    sha256: Sha256


class FileStatistics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``locators`` counts distinct values, the others entries; ``not_included`` is a Safe file's."""

    locators: Count = 0
    embedded: Count = 0
    embedded_bytes: Count = 0
    skipped: Count = 0
    gaps: Count = 0
    not_included: Count = 0
    not_included_local: Count = 0
    not_included_in_rows: Count = 0


class SecretStatistics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was looked for in the rows of a Safe file. ``found`` and ``left`` count cells, ``found`` by the
    column of the secret and ``left``, of keys, by that of the cell; ``credentials`` by kind."""

    hunted: Count
    not_hunted: Count
    forms: Literal["all", "common"]
    cells: Count
    found: dict[str, Count]
    left: dict[str, Count]
    credentials: dict[str, Count]
    credentials_masked: bool


class Statistics(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """``secrets`` is there in Safe files alone, and not in those of before they were looked for."""

    rows: Count
    sections: dict[str, SectionStatistics]
    files: FileStatistics
    secrets: SecretStatistics | None = None


class Integrity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``digest`` covers every byte before this member; ``hmac`` signs the digest, see docs."""

    algorithm: Literal["sha256"]
    digest: Sha256
    key_id: str
    hmac: str
