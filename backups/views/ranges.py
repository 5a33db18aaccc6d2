"""The one kind of ``Range`` that a browser sends when it resumes a download (RFC 9110, 14)."""

import re
from dataclasses import dataclass

_ONE_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


@dataclass(frozen=True)
class Span:
    """First and last byte, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


class UnsatisfiableError(Exception):
    """The range asked for lies outside the file."""


def span(header: str, size: int) -> Span | None:
    """The part asked for; None for the whole, which RFC 9110 allows as the answer to any range.

    Several ranges at once and other units are answered with the whole.
    """
    found = _ONE_RANGE.fullmatch(header.strip())
    if not found or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if first == "":
        asked = Span(max(0, size - int(last)), size - 1) if int(last) else Span(size, size - 1)
    else:
        asked = Span(int(first), min(int(last), size - 1) if last else size - 1)
        if last and int(last) < int(first):
            return None
    if asked.first >= size:
        raise UnsatisfiableError
    return asked
