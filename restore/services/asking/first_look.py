"""What the beginning of a file says of it, before the rest has come. Nothing of it is proven yet."""

import re
from pathlib import Path
from typing import Any

from backups.artifact import archives, bounds, codecs, earlier
from backups.artifact.manifest import FORMAT, FORMAT_FAMILY, Manifest, decode_manifest, not_a_backup
from backups.artifact.reader import ArtifactReader
from backups.errors import ArtifactError
from backups.services import installation, keyring, vault

# The head of a backup stands on one line of a few hundred kilobytes at the most.
HEAD_BYTES = 16 * 1024 * 1024

_LOOKED_THROUGH = 1024 * 1024
_FORMAT = re.compile(rb'"format"\s*:\s*"(' + FORMAT_FAMILY.encode() + rb'[^"]{1,20})"')
_TYPE = re.compile(rb'"type"\s*:\s*"(safe|complete)"')
_MADE = re.compile(rb'"created_at"\s*:\s*"([0-9T:+.Z-]{10,40})"')
# With its keys sorted, the format comes after the data; these members come before.
_SORTED = (b'"application"', b'"created_at"', b'"created_by"', b'"data"')


# Of what nobody here can read the head says nothing.
_ENCRYPTED = {
    "type": "",
    "created_at": "",
    "created_by": "",
    "installation": "",
    "ours": False,
    "altered": False,
    "encrypted": True,
}


def head_of(path: Path) -> dict[str, Any]:
    """Type, date, maker. ``altered``: the file was reformatted, and is taken only by an explicit choice.
    ``encrypted``, of one that no key of this server opens: nothing else is known.

    Raises ArtifactError: it is not a backup, or (``artifact.truncated``) more of it is needed.
    """
    try:
        with path.open("rb") as stored:
            return _told(_manifest_of(stored))
    except ArtifactError as error:
        if error.code in keyring.CLOSED:
            return _ENCRYPTED
        if error.code != "artifact.layout":
            raise
    return _altered(path)


def needs_all_of(path: Path) -> bool:
    """Whether nothing more can be said of a file before its last byte: the end of a ZIP archive lists it.

    Raises ArtifactError where what it begins with is no backup.
    """
    with path.open("rb") as stored:
        if stored.read(len(archives.ZIP)) != archives.ZIP:
            return False
        # What begins with a picture need not be sent to its end.
        if start := archives.start_of_first(stored):
            codecs.require_document(start)
        return True


def _manifest_of(stored: Any) -> Manifest:
    with vault.open_plain(stored) as plain:
        reader = ArtifactReader(plain, line_limit_bytes=HEAD_BYTES, most_values=bounds.VALUES)
        return reader.manifest


def _told(manifest: Manifest) -> dict[str, Any]:
    return {
        "type": manifest.type,
        "created_at": manifest.created_at,
        "created_by": manifest.created_by.name,
        "installation": manifest.installation,
        "ours": manifest.installation in installation.names(),
        "altered": False,
    }


def _altered(path: Path) -> dict[str, Any]:
    """A reformatted document: looked through for what the head of a backup has."""
    with path.open("rb") as stored, vault.open_plain(stored) as plain:
        start = plain.read(_LOOKED_THROUGH)
    found = _FORMAT.search(start)
    if found is None and not all(member in start for member in _SORTED):
        raise earlier.refusal(start) or not_a_backup()
    if found and found[1].decode(errors="replace") != FORMAT:
        # Says which version it is not.
        decode_manifest(b'{"format":"' + found[1] + b'"}')
    kind, made = _TYPE.search(start), _MADE.search(start)
    return {
        "type": kind[1].decode() if kind and found else "",
        "created_at": made[1].decode() if made else "",
        "created_by": "",
        "installation": "",
        "ours": False,
        "altered": True,
    }
