"""Files of the studio's earlier system, told by their head. They cannot be imported here yet.

Such a file is one JSON object that says its version ("1.0", "2.0" or "3.0") and, in the words of one of
several years, when it was made and by whom; the tables stand in it, or in a member ``data``.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from backups.errors import ArtifactError
from backups.wording import Sentence, _

LOOKED_AT_BYTES = 256 * 1024
LONGEST = 80
_VERSIONS = {"1": "1.0", "2": "2.0", "3": "3.0", "1.0": "1.0", "2.0": "2.0", "3.0": "3.0"}
_MADE = ("timestamp", "createdat", "exportedat", "backupdate", "date", "created", "exported")
_BY = ("createdby", "exportedby", "user", "requestedby", "author")
_KIND = ("type", "backuptype", "scope", "kind")
# Tables that every version had, as members of the document or of ``data``.
_TABLES = ("organizations", "users", "clients", "projects")
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class Earlier:
    """What the head says; empty where it does not say it."""

    version: str
    made: str
    by: str
    kind: str


def head_of(start: bytes) -> Earlier | None:
    """The head of an earlier system's file whose first bytes these are; None for any other file."""
    members, tables = _members(start[:LOOKED_AT_BYTES].decode("utf-8-sig", errors="replace"))
    version = _VERSIONS.get(str(members.get("version", "")))
    if version is None or "format" in members or not tables:
        return None
    return Earlier(
        version=version,
        made=_said(members, _MADE),
        by=_said(members, _BY),
        kind=_said(members, _KIND).lower(),
    )


def refusal(start: bytes) -> ArtifactError | None:
    """Why such a file is not taken, in words for whoever holds it."""
    head = head_of(start)
    if head is None:
        return None
    return ArtifactError(
        "artifact.earlier",
        _sentence(head),
        hint=_(
            "Files of the earlier system cannot be imported here yet. Keep the file, in a safe place: it is"
            " whole as it is, and a later version will read it."
        ),
    )


def _sentence(head: Earlier) -> Sentence:
    made, by = head.made or "?", head.by or "?"
    if head.kind == "complete":
        return _(
            "This is a Complete backup of the studio's earlier system (version {version}), made {made} by"
            " {by}.",
            version=head.version,
            made=made,
            by=by,
        )
    if head.kind == "safe":
        return _(
            "This is a Safe backup of the studio's earlier system (version {version}), made {made} by {by}.",
            version=head.version,
            made=made,
            by=by,
        )
    return _(
        "This is a backup of the studio's earlier system (version {version}), made {made} by {by}.",
        version=head.version,
        made=made,
        by=by,
    )


def _members(text: str) -> tuple[dict[str, Any], bool]:
    """The members of the document's own object as far as they can be read, and whether a table of the
    studio's is among them or within ``data``, which may go on beyond what was looked at."""
    found: dict[str, Any] = {}
    decoder = json.JSONDecoder()
    at = _after(text, 0)
    if text[at : at + 1] != "{":
        return {}, False
    at = _after(text, at + 1)
    while text[at : at + 1] == '"':
        try:
            key, at = decoder.raw_decode(text, at)
            at = _after(text, at)
            if text[at : at + 1] != ":":
                break
            at = _after(text, at + 1)
            if key == "data" or key in _TABLES:
                return found, key in _TABLES or _begins_with_tables(text[at:])
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        found[key] = value
        at = _after(text, at)
        if text[at : at + 1] != ",":
            break
        at = _after(text, at + 1)
    return found, False


def _begins_with_tables(text: str) -> bool:
    return any(re.search(rf'"{table}"\s*:\s*\[', text) for table in _TABLES)


def _after(text: str, at: int) -> int:
    """Where the blanks end that begin at ``at``."""
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _said(members: dict[str, Any], names: tuple[str, ...]) -> str:
    """The first of these that is said, on one line and not longer than a line."""
    plain = {re.sub(r"[^a-z]", "", str(key).lower()): value for key, value in members.items()}
    # Some versions keep them together, under the name of what they are.
    for inner in ("metadata", "meta", "info"):
        if isinstance(plain.get(inner), dict):
            plain |= {re.sub(r"[^a-z]", "", k.lower()): v for k, v in plain[inner].items()}
    for name in names:
        value = plain.get(name)
        if isinstance(value, dict):
            value = value.get("email") or value.get("name") or value.get("id")
        if isinstance(value, str) and value.strip():
            shown = "".join(letter if letter.isprintable() else " " for letter in value)
            return " ".join(shown.split())[:LONGEST]
    return ""
