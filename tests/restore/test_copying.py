"""Lines on their way into a table."""

from restore.database.copying import _Feed


class Counted(bytes):
    """Bytes that count how many of them were copied, in what is cut off from them too."""

    copied = 0

    def __getitem__(self, place):  # type: ignore[override]
        taken = Counted(super().__getitem__(place))
        Counted.copied += len(taken)
        return taken


def test_a_long_row_is_handed_on_without_copying_what_is_left_of_it() -> None:
    blocks = [Counted(bytes(range(256)) * 4000), b"b", b"", b"cd"]
    feed = _Feed(iter(blocks))
    Counted.copied = 0
    parts = [*iter(lambda: feed.read(1000), b"")]
    assert b"".join(parts) == b"".join(blocks)
    assert max(map(len, parts)) == 1000
    assert Counted.copied == len(blocks[0])
