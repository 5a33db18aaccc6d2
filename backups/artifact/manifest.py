"""The head of an artifact: what it is and what is in it."""

import datetime
from typing import Annotated, Literal

import msgspec

from backups.artifact import bounds, members
from backups.artifact.native import Encoding, encoding_of
from backups.errors import ArtifactError
from backups.wording import _

FORMAT = "backupsvc/1"
FORMAT_FAMILY = "backupsvc/"

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=bounds.NAME_CHARACTERS)]


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One column: ``type`` is the database's own name for it, ``encoding`` how its cells are written."""

    name: Name
    type: Name
    encoding: Encoding


class SectionHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One table. ``primary_key`` names the columns that order the rows."""

    key: Name
    table: Name
    primary_key: tuple[Name, ...]
    columns: tuple[Column, ...]
    redacted: tuple[Name, ...] = ()
    generated: tuple[Name, ...] = ()

    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who asked for a backup; both empty where nobody was signed in."""

    name: str = ""
    email: str = ""


class Application(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    django: str
    postgresql: str


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``fingerprint`` is a SHA-256 over tables, columns and types; ``migrations`` the last of each app."""

    fingerprint: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    migrations: dict[str, str]


class Manifest(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """Everything that stands before ``data``. ``created_at`` is ISO 8601 in UTC.

    ``left_out`` names tables that were not read on purpose: nothing is said of their rows. It is absent
    where there are none.
    """

    format: str
    type: Literal["safe", "complete"]
    created_at: str
    created_by: Person
    installation: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}\Z")]
    application: Application
    schema: Schema
    left_out: tuple[Name, ...] = ()
    sections: tuple[SectionHead, ...]


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as a JSON object on one line."""
    return msgspec.json.encode(manifest)


def decode_manifest(raw: bytes, most_values: int = bounds.VALUES) -> Manifest:
    """Read a manifest of so many values at most. Raises ArtifactError: another format, an unknown version, or
    not well formed."""
    bounds.require_few_values(raw, most_values)
    _require_our_format(raw)
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ArtifactError(
            "artifact.manifest",
            _("The head of the file is not a well-formed manifest."),
            hint=_("The file is damaged or was edited. Use another copy of it."),
        ) from error
    _require_single_names(raw)
    _require_texts(raw, manifest)
    _require_bounds(manifest)
    _require_distinct(manifest)
    _require_encodings(manifest)
    _require_keys(manifest)
    _require_whole_columns(manifest)
    return manifest


class _Probe(msgspec.Struct):
    format: str = ""


def _require_our_format(raw: bytes) -> None:
    try:
        found = msgspec.json.decode(raw, type=_Probe).format
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        if raw.startswith(f'{{"format":"{FORMAT}"'.encode()):
            return  # ours, and damaged further on
        raise not_a_backup() from None
    if found == FORMAT:
        return
    if found.startswith(FORMAT_FAMILY):
        raise ArtifactError(
            "artifact.version",
            _("The file is a backup in a format that this version does not know."),
            hint=_("Restore it with the version of the software that made it, or a newer one."),
        )
    raise not_a_backup()


def _require_single_names(raw: bytes) -> None:
    """Two readers may take different ones of two members of one name."""
    if members.named_twice(raw):
        raise ArtifactError(
            "artifact.manifest",
            _("The head of the file has two members of one name."),
            hint=_("The file was edited. Use another copy of it."),
        )


def _require_texts(raw: bytes, manifest: Manifest) -> None:
    if members.holds_nul(raw) or not _is_utc(manifest.created_at):
        raise ArtifactError(
            "artifact.manifest",
            _("The head of the file has a text that cannot stand there."),
            hint=_("The file was edited. Use another copy of it."),
        )


def _is_utc(moment: str) -> bool:
    try:
        return datetime.datetime.fromisoformat(moment).utcoffset() == datetime.timedelta(0)
    except ValueError:
        return False


def _require_bounds(manifest: Manifest) -> None:
    bounds.require_at_most(bounds.SECTIONS, manifest.sections, manifest.schema.migrations)
    for section in manifest.sections:
        columns = (section.columns, section.redacted, section.generated)
        bounds.require_at_most(bounds.COLUMNS, *columns)
        bounds.require_at_most(bounds.KEY_COLUMNS, section.primary_key)


def _require_encodings(manifest: Manifest) -> None:
    columns = [column for section in manifest.sections for column in section.columns]
    if not all(column.encoding == encoding_of(column.type) for column in columns):
        raise ArtifactError(
            "artifact.manifest",
            _("The head of the file gives a column an encoding that its type does not have."),
            hint=_("The file was edited. Use another copy of it."),
        )


def _require_distinct(manifest: Manifest) -> None:
    keys = [section.key for section in manifest.sections]
    tables = [section.table for section in manifest.sections]
    lists = [names for section in manifest.sections for names in _lists_of_names(section)]
    if any(
        len(set(group)) != len(group) for group in ([*tables, *manifest.left_out], keys, *lists)
    ):
        raise ArtifactError(
            "artifact.manifest",
            _("The head of the file names a section, a table or a column twice."),
            hint=_("The file was edited. Use another copy of it."),
        )


def _lists_of_names(section: SectionHead) -> tuple[tuple[str, ...], ...]:
    """What the rows have, and what they do not have, has no name in common."""
    names = section.column_names()
    return (
        *((*names, *absent) for absent in (section.redacted, section.generated)),
        section.primary_key,
    )


def _require_keys(manifest: Manifest) -> None:
    for section in manifest.sections:
        names = set(section.column_names())
        if not section.primary_key or not names.issuperset(section.primary_key):
            raise ArtifactError(
                "artifact.manifest",
                _("The head of the file has a section whose primary key is not among its columns."),
                hint=_("The file was edited. Use another copy of it."),
            )


def _require_whole_columns(manifest: Manifest) -> None:
    """A Safe file called a Complete one would empty every table that a Safe file does not hold."""
    if manifest.type == "complete" and any(section.redacted for section in manifest.sections):
        raise ArtifactError(
            "artifact.manifest",
            _("The file says that it is a Complete backup, and leaves columns out as a Safe one."),
            hint=_("The file was edited. Use another copy of it."),
        )


def not_a_backup() -> ArtifactError:
    return ArtifactError(
        "artifact.format",
        _("The file is not a backup of this system."),
        hint=_("Choose a file that was downloaded from the Safe or Complete Backup button."),
    )
