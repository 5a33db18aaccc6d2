"""Very many secrets looked for at once, by the algorithm of Aho and Corasick.

Of each form the automata have a few letters alone, which makes them small and quickly built; where those
stand, a longer part is compared, then the whole form. Each automaton has what begins with one of three
letters that are seldom met: from one of these to the next its search skips (``forms.BEGINNINGS``). What is
made of hexadecimal digits is looked for in long runs of these alone, of which most texts have none.

No form is kept: a hundred thousand secrets have half a million. What is known of one is a number, that of its
secret and which of its forms it is; from these it is made again where it may stand.
"""

import functools
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from ahocorasick_rs import BytesAhoCorasick, Implementation, MatchKind

from backups.hunting.credentials import WORDS
from backups.hunting.forms import (
    BEGINNINGS,
    LETTERS,
    LONG_RUN,
    SEARCHED,
    Form,
    forms_of,
    is_run,
    may_have_long_run,
    runs,
    telling_part,
)
from backups.hunting.views import Glimpses, View, views

# What tells the forms of one secret from one another; those that are runs of digits from here on.
_FORM_BITS, _FIRST_RUN = 8, 128
# How far around an escape is looked: a long run of digits, and room for escapes within escapes.
_AROUND = LONG_RUN + 24
# Forms that are kept when they were made again: mails repeat links.
_KEPT = 16_384


class Secret(msgspec.Struct, frozen=True, gc=False):
    """``column`` is what its marker names, such as ``users.password``."""

    value: bytes
    column: str


class Hit(NamedTuple):
    """A secret in a text: where it stands there, escapes and all."""

    start: int
    end: int
    secret: Secret


class Look(NamedTuple):
    """``plain``: a form of a secret may be there; ``veiled``: behind escapes; ``word``: a credential."""

    plain: bool
    veiled: bool
    word: bool

    @property
    def secret(self) -> bool:
        return self.plain or self.veiled


# Where a part of a form begins and ends in a text, and the form's number; of a word of a credential ``WORD``.
# Plain, as there are very many.
Place = tuple[int, int, int]
WORD = -1


class _Part(NamedTuple):
    """A form, and the letters of it that are looked for. ``is_bare``: nothing of it is escaped in JSON, and
    no letter beside it holds bits of it."""

    form: Form
    start: int
    letters: bytes
    is_run: bool
    is_bare: bool
    is_number: bool

    def is_at(self, data: bytes, start: int) -> bool:
        """Whether the form stands there whole. A number inside of a longer one is another number."""
        end = start + len(self.form.text)
        given = data[start:end] if start >= 0 else b""
        if (given.lower() if self.is_run else given) != self.form.text:
            return False
        if not self.is_number:
            return True
        return not (data[max(0, start - 1) : start].isdigit() or data[end : end + 1].isdigit())


class _Forms:
    """The forms of all secrets by their numbers. ``rarer``: hexadecimal and base64 too."""

    def __init__(self, secrets: Sequence[Secret], *, rarer: bool) -> None:
        self._secrets = secrets
        self._rarer = rarer
        self.part = functools.lru_cache(maxsize=_KEPT)(self._part)

    def secret(self, number: int) -> Secret:
        return self._secrets[number >> _FORM_BITS]

    def _part(self, number: int) -> _Part:
        form, of_digits = self._form(number)
        text = form.text
        start = len(text) - LETTERS if of_digits else telling_part(text)[1]
        is_bare = not (form.before or form.after or b"\\" in text or b'"' in text)
        # Digits of a hexadecimal form are letters of a text, which goes on before and behind it.
        is_number = text.isdigit() and text == self.secret(number).value
        return _Part(form, start, text[start : start + LETTERS], of_digits, is_bare, is_number)

    def _form(self, number: int) -> tuple[Form, bool]:
        """The form, and whether it is a run of digits."""
        value = self.secret(number).value
        which = number % (1 << _FORM_BITS)
        # As it is comes first, and most often.
        if which in (0, _FIRST_RUN) and is_run(value) == (which == _FIRST_RUN):
            return (Form(value.lower()), True) if which else (Form(value), False)
        texts, digits = forms_of(value, rarer=self._rarer)
        if which < _FIRST_RUN:
            return texts[which], False
        return Form(digits[which - _FIRST_RUN]), True

    def parts_in(self, text: bytes, found: list[tuple[int, int]]) -> Iterator[Place]:
        """Those of the numbers whose part stands where its first letters do."""
        for start, number in found:
            letters = self.part(number).letters
            if text.startswith(letters, start):
                yield start, start + len(letters), number

    def hit(self, view: View, place: Place) -> Hit | None:
        """The form of which a part stands there, where it stands there whole."""
        number = place[2]
        part = self.part(number)
        start = place[0] - part.start
        if not part.is_at(view.data, start):
            return None
        form, before, after = part.form
        first, last = max(0, start - before), min(len(view.data), start + len(form) + after)
        return Hit(*view.source(first, last), self.secret(number))

    def bare_hit(self, text: bytes, place: Place) -> Hit | None:
        """The same of a form that nothing of is escaped, in a text as it is."""
        number = place[2]
        part = self.part(number)
        start = place[0] - part.start
        if not (part.is_bare and part.is_at(text, start)):
            return None
        return Hit(start, start + len(part.form.text), self.secret(number))


class _Automaton:
    """Letters, and for each of them the number of a form; made in one go."""

    def __init__(self) -> None:
        self._letters: list[bytes] = []
        self._numbers = array("Q")
        self._find: Callable[..., list[Any]] = lambda *_, **__: []

    def add(self, letters: bytes, number: int) -> None:
        self._letters.append(letters)
        self._numbers.append(number)

    def __bool__(self) -> bool:
        return bool(self._numbers)

    def build(self) -> None:
        automaton = BytesAhoCorasick(self._letters, implementation=Implementation.ContiguousNFA)
        self._find = automaton.find_matches_as_indexes
        self._letters = []

    def find(self, text: bytes) -> list[tuple[int, int]]:
        """Where letters stand, and the numbers."""
        found = self._find(text, overlapping=True)
        return [(start, self._numbers[which]) for which, start, _end in found] if found else found


class Matcher:
    """``rarer``: look for the rarer forms too; ``words``: for the words of well-known credentials."""

    def __init__(
        self, secrets: Sequence[Secret], *, rarer: bool = True, words: bool = True
    ) -> None:
        self._forms = _Forms(secrets, rarer=rarer)
        grouped = [_Automaton() for _ in range(len(BEGINNINGS) + 1)]
        self._runs = _Automaton()
        self._fill(secrets, grouped, rarer=rarer)
        self._groups = [group for group in grouped if group]
        for group in (*self._groups, self._runs):
            group.build()
        # Of so few the library searches for several letters at once, where none hides another.
        self._words = BytesAhoCorasick(
            WORDS if words else (), matchkind=MatchKind.LeftmostLongest
        ).find_matches_as_indexes

    def _fill(
        self, secrets: Sequence[Secret], grouped: Sequence[_Automaton], *, rarer: bool
    ) -> None:
        alphabet = bytearray()
        shortest, shortest_run = LETTERS, LONG_RUN
        # Few calls, as hundreds of thousands of forms pass.
        adding, add_run = [group.add for group in grouped], self._runs.add
        for index, secret in enumerate(secrets):
            texts, digits = forms_of(secret.value, rarer=rarer)
            number = index << _FORM_BITS
            for which, (text, _before, _after) in enumerate(texts, number):
                group, start = telling_part(text)
                letters = text[start : start + LETTERS]
                adding[group](letters[:SEARCHED], which)
                alphabet += letters
                if len(letters) < shortest:
                    shortest = len(letters)
            for which, run in enumerate(digits, number + _FIRST_RUN):
                add_run(run[-LETTERS:], which)
                if len(run) < shortest_run:
                    shortest_run = len(run)
        if self._runs:
            alphabet += b"0123456789abcdefABCDEF"
        self._has_short_runs = shortest_run < LONG_RUN
        self._glimpses = Glimpses(frozenset(alphabet), shortest=shortest, radius=_AROUND)

    def places(self, text: bytes) -> list[Place]:
        """Where parts of forms stand in the text as it is, and words, in their order."""
        found = [(start, end, WORD) for _number, start, end in self._words(text)]
        return sorted([*self._parts(text), *found])

    def _parts(self, text: bytes, *, is_glimpse: bool = False) -> Iterator[Place]:
        """``is_glimpse``: of longer runs there may be a piece only."""
        for group in self._groups:
            if found := group.find(text):
                yield from self._forms.parts_in(text, found)
        if self._runs and (is_glimpse or self._has_short_runs or may_have_long_run(text)):
            yield from self._in_runs(text)

    def _in_runs(self, text: bytes) -> Iterator[Place]:
        starts, pieces, size = [], [], 0
        spans = list(runs(text))
        if not spans:
            return
        for start, end in spans:
            starts.append(size)
            pieces.append(text[start:end])
            size += end - start + 1
        for place, number in self._runs.find(b" ".join(pieces).lower()):
            which = bisect_right(starts, place) - 1
            start = spans[which][0] + place - starts[which]
            yield start, start + LETTERS, number

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
        shown = self._glimpses.of(text, in_rows=in_rows)
        return bool(shown) and any(True for _part in self._parts(shown, is_glimpse=True))

    def may_hide(self, text: bytes, *, in_rows: bool = False) -> bool:
        """Whether a form of a secret may stand there, behind escapes or as it is."""
        return self.has_part(text) or self.is_veiled(text, in_rows=in_rows)

    def looks(self, text: bytes, *, in_rows: bool = False) -> Look:
        """What a text may hold, in whatever form; what is said not to be there is not."""
        return Look(self.has_part(text), self.is_veiled(text, in_rows=in_rows), self.has_word(text))

    def hits(self, text: bytes, *, veiled: bool = True) -> list[Hit]:
        """Every secret in ``text``, in every view of it, in the order of their places. ``veiled``: whether
        it is not known that none stands behind escapes."""
        plain = View(text)
        found = [self._forms.hit(plain, part) for part in self._parts(text)]
        # A part without the others: escapes may stand between them.
        if None in found or (veiled and self.is_veiled(text)):
            for view in views(text):
                found += [self._forms.hit(view, part) for part in self._parts(view.data)]
        return _in_order(hit for hit in found if hit is not None)

    def bare_hits(self, text: bytes, places: Iterable[Place]) -> list[Hit] | None:
        """The secrets whose parts stand at these places, in their order, where each stands there whole, in
        letters of its own that JSON escapes nowhere; else None."""
        found = []
        for place in places:
            hit = self._forms.bare_hit(text, place)
            if hit is None:
                return None
            found.append(hit)
        return _in_order(found)

    def spots(self, text: bytes) -> list[int]:
        """Where parts of forms begin in the text as it is, in their order."""
        return sorted(start for start, _end, _number in self._parts(text))


def _in_order(hits: Iterable[Hit]) -> list[Hit]:
    """One at each place: of secrets that are written alike the first."""
    distinct: dict[tuple[int, int], Hit] = {}
    for hit in hits:
        distinct.setdefault((hit.start, hit.end), hit)
    return sorted(distinct.values(), key=lambda hit: (hit.start, -hit.end))
