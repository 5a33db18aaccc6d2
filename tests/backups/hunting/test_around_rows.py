"""Every text outside of the rows is looked at; what nobody wrote (digests, numbers, keys) is not."""

import dataclasses

import msgspec
import pytest

from backups.artifact.manifest import Application, Column, Manifest, Person, Schema, SectionHead
from backups.artifact.reader import Tail
from backups.artifact.tail import (
    AlteredCell,
    FileHead,
    FileStatistics,
    Integrity,
    Locator,
    Reason,
    SecretStatistics,
    Sequence,
    Statistics,
    Use,
)
from backups.hunting.matcher import Matcher, Secret
from backups.hunting.proving import leaks_around, said_in_head, said_in_tail, said_of_file

TOKEN = "Zx_9+Qm/4rT-vB7kLw2~pN8sHd5.jF3"
SECRETS = [Secret(TOKEN.encode(), "people.token")]
MATCHER = Matcher(SECRETS)
SHA = "0" * 64

HEAD = SectionHead(
    "mails", "mail", ("id",), (Column("id", "text", "native"),), ("pass",), ("made",)
)
MANIFEST = Manifest(
    format="backupsvc/1",
    type="safe",
    created_at="2026-01-01T00:00:00+00:00",
    created_by=Person("Noa", "noa@studio.example"),
    installation="0" * 16,
    application=Application("studio", "5.2", "18.0"),
    schema=Schema(SHA, {"studio": "0001_initial"}),
    left_out=("gone",),
    sections=(HEAD,),
)
FILE = FileHead(
    "gap",
    "a.png",
    "image/png",
    [Locator("media/a.png", "default", [Use("mails", "picture", ["k1"])])],
    reason=Reason("file.gone", "It is gone."),
)
TAIL = Tail(
    [Sequence("mail_id_seq", "mails", 5, True)],
    [AlteredCell("mails", "k1", "note")],
    Statistics(
        0,
        {},
        FileStatistics(),
        SecretStatistics(1, 0, "all", 1, {"people.token": 1}, {"mails.id": 1}, {"jwt": 1}, False),
    ),
    Integrity("sha256", SHA, "0" * 16, SHA),
)
# Computed, chosen out of a list, or a key that is left where it stands.
NOT_WRITTEN = {SHA, "0" * 16, "k1", "safe", "backupsvc/1", "gap", "all", "sha256", "native"}


def texts_in(value) -> list[str]:
    """Every string in a value, names of members too."""
    if isinstance(value, dict):
        return [*value, *(text for item in value.values() for text in texts_in(item))]
    if isinstance(value, list):
        return [text for item in value for text in texts_in(item)]
    return [value] if isinstance(value, str) else []


def names_of_members(kind: type) -> set[str]:
    return set(getattr(kind, "__struct_fields__", None) or kind.__dataclass_fields__)


MEMBERS = {
    name
    for kind in (Manifest, Person, Application, Schema, SectionHead, Column, FileHead, Locator, Use)
    for name in names_of_members(kind)
} | {
    name
    for kind in (
        Reason,
        Sequence,
        AlteredCell,
        Statistics,
        FileStatistics,
        SecretStatistics,
        Integrity,
        Tail,
    )
    for name in names_of_members(kind)
}


@pytest.mark.parametrize(
    ("whole", "said"),
    [
        (MANIFEST, list(said_in_head(MANIFEST))),
        (FILE, list(said_of_file(FILE))),
        (dataclasses.asdict(TAIL), list(said_in_tail(TAIL))),
    ],
    ids=["manifest", "file", "tail"],
)
def test_each_text_that_somebody_wrote_is_looked_at(whole, said):
    """Held against the structures themselves: a member that is added is looked at too, or named above."""
    written = set(texts_in(msgspec.to_builtins(whole))) - NOT_WRITTEN - MEMBERS
    assert written <= {text for _part, text in said}


def leaks(said) -> list[tuple[str, str]]:
    found = leaks_around(said, MATCHER, {"mails", "note"})
    return [(leak.column, leak.secret) for leak in found]


def test_a_secret_is_told_by_its_part_and_column():
    manifest = msgspec.structs.replace(MANIFEST, created_by=Person(f"Noa {TOKEN}", ""))
    assert leaks(said_in_head(manifest)) == [("manifest", "people.token")]
    cell = AlteredCell(TOKEN.encode().hex(), "k1", "note")
    tail = dataclasses.replace(TAIL, altered=[cell])
    assert leaks(said_in_tail(tail)) == [("altered", "people.token")]
    assert leaks(said_of_file(msgspec.structs.replace(FILE, name=TOKEN))) == [
        ("files", "people.token")
    ]


def test_nothing_else_is_said():
    for said in (said_in_head(MANIFEST), said_of_file(FILE), said_in_tail(TAIL)):
        assert leaks(said) == []


def test_names_of_the_schema_are_words():
    matcher = Matcher([Secret(b"mails.note", "people.token")], rarer=False)
    said = [("statistics", "mails.note"), ("manifest", "mails.note at all")]
    found = [leak.column for leak in leaks_around(said, matcher, {"mails", "note"})]
    assert found == ["manifest"]
