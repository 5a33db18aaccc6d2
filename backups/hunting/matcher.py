"""Very many secrets looked for at once, by the algorithm of Aho and Corasick.

The automaton has the last letters of each form alone, which keeps it small enough for the caches of a
processor; where they stand, the whole form is compared.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ahocorasick_rs import BytesAhoCorasick, Implementation

from backups.hunting.credentials import WORDS
from backups.hunting.forms import Form, common_forms, rarer_forms
from backups.hunting.views import Glimpses, View, views

# Letters of a form that the automaton has; fewer where there are very many secrets.
LETTERS = 12
FEW_LETTERS = 8
# Forms that one automaton takes: some 80 MB. Above it the rarer ones are left to the proof.
MOST_FORMS = 150_000


@dataclass(frozen=True)
class Secret:
    """``column`` is what its marker names, such as ``users.password``."""

    value: bytes
    column: str


@dataclass(frozen=True)
class Hit:
    """A secret in a text: where it stands there, escapes and all."""

    start: int
    end: int
    secret: Secret


@dataclass(frozen=True)
class Look:
    """``plain``: a form of a secret may be there; ``veiled``: behind escapes; ``word``: a credential."""

    plain: bool
    veiled: bool
    word: bool

    @property
    def secret(self) -> bool:
        return self.plain or self.veiled


class Matcher:
    """``words``: look for the words of well-known credentials too."""

    def __init__(
        self, forms: Iterable[tuple[Form, Secret]], *, words: bool = True, letters: int = LETTERS
    ) -> None:
        ends: dict[bytes, list[tuple[Form, Secret]]] = {}
        for form, secret in forms:
            ends.setdefault(form.text[-letters:], []).append((form, secret))
        self._ends = list(ends.values())
        patterns = [*ends, *(WORDS if words else ())]
        self._glimpses = Glimpses(frozenset(b"".join(ends)), letters)
        self._automaton = BytesAhoCorasick(patterns, implementation=Implementation.ContiguousNFA)

    def has_ending(self, text: bytes) -> bool:
        """Whether the end of any form or word stands in ``text`` as it is: quicker than ``looks``."""
        return bool(self._automaton.find_matches_as_indexes(text))

    def looks(self, text: bytes) -> Look:
        """What a text may hold, in whatever form; what is said not to be there is not."""
        plain = word = False
        for number, _start, _end in self._automaton.find_matches_as_indexes(text):
            if number < len(self._ends):
                plain = True
            else:
                word = True
        # What ends earlier hides what overlaps with it.
        if word and not plain:
            plain = self._is_in(text)
        if plain and not word:
            word = any(number >= len(self._ends) for number, _, _ in self._all(text))
        return Look(plain, self._is_veiled(text), word)

    def _is_veiled(self, text: bytes) -> bool:
        return any(map(self._is_in, self._glimpses.of(text)))

    def _is_in(self, text: bytes) -> bool:
        return any(number < len(self._ends) for number, _, _ in self._all(text))

    def hits(self, text: bytes, *, veiled: bool = True) -> list[Hit]:
        """Every secret in ``text``, in every view of it, in the order of their places. ``veiled``: whether
        it is not known that none stands behind escapes."""
        plain = View(text)
        ends = self._ends_in(text)
        found = {end: self._whole(plain, end) for end in ends}
        hits = [hit for whole in found.values() for hit in whole]
        # An end without its beginning: escapes may stand between them.
        if not all(found.values()) or (veiled and self._is_veiled(text)):
            for view in views(text):
                hits += [hit for end in self._ends_in(view.data) for hit in self._whole(view, end)]
        return sorted(
            {(hit.start, hit.end): hit for hit in hits}.values(),
            key=lambda hit: (hit.start, -hit.end),
        )

    def _ends_in(self, data: bytes) -> list[tuple[int, int]]:
        """Numbers of endings of forms, and where they end."""
        return [(number, end) for number, _, end in self._all(data) if number < len(self._ends)]

    def _whole(self, view: View, found: tuple[int, int]) -> list[Hit]:
        """The forms with this ending that stand there whole."""
        number, end = found
        data, hits = view.data, []
        for form, secret in self._ends[number]:
            start = end - len(form.text)
            if (
                start < 0
                or not data.startswith(form.text, start)
                or _is_within_digits(data, start, end)
            ):
                continue
            first, last = max(0, start - form.before), min(len(data), end + form.after)
            hits.append(Hit(*view.source(first, last), secret))
        return hits

    def _all(self, text: bytes) -> list[tuple[int, int, int]]:
        return self._automaton.find_matches_as_indexes(text, overlapping=True)


def _is_within_digits(data: bytes, start: int, end: int) -> bool:
    """A number inside of a longer one is another number."""
    if not data[start:end].isdigit():
        return False
    return data[max(0, start - 1) : start].isdigit() or data[end : end + 1].isdigit()


def common(secrets: Iterable[Secret]) -> Iterator[tuple[Form, Secret]]:
    return ((form, secret) for secret in secrets for form in common_forms(secret.value))


def rarer(secrets: Iterable[Secret]) -> Iterator[tuple[Form, Secret]]:
    return ((form, secret) for secret in secrets for form in rarer_forms(secret.value))
