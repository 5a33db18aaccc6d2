"""A backup that is read back while it is written: from the disk, to its end, and unchanged since."""

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from backups.artifact.lines import truncated
from backups.errors import ArtifactError
from backups.files import private
from backups.services import reading_back
from backups.services.reading_back import ReadingBack
from backups.services.vault import Draft


@pytest.fixture
def draft(tmp_path: Path) -> Iterator[Draft]:
    path = tmp_path / "draft"
    with private.create(path) as stream:
        yield Draft(path, stream)
    assert not [t.name for t in threading.enumerate() if t.name == "behind reading back"]


class Seen:
    """What the reading saw, in reads of so many bytes."""

    def __init__(self, size: int = 7) -> None:
        self.reads: list[bytes] = []
        self.first = threading.Event()
        self._size = size

    def __call__(self, stored: BinaryIO) -> None:
        while block := stored.read(self._size):
            self.reads.append(block)
            self.first.set()


def nothing() -> None: ...


def test_it_reads_what_was_written_before_the_writing_ends(draft: Draft):
    seen = Seen()
    with ReadingBack(draft, seen, nothing) as back:
        back.sink.write(b"0123456789")
        assert seen.first.wait(5), "seven of ten bytes can be read"
        assert seen.reads == [b"0123456"]
        back.sink.write(b"abcdef")
        back.finish(_durable(draft))
    assert b"".join(seen.reads) == b"0123456789abcdef"
    assert [len(block) for block in seen.reads] == [7, 7, 2], "whole reads, whatever the writes"


def test_what_is_read_lies_on_the_disk(draft: Draft):
    seen = Seen()
    with ReadingBack(draft, seen, nothing) as back:
        back.sink.write(b"012")
        draft.path.write_bytes(b"xyz")
        back.finish(_durable(draft))
    assert seen.reads == [b"xyz"]


def test_what_the_reading_raises_is_raised_at_its_end(draft: Draft):
    def refuse(_: BinaryIO) -> None:
        raise truncated()

    with (
        pytest.raises(ArtifactError) as refused,
        ReadingBack(draft, refuse, nothing) as back,
    ):
        back.sink.write(b"012")
        back.finish(_durable(draft))
    assert refused.value.code == "artifact.truncated"


def _changed_after_it_was_read(draft: Draft) -> None:
    seen = Seen()
    with ReadingBack(draft, seen, nothing) as back:
        back.sink.write(b"0123456789")
        assert seen.first.wait(5)
        draft.stream.seek(3)
        draft.stream.write(b"!")
        draft.stream.seek(10)
        back.finish(_durable(draft))


def test_bytes_that_change_after_they_were_read_are_noticed(draft: Draft):
    with pytest.raises(ArtifactError) as refused:
        _changed_after_it_was_read(draft)
    assert refused.value.code == "artifact.damaged"


def test_bytes_that_were_read_twice_are_hashed_once(draft: Draft):
    def read_again(stored: BinaryIO) -> None:
        assert stored.read(4) == b"0123"
        stored.seek(0)
        assert stored.read() == b"0123456789"
        stored.seek(2)
        assert stored.read(3) == b"234"

    with ReadingBack(draft, read_again, nothing) as back:
        back.sink.write(b"0123456789")
        back.finish(_durable(draft))
        assert back.following.read_bytes == 10


def test_without_the_second_look_at_the_bytes_they_would_not_be(draft: Draft, monkeypatch: Any):
    monkeypatch.setattr(reading_back.Following, "is_still", lambda *_: True)
    _changed_after_it_was_read(draft)


def test_a_writing_that_fails_ends_the_reading(draft: Draft):
    with pytest.raises(OSError, match="full"), ReadingBack(draft, Seen(), nothing) as back:
        back.sink.write(b"0123456789")
        raise OSError("full")


def test_who_waits_for_its_end_may_stop_it(draft: Draft):
    class Enough(Exception):
        pass

    def enough() -> None:
        raise Enough

    go_on = threading.Event()
    with pytest.raises(Enough), ReadingBack(draft, lambda _: go_on.wait(), enough) as back:
        back.sink.write(b"012")
        threading.Timer(0.3, go_on.set).start()
        back.finish(io.BytesIO())


def _durable(draft: Draft) -> BinaryIO:
    private.sync(draft.stream)
    draft.stream.seek(0)
    return draft.stream
