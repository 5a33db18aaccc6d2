"""Very many secrets looked for at once, by the algorithm of Aho and Corasick.

Of each form the automata have a few letters alone, which makes them small and quickly built; where those
stand, a longer part is compared, then the whole form. Each automaton has what begins with one of three
letters that are seldom met: from one of these to the next its search skips (``forms.BEGINNINGS``).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from backups.hunting.credentials import WORDS
from backups.hunting.forms import BEGINNINGS, Form, common_forms, rarer_forms, telling_part
from backups.hunting.views import Glimpses, View, views

# Letters of a form's part; fewer where there are very many secrets.
LETTERS = 12
FEW_LETTERS = 8
# Of these the automata have the first.
_SEARCHED = 6
# Forms that are searched for at once: some 80 MB. Above it the rarer ones are left to the proof.
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


class Place(NamedTuple):
    """Where a part of a form, or a word of a credential, stands in a text."""

    start: int
    end: int
    is_word: bool


class _Forms:
    """All forms, in lists side by side: a hundred thousand objects would cost whoever collects garbage more
    than they cost to make."""

    def __init__(self, letters: int) -> None:
        self._letters = letters
        self._texts: list[bytes] = []
        self._part_starts: list[int] = []
        self._befores: list[int] = []
        self._afters: list[int] = []
        self._secrets: list[Secret] = []
        # The number of another form whose part begins alike, below 0 where there is none.
        self._next: list[int] = []

    def add(self, form: Form, secret: Secret, part_start: int, alike: int) -> int:
        """Returns the form's number."""
        self._texts.append(form.text)
        self._befores.append(form.before)
        self._afters.append(form.after)
        self._part_starts.append(part_start)
        self._secrets.append(secret)
        self._next.append(alike)
        return len(self._texts) - 1

    def parts_at(self, text: bytes, start: int, number: int) -> Iterator[int]:
        """Of the forms that begin their part alike, from ``number`` on, those whose part stands there."""
        while number >= 0:
            first = self._part_starts[number]
            if text.startswith(self._texts[number][first : first + self._letters], start):
                yield number
            number = self._next[number]

    def hit(self, view: View, part_at: int, number: int) -> Hit | None:
        """The form of this number, whose part stands there, where it stands there whole."""
        form, data = self._texts[number], view.data
        start = part_at - self._part_starts[number]
        end = start + len(form)
        if start < 0 or not data.startswith(form, start) or _is_within_digits(data, start, end):
            return None
        first = max(0, start - self._befores[number])
        last = min(len(data), end + self._afters[number])
        return Hit(*view.source(first, last), self._secrets[number])


def _group(beginnings: Mapping[bytes, int]) -> tuple[Callable[..., list[Any]], list[int]]:
    """What begins with the same few letters: the search for beginnings of parts, and for each of these the
    number of a form."""
    automaton = BytesAhoCorasick(list(beginnings), implementation=Implementation.ContiguousNFA)
    return automaton.find_matches_as_indexes, list(beginnings.values())


class Matcher:
    """``words``: look for the words of well-known credentials too."""

    def __init__(
        self, forms: Iterable[tuple[Form, Secret]], *, words: bool = True, letters: int = LETTERS
    ) -> None:
        self._forms = _Forms(letters)
        grouped: list[dict[bytes, int]] = [{} for _ in range(len(BEGINNINGS) + 1)]
        alphabet = bytearray()
        for form, secret in forms:
            group, start = telling_part(form.text, letters)
            beginning = form.text[start : start + _SEARCHED]
            alike = grouped[group].get(beginning, -1)
            grouped[group][beginning] = self._forms.add(form, secret, start, alike)
            alphabet += form.text[start : start + letters]
        self._groups = [_group(beginnings) for beginnings in grouped if beginnings]
        # Of so few the library searches for several letters at once, where none hides another.
        self._words = BytesAhoCorasick(
            WORDS if words else (), matchkind=MatchKind.LeftmostLongest
        ).find_matches_as_indexes
        self._letters = letters
        self._glimpses = Glimpses(frozenset(alphabet), letters)

    def places(self, text: bytes) -> list[Place]:
        """Where parts of forms stand in the text as it is, and words, in their order."""
        found = [
            Place(start, start + self._letters, is_word=False) for start, _ in self._parts(text)
        ]
        found += [Place(start, end, is_word=True) for _number, start, end in self._words(text)]
        return sorted(found)

    def _parts(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Where parts stand in the text, and the numbers of their forms."""
        for find, numbers in self._groups:
            for place, start, _end in find(text, overlapping=True):
                for number in self._forms.parts_at(text, start, numbers[place]):
                    yield start, number

    def has_part(self, text: bytes) -> bool:
        """Whether a part of any form stands in the text as it is."""
        for _part in self._parts(text):
            return True
        return False

    def has_word(self, text: bytes) -> bool:
        """Whether a word of a well-known credential stands there."""
        return bool(self._words(text))

    def may_hold(self, text: bytes, *, words: bool) -> bool:
        """Whether a part of a form, or with ``words`` one of those, stands in the text as it is."""
        return self.has_part(text) or (words and self.has_word(text))

    def is_veiled(self, text: bytes, *, in_rows: bool = False) -> bool:
        """Whether a form may stand behind escapes. ``in_rows``: they are lines of JSON."""
        return any(map(self.has_part, self._glimpses.of(text, in_rows=in_rows)))

    def looks(self, text: bytes, *, in_rows: bool = False) -> Look:
        """What a text may hold, in whatever form; what is said not to be there is not."""
        return Look(self.has_part(text), self.is_veiled(text, in_rows=in_rows), self.has_word(text))

    def hits(self, text: bytes, *, veiled: bool = True) -> list[Hit]:
        """Every secret in ``text``, in every view of it, in the order of their places. ``veiled``: whether
        it is not known that none stands behind escapes."""
        plain = View(text)
        found = [self._forms.hit(plain, *part) for part in self._parts(text)]
        # A part without the others: escapes may stand between them.
        if None in found or (veiled and self.is_veiled(text)):
            for view in views(text):
                found += [self._forms.hit(view, *part) for part in self._parts(view.data)]
        hits = {(hit.start, hit.end): hit for hit in found if hit is not None}
        return sorted(hits.values(), key=lambda hit: (hit.start, -hit.end))


def _is_within_digits(data: bytes, start: int, end: int) -> bool:
    """A number inside of a longer one is another number."""
    if not data[start:end].isdigit():
        return False
    return data[max(0, start - 1) : start].isdigit() or data[end : end + 1].isdigit()


def common(secrets: Iterable[Secret]) -> Iterator[tuple[Form, Secret]]:
    return ((form, secret) for secret in secrets for form in common_forms(secret.value))


def rarer(secrets: Iterable[Secret]) -> Iterator[tuple[Form, Secret]]:
    return ((form, secret) for secret in secrets for form in rarer_forms(secret.value))
