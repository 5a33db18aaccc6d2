"""The storages of the suite: how each is made, and how its files are seen behind its back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from django.conf import settings
from django.core.files.storage import storages

from tests.storages import misbehaving
from tests.storages.misbehaving import SHELF

Files = dict[str, bytes]


@dataclass(frozen=True)
class Kind:
    """One storage. ``put`` and ``files`` do not go through it, so that they cannot be deceived by it."""

    name: str
    backend: str
    put: Callable[[str, bytes], object]
    files: Callable[[], Files]
    options: dict[str, Any] = field(default_factory=dict)

    def empty(self) -> None:
        """Every file goes, behind the storage's back where it has a shelf."""
        for name in self.files():
            if SHELF.pop(name, None) is None:
                storages["default"].delete(name)

    @property
    def configured(self) -> dict[str, Any]:
        return {"BACKEND": self.backend, "OPTIONS": self.options}


def on_a_shelf(storage: type) -> Kind:
    return Kind(
        storage.__name__,
        f"{storage.__module__}.{storage.__qualname__}",
        SHELF.__setitem__,
        lambda: dict(SHELF),
    )


def _put_on_disk(name: str, content: bytes) -> None:
    path = Path(settings.MEDIA_ROOT) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _on_disk() -> Files:
    root = Path(settings.MEDIA_ROOT)
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


_FILES = "django.core.files.storage.FileSystemStorage"
LOCAL = [
    Kind("local", _FILES, _put_on_disk, _on_disk),
    Kind("local overwriting", _FILES, _put_on_disk, _on_disk, {"allow_overwrite": True}),
]


def _put_in_memory(name: str, content: bytes) -> None:
    storage: Any = storages["default"]
    with storage.open(name, "wb") as file:
        file.write(content)


def _in_memory() -> Files:
    storage: Any = storages["default"]

    def walk(folder: str) -> Iterator[tuple[str, bytes]]:
        folders, files = storage.listdir(folder)
        for name in files:
            with storage.open(f"{folder}{name}") as file:
                yield f"{folder}{name}", file.read()
        for name in folders:
            yield from walk(f"{folder}{name}/")

    return dict(walk(""))


MEMORY = Kind("in memory", "django.core.files.storage.InMemoryStorage", _put_in_memory, _in_memory)

# The server's address, once it runs; the credentials open nothing.
_SECRET = "none"
S3_SERVER: list[str] = []


def _account() -> dict[str, Any]:
    return {
        "aws_access_key_id": _SECRET,
        "aws_secret_access_key": _SECRET,
        "region_name": "eu-central-1",
        "endpoint_url": S3_SERVER[0],
    }


@contextmanager
def bucket(name: str) -> Iterator[Any]:
    """A bucket that is new, and gone afterwards."""
    made = boto3.resource("s3", **_account()).Bucket(name)
    made.create(CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    try:
        yield made
    finally:
        made.objects.all().delete()
        made.delete()


def in_bucket(made: Any, name: str, **options: Any) -> Kind:
    """A storage of django-storages in the bucket; ``location`` is a folder in it."""
    prefix = f"{options['location']}/" if "location" in options else ""

    def files() -> Files:
        return {
            item.key.removeprefix(prefix): item.get()["Body"].read()
            for item in made.objects.filter(Prefix=prefix)
        }

    account = {
        "access_key": _SECRET,
        "secret_key": _SECRET,
        "region_name": "eu-central-1",
        "endpoint_url": S3_SERVER[0],
    }
    return Kind(
        name,
        "storages.backends.s3.S3Storage",
        lambda key, content: made.put_object(Key=prefix + key, Body=content),
        files,
        {"bucket_name": made.name, **account, **options},
    )


S3: dict[str, dict[str, Any]] = {
    "S3": {},  # which overwrites, if nothing else is said
    "S3 not overwriting": {"file_overwrite": False},
    "S3 in a folder": {"location": "media", "file_overwrite": False, "querystring_auth": False},
}
ON_A_SHELF = [on_a_shelf(storage) for storage in misbehaving.WORKING]
