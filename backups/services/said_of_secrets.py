"""What a Safe backup says of the secrets that it looked for, in sentences."""

from collections.abc import Iterator, Mapping
from typing import Any

from backups.wording import Sentence, _, ngettext


def in_full(statistics: Mapping[str, Any]) -> list[Sentence]:
    """One sentence a fact; none for a backup that looked for none."""
    secrets = statistics.get("secrets")
    return list(_sentences(secrets)) if secrets else []


def credentials(statistics: Mapping[str, Any]) -> dict[str, int]:
    """By kind, how many were seen of what looks like a credential and is in no secret column."""
    return dict((statistics.get("secrets") or {}).get("credentials") or {})


def are_credentials_in(statistics: Mapping[str, Any]) -> bool:
    """Whether some of them stand in the file, as nobody asked that they be masked."""
    masked = (statistics.get("secrets") or {}).get("credentials_masked")
    return bool(credentials(statistics)) and not masked


def _sentences(secrets: Mapping[str, Any]) -> Iterator[Sentence]:
    yield ngettext(
        "{n} live secret was looked for; it is not in the file.",
        "{n} live secrets were looked for; none is in the file.",
        secrets["hunted"],
    )
    if secrets["cells"]:
        found = secrets["found"] | _masked(secrets)
        yield ngettext(
            "In {n} cell a marker stands for a secret ({columns}).",
            "In {n} cells a marker stands for a secret ({columns}).",
            secrets["cells"],
            columns=listed(found),
        )
        if sum(found.values()) > secrets["cells"]:
            yield _("Some of these cells hold several.")
    if secrets["not_hunted"]:
        yield ngettext(
            "{n} value of a secret column is too short or too common a word to be looked for.",
            "{n} values of secret columns are too short or too common words to be looked for.",
            secrets["not_hunted"],
        )
    if secrets["left"]:
        yield _(
            "Keys of rows that are secrets too stay as they are: {columns}.",
            columns=listed(secrets["left"]),
        )
    if secrets["credentials"] and not secrets["credentials_masked"]:
        yield _(
            "What looks like a credential and is in no secret column is in the file: {kinds}.",
            kinds=listed(secrets["credentials"]),
        )
    if secrets["forms"] != "all":
        yield _(
            "There are very many secrets: hexadecimal and base64 forms were looked for in the finished file"
            " alone."
        )


def _masked(secrets: Mapping[str, Any]) -> dict[str, int]:
    return dict(secrets["credentials"]) if secrets["credentials_masked"] else {}


def listed(counted: Mapping[str, int]) -> str:
    """Each kind and its number, in a row."""
    return ", ".join(f"{name}: {count:,}" for name, count in counted.items())
