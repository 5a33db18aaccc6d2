"""Languages that are made up: one that marks all it translates, and ones of a few sentences."""

import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from unittest import mock

from django.conf import settings
from django.template.loader import get_template
from django.test import override_settings
from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import trans_real

from backups.registry import registry

# One that Django knows, so that it may be asked for; nobody here reads it.
MARKED = "eo"
OPEN, CLOSE = "⟦", "⟧"
_PLACEHOLDER = re.compile(r"%\(\w+\)[sdf]|%[sdf]|\{\w+(?:![rs])?\}")


class _Marking:
    """Puts all that a catalogue translates into brackets, and what is filled in outside of them."""

    def gettext(self, message: str) -> str:
        said = message.rsplit(trans_real.CONTEXT_SEPARATOR, 1)[-1]
        return OPEN + _PLACEHOLDER.sub(rf"{CLOSE}\g<0>{OPEN}", said) + CLOSE

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        return self.gettext(singular if n == 1 else plural)

    def language(self) -> str:
        return MARKED

    def to_language(self) -> str:
        return MARKED


@contextmanager
def marked_language() -> Iterator[None]:
    """Let everything be said in the language of brackets, requests of a test's browser included."""
    with (
        mock.patch.dict(trans_real._translations, {MARKED: _Marking()}),
        override_settings(LANGUAGE_CODE=MARKED),
        # Whatever a request made active meanwhile goes with it.
        translation.override(MARKED),
    ):
        yield


# What has no translation: the heading of the tests' own tables, names of formats, and words that are
# typed as they are.
FIXED = {"Zoo", "SHA-256", ".json", ".json.zst", "REPLACE ALL DATA"}
# Of a run, or a digest, or the beginning of either; or the key of an account.
_NUMBER_OF_A_RUN = "[0-9a-f]{12,64}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
SPOKEN = ("aria-label", "title", "placeholder", "alt", "label", "data-announce", "data-label")
_UNSPOKEN = ("script", "style", "code", "time", "svg")


class _Spoken(HTMLParser):
    """What a page says: its text in one string, and each attribute that is shown or read out."""

    def __init__(self) -> None:
        super().__init__()
        self.texts = [""]
        self._inside = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self._inside += tag in _UNSPOKEN
        self.texts[0] += "\n"
        values = dict(attributes)
        for name, value in values.items():
            if value and (name in SPOKEN or name.startswith("data-text")):
                self.texts.append(value)
        if tag == "input" and values.get("type") in ("submit", "button", "reset"):
            self.texts.append(values.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        self._inside -= tag in _UNSPOKEN
        self.texts[0] += "\n"

    def handle_data(self, text: str) -> None:
        # A translation may hold tags, so brackets are looked for in the whole text.
        self.texts[0] += "" if self._inside else text


def untranslated(page: str, known: set[str], in_text: Iterable[str] = ()) -> list[str]:
    """What a page in the language ``MARKED`` says outside of brackets, but for numbers, signs, what a
    script fills in, and what is ``known``: names, addresses and codes, whole words only. What is known
    ``in_text`` is not in attributes: tables may be called as a heading is.
    """
    spoken = _Spoken()
    spoken.feed(page)
    text, *attributes = spoken.texts
    left = _left(text, known.union(in_text))
    return left + [words for value in attributes for words in _left(value, known)]


def _left(text: str, known: set[str]) -> list[str]:
    names = "|".join(re.escape(name) for name in sorted(known | FIXED, key=len, reverse=True))
    data = re.compile(rf"(?<!\w)(?:{names}|{_NUMBER_OF_A_RUN})(?!\w)")
    rest = data.sub("", _PLACEHOLDER.sub("", _unbracketed(text)))
    return [words.strip() for words in rest.split("\n") if re.search(r"[^\W\d_]", words)]


def names_of_tables() -> set[str]:
    """Every word for a table that pages show: they are the application's own."""
    found: set[str] = set()
    for section in registry.sections:
        meta = section.model._meta
        found |= {section.key, section.table, meta.object_name or ""}
        found.add(capfirst(str(meta.verbose_name_plural)))
    return found


def _unbracketed(text: str) -> str:
    return re.sub(rf"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}", "\n", text)


@contextmanager
def changed_template(name: str, before: str, after: str, folder: Path) -> Iterator[None]:
    """Let a template have ``after`` in place of ``before``; the copy lies below ``folder``."""
    original = Path(get_template(name).origin.name).read_text(encoding="utf-8")
    assert before in original
    copy = folder / name
    copy.parent.mkdir(parents=True)
    copy.write_text(original.replace(before, after), encoding="utf-8")
    engine: dict[str, Any] = settings.TEMPLATES[0]
    with override_settings(TEMPLATES=[engine | {"DIRS": [folder, *engine["DIRS"]]}]):
        yield


def write_catalogue(folder: Path, language: str, sentences: Mapping[str, str]) -> None:
    """A compiled catalogue below ``folder``, as msgfmt would write it. Plural forms stand together,
    with NUL between them, in the original as in the translation."""
    head = "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n != 1);\n"
    pairs = sorted((k.encode(), v.encode()) for k, v in ({"": head} | dict(sentences)).items())
    start = 7 * 4 + 16 * len(pairs)
    keys, values, body = b"", b"", b""
    for key, _value in pairs:
        keys += struct.pack("<II", len(key), start + len(body))
        body += key + b"\0"
    for _key, value in pairs:
        values += struct.pack("<II", len(value), start + len(body))
        body += value + b"\0"
    count = len(pairs)
    tables = (28, 28 + 8 * count, 0, 0)
    target = folder / language / "LC_MESSAGES" / "django.mo"
    target.parent.mkdir(parents=True)
    target.write_bytes(
        struct.pack("<IIIIIII", 0x950412DE, 0, count, *tables) + keys + values + body
    )
