"""Bodies that came compressed though nobody asked for it: decoded, or said to be no file.

Some servers keep a file compressed and send it so to everybody. What came over the wire is not what a
browser shows, so it must not be kept as if it were the file.
"""

import zlib
from collections.abc import Iterator

from backups.errors import FetchError
from backups.wording import _

_BLOCK_BYTES = 64 * 1024
# zlib's numbers: a gzip header and trailer; a zlib header and trailer (RFC 9110, 8.4.1.2).
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def decoded(blocks: Iterator[bytes], encoding: str, *, limit_bytes: int) -> Iterator[bytes]:
    """The content in blocks of bounded size; ``encoding`` is the header Content-Encoding.

    Whoever takes the blocks counts them; ``limit_bytes`` bounds what is read of a compressed body, which
    may be long and yet hold nothing. Raises FetchError where it cannot be decoded.
    """
    names = [name for name in (part.strip().lower() for part in encoding.split(",")) if name]
    names = [name for name in names if name != "identity"]
    if not names:
        yield from blocks
    elif len(names) == 1 and names[0] in _WINDOWS:
        yield from _inflated(_bounded(blocks, limit_bytes), _WINDOWS[names[0]])
    else:
        raise _undecodable()


def _inflated(blocks: Iterator[bytes], window: int) -> Iterator[bytes]:
    stream = zlib.decompressobj(window)
    is_fed = False
    for block in blocks:
        rest = block
        while rest:
            if stream.eof:
                # Several compressed parts one after the other are one content (RFC 1952, 2.2).
                stream = zlib.decompressobj(window)
            is_fed = True
            try:
                content = stream.decompress(rest, _BLOCK_BYTES)
            except zlib.error:
                raise _undecodable() from None
            rest = stream.unused_data if stream.eof else stream.unconsumed_tail
            if content:
                yield content
        # A full block of output may leave more of it inside.
        while not stream.eof and (content := _more(stream)):
            yield content
    if is_fed and not stream.eof:
        raise _undecodable(permanent=False)


def _more(stream: "zlib._Decompress") -> bytes:
    try:
        return stream.decompress(b"", _BLOCK_BYTES)
    except zlib.error:
        raise _undecodable() from None


def _bounded(blocks: Iterator[bytes], limit_bytes: int) -> Iterator[bytes]:
    received = 0
    for block in blocks:
        received += len(block)
        if received > limit_bytes:
            raise _undecodable()
        yield block


def _undecodable(*, permanent: bool = True) -> FetchError:
    return FetchError(
        "file.encoding",
        _("The server sent the file in a compressed form that cannot be read."),
        hint=_("Let the server send it as it is, then make the backup again."),
        permanent=permanent,
    )
