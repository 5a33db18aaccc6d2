"""What a locator's value means: a name in one of Django's storages, or an HTTP address."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from backups.registry.named_storages import storages


@dataclass(frozen=True)
class StorageTarget:
    alias: str
    name: str


@dataclass(frozen=True)
class HttpTarget:
    url: str


Target = StorageTarget | HttpTarget


def holds_content(value: str) -> bool:
    """Whether it is a ``data:`` address (RFC 2397), however written: schemes know no case."""
    return value[:64].lstrip()[:5].lower() == "data:"


def is_empty(value: str) -> bool:
    """Whether an address that may hold content is the one that a Safe file leaves in its place."""
    return value.strip().lower() == "data:,"


def resolve(value: str, alias: str, *, is_path: bool) -> Target | None:
    """None where the value holds its content itself (``data:``), so that there is nothing to fetch."""
    if is_path:
        return StorageTarget(alias, value.lstrip("/"))
    if holds_content(value):
        return None
    base = base_url(alias)
    if base and value.startswith(base):
        # Browsers and Django percent-encode names in addresses; a storage knows the plain name.
        # Cut by hand: what is left of a path may look like a malformed address.
        name = value[len(base) :].partition("#")[0].partition("?")[0]
        return StorageTarget(alias, unquote(name).lstrip("/"))
    if "://" in value or value.startswith("//"):
        return HttpTarget(value if "://" in value else f"https:{value}")
    return StorageTarget(alias, value.lstrip("/"))


def base_url(alias: str) -> str:
    """Where the addresses of the storage's own files begin; nothing where it has none, or cannot be asked."""
    try:
        return str(getattr(storages[alias], "base_url", None) or "")
    except Exception:  # whatever the making of a storage, or its property, may raise
        return ""


def _path_of(url: str) -> str:
    """The path of an address; nothing where it is no address that Python can take apart."""
    try:
        return unquote(urlsplit(url).path)
    except ValueError:
        return ""


# Percent-decoding makes them, though no text of PostgreSQL's holds a NUL and no name needs the rest.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def display_name(target: Target) -> str:
    """The last part of the name or address, for people."""
    path = target.name if isinstance(target, StorageTarget) else _path_of(target.url)
    return _CONTROLS.sub("\ufffd", path.rstrip("/").rsplit("/", 1)[-1]) or "file"
