"""Rows that locate files in every way that can be declared, and what they lead to."""

from typing import Any

from psycopg2.extras import Json

from backups.files import storage
from backups.files.resolve import StorageTarget, resolve
from tests.roundtrip.engine import writing
from tests.storages.kinds import Kind
from tests.zoo.rows import insert

COLUMNS = ["shelf", "number", "kind", "cover", "drawing", "pages", "attached", "layout"]
# One longer than a block, one empty, one in a folder, one with letters that some storages do not keep.
CONTENT = {
    "a.png": b"PNG a" * 60_000,
    "pictures/b.png": b"PNG b",
    "C d é.PNG": b"PNG c",
    "nothing.txt": b"",
}
NEWER = {name: b"newer than the backup: " + name.encode() for name in CONTENT}
ROWS: list[tuple[Any, ...]] = [
    ("x", 1, "", "a.png", "/a.png", ["a.png", "pictures/b.png"],
     Json([{"url": "a.png"}, {"url": "nothing.txt"}]), Json({"the cover": "pictures/b.png"})),
    ("x", 2, "", "C d é.PNG", "C d é.PNG", ["nothing.txt"], None, None),
]  # fmt: skip


def fill(kind: Kind) -> None:
    for name, content in CONTENT.items():
        kind.put(name, content)
    with writing() as cursor:
        insert(cursor, "zoo_album", COLUMNS, ROWS)


def led_to() -> dict[str, list[bytes]]:
    """What the rows lead to now, by row and column, as the application finds it."""
    found = {}
    with writing() as cursor:
        cursor.execute(
            "SELECT shelf || number, ARRAY[cover], ARRAY[drawing], pages,"
            " ARRAY(SELECT e->>'url' FROM jsonb_array_elements(attached) AS e),"
            " ARRAY[layout->>'the cover'] FROM zoo_album ORDER BY 1"
        )
        for row, *columns in cursor.fetchall():
            for name, values in zip(COLUMNS[3:], columns, strict=True):
                is_path = name == "drawing"
                found[f"{row} {name}"] = [content_of(v, is_path) for v in values if v is not None]
    return found


def content_of(value: str, is_path: bool) -> bytes:
    target = resolve(value, "default", is_path=is_path)
    assert isinstance(target, StorageTarget)
    return storage.patiently(lambda: b"".join(storage.read(target)))
