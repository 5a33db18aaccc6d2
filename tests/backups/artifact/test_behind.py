"""Threads behind and ahead of a caller: in order, bounded, and gone when the block ends."""

import hashlib
import io
import threading
from collections.abc import Iterator

import pytest

from backups.artifact import behind
from backups.artifact.behind import PREFIX, Ahead, Behind, Digest, hashing


@pytest.fixture(autouse=True)
def nobody_is_left() -> Iterator[None]:
    yield
    assert not [t.name for t in threading.enumerate() if t.name.startswith(PREFIX)]


class Refused(Exception):
    pass


def refuse(_: bytes) -> None:
    raise Refused


def test_items_are_worked_on_in_their_order_by_another_thread():
    done: list[bytes] = []
    by: set[int] = set()

    def work(item: bytes) -> None:
        done.append(item)
        by.add(threading.get_ident())

    with Behind(work, name="test") as lines:
        for number in range(1000):
            lines.put(b"%d" % number)
        lines.drain()
        assert done == [b"%d" % number for number in range(1000)]
    assert len(by) == 1
    assert threading.get_ident() not in by


def test_the_end_of_the_block_waits_for_what_was_handed_over():
    done: list[bytes] = []
    with Behind(done.append, name="test") as lines:
        lines.put(b"a")
    assert done == [b"a"]


def test_what_the_work_raises_is_raised_by_who_handed_it_over():
    with pytest.raises(Refused), Behind(refuse, name="test") as lines:
        lines.put(b"a")
        with pytest.raises(Refused):
            lines.drain()
        lines.put(b"b")


def test_an_error_that_nobody_met_inside_the_block_ends_it():
    with pytest.raises(Refused), Behind(refuse, name="test") as lines:
        lines.put(b"a")


def test_a_block_that_fails_throws_away_what_waits():
    go_on = threading.Event()
    done: list[bytes] = []

    def work(item: bytes) -> None:
        go_on.wait()
        done.append(item)

    def fail() -> None:
        with Behind(work, name="test") as lines:
            for _ in range(5):
                lines.put(b"a")
            threading.Timer(0.05, go_on.set).start()
            raise Refused

    with pytest.raises(Refused):
        fail()
    assert len(done) <= 1


def test_no_more_waits_than_was_allowed(monkeypatch):
    monkeypatch.setattr(behind, "MOST_WAITING_BYTES", 10)
    go_on = threading.Event()

    def work(_: bytes) -> None:
        go_on.wait()

    with Behind(work, name="test") as lines:
        lines.put(b"12345678")  # is worked on, or waits
        lines.put(b"12345678")
        third = threading.Thread(target=lines.put, args=[b"12345678"])
        third.start()
        third.join(0.1)
        assert third.is_alive(), "there is no room"
        go_on.set()
        third.join()


def test_one_item_goes_through_however_large_it_is(monkeypatch):
    monkeypatch.setattr(behind, "MOST_WAITING_BYTES", 1)
    done: list[bytes] = []
    with Behind(done.append, name="test") as lines:
        lines.put(b"x" * 1000)
    assert len(done) == 1


def test_a_stream_is_read_ahead_to_its_end():
    with Ahead(io.BytesIO(b"abcdefg"), block_bytes=3, name="test") as plain:
        assert [plain.read() for _ in range(5)] == [b"abc", b"def", b"g", b"", b""]


def test_what_the_stream_raises_comes_when_its_turn_has_come():
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() == 6:
                raise Refused
            return super().read(size)

    with Ahead(Broken(b"abcdefghi"), block_bytes=3, name="test") as plain:
        assert [plain.read(), plain.read()] == [b"abc", b"def"]
        for _ in range(2):
            with pytest.raises(Refused):
                plain.read()


def test_who_reads_no_further_leaves_no_thread():
    with Ahead(io.BytesIO(b"x" * 1000), block_bytes=1, name="test") as plain:
        plain.read()


def test_digests_are_those_of_the_content_and_of_each_its_own():
    with hashing("test") as hasher:
        one, other, alone = Digest(hasher), Digest(hasher), Digest()
        for number in range(100):
            block = b"%d" % number * 100
            one.update(block)
            alone.update(block)
            other.update(b"x")
        assert one.hexdigest() == alone.hexdigest() != other.hexdigest()
        assert other.hexdigest() == hashlib.sha256(b"x" * 100).hexdigest()
