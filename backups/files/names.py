"""Which names out of rows and files may be said to a storage at all. Pure: no storage is asked.

A storage of one's own need not guard itself as Django's does (CVE-2021-45452), so nothing is left to it.
"""

import re
import unicodedata
from pathlib import PurePosixPath

from django.core.exceptions import SuspiciousOperation
from django.core.files.utils import validate_file_name

# What Linux takes for a path, and what the stores of the cloud take for a key (1024) with a folder before.
LONGEST_READ_BYTES = 4096
LONGEST_WRITTEN_BYTES = 1000


def may_be_asked_for(name: str) -> bool:
    """Whether a storage may be asked to read or delete this: it stays inside, and is no folder's name."""
    return (
        bool(name)
        and "\0" not in name
        and not name.startswith("/")
        and ".." not in re.split(r"[/\\]", name)
        and 0 < _length(name) <= LONGEST_READ_BYTES
    )


def may_be_given(name: str) -> bool:
    """Whether a file may get this name here: stricter, since others will have to live with it."""
    if any(ord(letter) < 32 for letter in name) or "\\" in name:
        return False
    if not 0 < _length(name) <= LONGEST_WRITTEN_BYTES:
        return False
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or name != "/".join(parts):
        return False
    try:
        validate_file_name(name, allow_relative_path=True)
    except SuspiciousOperation:
        return False
    return True


def alike(name: str) -> set[str]:
    """Other names that a storage, or a disk, may take for this one or make of it."""
    forms = {
        case for given in (name, _plain(name)) for case in (given, given.lower(), given.casefold())
    }
    forms |= {unicodedata.normalize(norm, form) for form in forms for norm in ("NFC", "NFD")}
    return {form for form in forms if form != name and may_be_asked_for(form)}


def folded(name: str) -> str:
    """The same for all names that a storage, or a disk, may take for one another."""
    cased = unicodedata.normalize("NFC", name).casefold()
    return _plain(unicodedata.normalize("NFC", cased))


def _plain(name: str) -> str:
    return "/".join(re.sub(r"(?u)[^-\w.]", "", part.replace(" ", "_")) for part in name.split("/"))


def _length(name: str) -> int:
    """In bytes; nothing where it cannot be written as UTF-8."""
    try:
        return len(name.encode())
    except UnicodeEncodeError:
        return 0
