"""The demo studio's files: what they are called, and the content that belongs to a name.

Content follows from the name alone, so that the file server can serve what the rows name without
keeping anything. No Django in here.
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from math import isqrt
from pathlib import PurePosixPath

from backupsvc.studio.demo.documents import pdf, pen_table
from backupsvc.studio.demo.pictures import png

MEDIA_TYPES = {
    ".png": "image/png",
    ".pdf": "application/pdf",
    ".ctb": "application/octet-stream",
}
MAKERS: dict[str, Callable[[str], bytes]] = {".png": png, ".pdf": pdf, ".ctb": pen_table}
SERVED = re.compile(r"(photo|sheet)-\d{3,6}\.(png|pdf)")

BIG_FILE = "studio/archive/everything-scanned.pdf"
# One byte more than the largest file that a backup embeds.
BIG_FILE_BYTES = 52_428_801


@lru_cache(maxsize=1024)
def content_of(name: str) -> bytes:
    """The bytes of a file. Folders do not count: only the last part of the name does."""
    path = PurePosixPath(name)
    return MAKERS[path.suffix](path.name)


@cache
def size_of(name: str) -> int:
    """The size in bytes."""
    return len(content_of(name))


def media_type_of(name: str) -> str:
    return MEDIA_TYPES[PurePosixPath(name).suffix]


class Catalogue:
    """The names in use at a scale. Files grow with its square root: rows share them."""

    def __init__(self, scale: int) -> None:
        self.pictures = _names("studio/renders/render-{:03}.png", 36, scale)
        self.documents = _names("studio/documents/document-{:03}.pdf", 12, scale)
        self.drawings = _names("studio/cad/drawing-{:03}.pdf", 8, scale)
        self.pens = _names("studio/cad/pens-{:03}.ctb", 4, 1)
        # Kept by another server and reached over HTTP.
        self.remote_pictures = _names("photo-{:03}.png", 16, scale)
        self.remote_documents = _names("sheet-{:03}.pdf", 8, scale)

    @property
    def stored(self) -> list[str]:
        """Names of the files in Django's default storage."""
        return [*self.pictures, *self.documents, *self.drawings, *self.pens]


def _names(pattern: str, count: int, scale: int) -> list[str]:
    return [pattern.format(n) for n in range(isqrt(count * count * scale))]
