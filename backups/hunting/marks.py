"""Markers put into one text: for each secret, and again where two halves have come together."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable

import msgspec

from backups.hunting import credentials
from backups.hunting.cells import marker
from backups.hunting.matcher import Hit, Matcher

# Replacing may bring the halves of something together.
ROUNDS = 5


class Marks:
    """Puts markers into one cell; ``columns`` are those whose secrets were there, and ``credentials`` the
    kinds of what no column holds."""

    def __init__(self, matcher: Matcher, *, mask: bool, veiled: bool) -> None:
        self._matcher = matcher
        self._veiled = veiled
        self._mask = mask
        self.suffix = ""
        self.columns: dict[str, None] = {}
        self.credentials: Counter[str] = Counter()
        self._names = 0

    def put(self, text: bytes, *, numbered: bool = False) -> bytes:
        """``text`` with a marker for each secret. ``numbered``: no two of the cell are alike."""
        for _round in range(ROUNDS):
            spans = [(hit.start, hit.end, self._secret(hit)) for hit in self._hits(text)]
            if self._mask:
                spans += credentials.spans(text)
            if not spans:
                return text
            text = self._replaced(text, sorted(spans, key=lambda s: (s[0], -s[1])), numbered)
            if not (self._veiled or self._matcher.may_hold(text, words=self._mask)):
                return text
        return text if not self._matcher.hits(text) else self.marker("secret", numbered)

    def fitting(self, marked: str, limit: int | None) -> str:
        """The text of a cell that takes so many letters. What tells one from another is never cut off."""
        if limit is None or len(marked) <= limit or not self.suffix:
            return marked[:limit]
        tag = self.suffix.removeprefix("#")
        alone = f"[redacted:{tag}]"
        return alone if len(alone) <= limit else f"[{tag}"[:limit]

    def _hits(self, text: bytes) -> list[Hit]:
        return self._matcher.hits(text, veiled=self._veiled)

    def within(self, text: bytes) -> Callable[[int, int], bool]:
        """Whether something may stand between two places of the text: asked once for all of it where nothing
        is behind escapes."""
        if self._veiled or self._mask:
            return lambda _start, _end: True
        spots = self._matcher.spots(text)
        return lambda start, end: bisect_left(spots, start) < bisect_left(spots, end)

    def number(self, token: bytes) -> bytes:
        hits = self._matcher.hits(token)
        if not hits:
            return token
        return msgspec.json.encode(self.marker(self._secret(hits[0]), numbered=False).decode())

    def is_secret(self, value: bytes) -> bool:
        """Whether the value as a whole is one."""
        for hit in self._matcher.hits(value):
            if (hit.start, hit.end) == (0, len(value)):
                self._secret(hit)
                return True
        return False

    def _secret(self, hit: Hit) -> str:
        self.columns[hit.secret.column] = None
        return hit.secret.column

    def _replaced(self, text: bytes, spans: list[tuple[int, int, str]], numbered: bool) -> bytes:
        parts: list[bytes] = []
        place = 0
        for start, end, name in spans:
            if start < place:
                if end > place:
                    place = end
                continue
            parts += [text[place:start], self.marker(name, numbered)]
            self.credentials[name] += int(name in credentials.NAMES)
            place = end
        return b"".join([*parts, text[place:]])

    def marker(self, name: str, numbered: bool) -> bytes:
        self._names += numbered
        suffix = f"#{self._names}" if numbered else self.suffix
        return marker(name, suffix)
