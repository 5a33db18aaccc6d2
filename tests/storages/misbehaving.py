"""Storages as the world has them: each does one thing otherwise than Django's documentation says.

All of them keep their files on one shelf, which a test can look at behind the storage's back.
"""

import hashlib
import io
from collections.abc import Callable
from typing import Any
from unicodedata import normalize

from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage

SHELF: dict[str, bytes] = {}
# How often a name may yet be asked for before the storage shows it; and what has failed once already.
UNSEEN: dict[str, int] = {}
FAILED: set[tuple[str, str]] = set()


def emptied() -> None:
    for memory in (SHELF, UNSEEN):
        memory.clear()
    FAILED.clear()


class ClientError(Exception):
    """As botocore's: no OSError, and the status deep inside."""

    def __init__(self, status: int) -> None:
        super().__init__(f"An error occurred ({status})")
        self.response = {
            "Error": {"Code": str(status)},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }


class StatusError(Exception):
    """As Azure's."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status_code = status


class Shelf(Storage):
    """A well-behaved storage that is no folder: no ``path``, no ``url``."""

    def _open(self, name: str, mode: str = "rb") -> File:
        assert mode == "rb"
        if name not in SHELF:
            raise FileNotFoundError(name)
        return ContentFile(SHELF[name], name=name)

    def _save(self, name: str, content: File) -> str:
        SHELF[name] = b"".join(content.chunks())
        return name

    def exists(self, name: str) -> bool:
        return name in SHELF

    def size(self, name: str) -> int:
        return len(SHELF[name])

    def delete(self, name: str) -> None:
        SHELF.pop(name, None)


class Overwriting(Shelf):
    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name


class MayNotList(Shelf):
    """``exists`` of a missing name is forbidden, as that of S3 without the right to list
    (jschneier/django-storages#1104)."""

    def exists(self, name: str) -> bool:
        if name not in SHELF:
            raise ClientError(403)
        return True


class MayNotListNorOpen(MayNotList):
    """And so is opening it, and asking for its size."""

    def _open(self, name: str, mode: str = "rb") -> File:
        if name not in SHELF:
            raise ClientError(403)
        return super()._open(name, mode)

    def size(self, name: str) -> int:
        if name not in SHELF:
            raise ClientError(403)
        return super().size(name)


class NeverThere(Overwriting):
    """``exists`` is always False, and ``save`` overwrites (jschneier/django-storages#1430)."""

    def exists(self, name: str) -> bool:
        return False


class NeverThereNorOpen(NeverThere):
    """And what it opens fails for what is missing in words of its own."""

    def _open(self, name: str, mode: str = "rb") -> File:
        if name not in SHELF:
            raise StatusError(404)
        return super()._open(name, mode)


class AlwaysThere(Shelf):
    """``exists`` is always True: Django's own ``save`` would look for a free name for ever."""

    def exists(self, name: str) -> bool:
        return True


class ExistsNotImplemented(Shelf):
    exists = Storage.exists


class SaysNothing(Shelf):
    def exists(self, name: str) -> Any:
        return None


class SizeNotImplemented(Shelf):
    size = Storage.size


class BreaksOff(Shelf):
    """The first answer of each name ends too early, without a word."""

    def _open(self, name: str, mode: str = "rb") -> File:
        content = super()._open(name, mode).read()
        if ("open", name) not in FAILED and len(content) > 1:
            FAILED.add(("open", name))
            content = content[: len(content) // 2]
        return ContentFile(content, name=name)


class SaysALot(Shelf):
    """``exists`` answers with whatever was at hand."""

    def exists(self, name: str) -> Any:
        return [name] if name in SHELF else []


class Compressing(Shelf):
    """``size`` is that of what is stored."""

    def size(self, name: str) -> int:
        return len(SHELF[name]) // 2 + 1


class Suffixing(Shelf):
    """Each file gets its digest into its name, whatever was wished for."""

    def _save(self, name: str, content: File) -> str:
        data = b"".join(content.chunks())
        stem, dot, suffix = name.rpartition(".")
        tag = hashlib.md5(data, usedforsecurity=False).hexdigest()[:8]
        return super()._save(f"{stem}.{tag}{dot}{suffix}" if dot else f"{name}.{tag}", content)


class ContentAddressed(Shelf):
    """Equal contents are one file, named after what is in it."""

    def _save(self, name: str, content: File) -> str:
        data = b"".join(content.chunks())
        return super()._save(f"blobs/{hashlib.sha256(data).hexdigest()}", content)


class LowerCasing(Shelf):
    """It keeps names in small letters and finds no others."""

    def _save(self, name: str, content: File) -> str:
        return super()._save(name.lower(), content)


class LowerCasingOverwriting(LowerCasing, Overwriting):
    """And overwrites, as its ``exists`` is asked for the name as it was wished for."""


def _folded(name: str) -> str:
    return normalize("NFC", normalize("NFC", name).casefold())


class Folding(Overwriting):
    """It knows neither case nor how accents are written, as disks of other systems."""

    def _key(self, name: str) -> str:
        return next((there for there in SHELF if _folded(there) == _folded(name)), name)

    def _open(self, name: str, mode: str = "rb") -> File:
        return super()._open(self._key(name), mode)

    def _save(self, name: str, content: File) -> str:
        super()._save(self._key(name), content)
        return name

    def exists(self, name: str) -> bool:
        return self._key(name) in SHELF

    def size(self, name: str) -> int:
        return super().size(self._key(name))

    def delete(self, name: str) -> None:
        super().delete(self._key(name))


class Rooted(Shelf):
    """``save`` returns names with a leading slash, and understands both."""

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        return "/" + super().save(name, content, max_length)

    def _open(self, name: str, mode: str = "rb") -> File:
        return super()._open(name.lstrip("/"), mode)


class ReturnsNothing(Shelf):
    def save(self, name: str | None, content: Any, max_length: int | None = None) -> Any:
        super().save(name, content, max_length)


class ReturnsAnAddress(Shelf):
    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        return "https://files.example/" + super().save(name, content, max_length)


class _Greedy(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        return super().read()


class ReadsAllAtOnce(Shelf):
    """``read(n)`` does not look at n."""

    def _open(self, name: str, mode: str = "rb") -> Any:
        return _Greedy(super()._open(name, mode).read())


class _Endless:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, size: int = -1) -> bytes:
        return self._content

    def close(self) -> None:
        raise OSError("it does not close either")


class ReadsAllEachTime(Shelf):
    """``read(n)`` gives the whole of a large content at each call, and can be no context."""

    def _open(self, name: str, mode: str = "rb") -> Any:
        content = super()._open(name, mode).read()
        return _Endless(content) if len(content) > 256 * 1024 else io.BytesIO(content)


class ReadsViews(Shelf):
    def _open(self, name: str, mode: str = "rb") -> Any:
        class Views(io.BytesIO):
            def read(self, size: int | None = -1) -> Any:
                return memoryview(super().read(size))

        return Views(super()._open(name, mode).read())


class DeleteForbidden(Shelf):
    def delete(self, name: str) -> None:
        raise ClientError(403)


class DeleteNotImplemented(Shelf):
    delete = Storage.delete


class DeleteOfMissingRaises(Shelf):
    def delete(self, name: str) -> None:
        del SHELF[name]


class LateToShow(Shelf):
    """A new file is seen only when it was asked for twice (eventual consistency)."""

    def _save(self, name: str, content: File) -> str:
        UNSEEN[name] = 2
        return super()._save(name, content)

    def _is_unseen(self, name: str) -> bool:
        left = UNSEEN.get(name, 0)
        UNSEEN[name] = max(0, left - 1)
        return left > 0

    def exists(self, name: str) -> bool:
        return not UNSEEN.get(name) and super().exists(name)

    def _open(self, name: str, mode: str = "rb") -> File:
        if self._is_unseen(name):
            raise FileNotFoundError(name)
        return super()._open(name, mode)


def _once(what: str, name: str) -> None:
    """Time out where this was not asked before."""
    if (what, name) not in FAILED:
        FAILED.add((what, name))
        raise TimeoutError("read timed out")


class Slow(Shelf):
    """Everything about a name times out once."""

    def _open(self, name: str, mode: str = "rb") -> File:
        _once("open", name)
        return super()._open(name, mode)

    def _save(self, name: str, content: File) -> str:
        _once("save", "any")
        return super()._save(name, content)

    def delete(self, name: str) -> None:
        _once("delete", name)
        super().delete(name)


class LosesTheAnswer(Shelf):
    """A file is stored, and then the connection breaks."""

    def _save(self, name: str, content: File) -> str:
        super()._save(name, content)
        raise ConnectionResetError


class PlainOSError(Shelf):
    """Missing files in words that only people understand."""

    def _open(self, name: str, mode: str = "rb") -> File:
        if name not in SHELF:
            raise OSError(f"File does not exist: {name}")
        return super()._open(name, mode)


class MissingIsAKey(Shelf):
    def _open(self, name: str, mode: str = "rb") -> File:
        return ContentFile(SHELF[name])


class Lazy(Shelf):
    """It opens anything, and only reading fails."""

    def _open(self, name: str, mode: str = "rb") -> Any:
        class Stored(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                if name not in SHELF:
                    raise StatusError(404)
                return super().read(size)

        return Stored(SHELF.get(name, b""))


class EmptyWhereMissing(Shelf):
    """It opens anything, and there is nothing in what is missing."""

    def _open(self, name: str, mode: str = "rb") -> File:
        return ContentFile(SHELF.get(name, b""))


class NoBaseAddress(Shelf):
    @property
    def base_url(self) -> str:
        raise ImproperlyConfigured("set a domain first")


class OddPath(Shelf):
    """``path`` is there, and leads nowhere."""

    def path(self, name: str) -> str:
        return f"/nowhere/at/all/{name}"


class PathFails(Shelf):
    def path(self, name: str) -> Any:
        raise ClientError(500)


# Those out of which, or into which, nothing can be had.


class OpensNothing(Shelf):
    def open(self, name: str, mode: str = "rb") -> Any:
        return None


class OpensText(Shelf):
    def open(self, name: str, mode: str = "rb") -> Any:
        return "text"


class ReadsText(Shelf):
    def open(self, name: str, mode: str = "rb") -> Any:
        return io.StringIO("text")


class Away(Shelf):
    """The server does not answer."""

    @staticmethod
    def _fail(*_: Any, **__: Any) -> Any:
        raise ClientError(503)

    _open = _save = exists = size = delete = _fail  # type: ignore[assignment]


class Unmade(Storage):
    def __init__(self) -> None:
        raise ImproperlyConfigured("no bucket")


class ReadOnly(Shelf):
    def _save(self, name: str, content: File) -> str:
        raise ClientError(403)


class Forgetful(Shelf):
    """It says "saved" and keeps nothing."""

    def _save(self, name: str, content: File) -> str:
        return name


class Cutting(Shelf):
    """It says "saved" and keeps the half."""

    def _save(self, name: str, content: File) -> str:
        data = b"".join(content.chunks())
        SHELF[name] = data[: len(data) // 2]
        return name


WORKING: list[type[Storage]] = [
    Shelf,
    Overwriting,
    MayNotList,
    MayNotListNorOpen,
    NeverThere,
    NeverThereNorOpen,
    AlwaysThere,
    ExistsNotImplemented,
    SaysNothing,
    SizeNotImplemented,
    SaysALot,
    Compressing,
    Suffixing,
    ContentAddressed,
    LowerCasing,
    LowerCasingOverwriting,
    Rooted,
    ReturnsNothing,
    ReturnsAnAddress,
    ReadsAllAtOnce,
    ReadsAllEachTime,
    ReadsViews,
    DeleteForbidden,
    DeleteNotImplemented,
    DeleteOfMissingRaises,
    LateToShow,
    Slow,
    LosesTheAnswer,
    PlainOSError,
    MissingIsAKey,
    Lazy,
    EmptyWhereMissing,
    NoBaseAddress,
    OddPath,
    PathFails,
]
UNREADABLE: list[type[Storage]] = [OpensNothing, OpensText, ReadsText, Away, Unmade]
UNWRITABLE: list[type[Storage]] = [*UNREADABLE, ReadOnly, Forgetful, Cutting]
KEEP_WHAT_IS_DELETED = {"DeleteForbidden", "DeleteNotImplemented"}
# After a restore that failed, something that nobody needs may stay where it cannot be told from the rest.
KEEP_WHAT_WAS_ADDED = KEEP_WHAT_IS_DELETED | {"ContentAddressed"}

Sleep = Callable[[float], None]
