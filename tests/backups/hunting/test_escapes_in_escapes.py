"""What any view of a text shows, its glimpses show too: else a form behind many escapes would pass unseen."""

import json
import random
import time

import pytest

from backups.hunting.matcher import Matcher, Secret
from backups.hunting.views import views
from tests.hunting_forms import FORMS

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
DIGITS = "0123456789abcdef"
ESCAPES = (
    *("%{:02X}", "%{:02x}", "%u{:04x}", "&#{};", "&#0{};", "&#x{:x};", "&#x{:02X};", "&amp;#{};"),
    *(r"\u{:04x}", r"\u{:04X}", r"\x{:02x}", r"\\u{:04X}", "={:02X}"),
)
BREAKS = (
    *(
        "\n",
        "\r\n",
        r"\n",
        r"\r\n",
        r"\\n",
        "%0A",
        "%0D%0A",
        "%0A%20",
        "&#10;",
        "=\r\n",
        "=\n",
        r"=\n",
    ),
    *("\n  ", "\n> ", r"\n\t", r"\u000a", r"\n%3E "),
)
ENDS = (" and", "&x=1", '\\"}', "<br>")


def written(chance: random.Random, value: str) -> str:
    """The value in some form, some of its letters escaped, escapes too, and lines broken."""
    forms = ("raw", "base64, place 0", "base64, place 1", "hexadecimal", "hexadecimal, upper")
    text = FORMS[chance.choice(forms)](value)
    for _layer in range(chance.randrange(4)):
        if chance.random() < 0.3:
            place = chance.randrange(2, len(text) - 2)
            text = text[:place] + chance.choice(BREAKS) + text[place:]
        share = chance.choice([0.02, 0.05, 0.2, 1.0])
        text = "".join(
            chance.choice(ESCAPES).format(ord(letter)) if chance.random() < share else letter
            for letter in text
        )
    return f"see x={text}{chance.choice(ENDS)}"


def unseen(seed: int) -> list[str]:
    """The texts in which a view shows a secret, and that are passed over."""
    chance = random.Random(seed)
    missed, shown = [], 0
    for size, letters in ((9, LETTERS), (16, LETTERS), (16, DIGITS), (43, LETTERS)):
        value = "".join(chance.choices(letters, k=size))
        matcher = Matcher([Secret(value.encode(), "people.c0")])
        for text in [written(chance, value) for _ in range(25)]:
            data = text.encode()
            if not any(matcher.hits(view.data, veiled=False) for view in views(data)):
                continue
            shown += 1
            if not matcher.may_hide(data):
                missed.append(text)
    assert shown > 40
    return missed


@pytest.mark.parametrize("seed", range(4))
def test_nothing_that_a_view_shows_is_passed_over(seed):
    assert unseen(seed) == []


def test_looking_too_little_around_escapes_would_pass_some_over(
    monkeypatch,
):
    monkeypatch.setattr("backups.hunting.matcher._AROUND", 4)
    assert any(unseen(seed) for seed in range(4))


RUNS = {
    "backslashes": "ab" + "\\" * 30_000 + "z",
    "ends of lines": "ab" + "\\r" * 15_000,
    "noughts": "&#" + "0" * 30_000,
    "numbers cut short": "\\u00" * 8_000,
    "ampersands": "&" + "amp;" * 8_000,
    "blanks": "=" + " " * 30_000,
    "words of a header": "?=\n" * 10_000,
}


@pytest.mark.parametrize("run", RUNS)
def test_no_text_takes_a_time_that_grows_with_its_square(run):
    """Else whoever writes it into a message holds up every Safe backup; 30,000 backslashes took a minute."""
    matcher = Matcher([Secret(b"Zx9Qm4rTvB7kLw2pN8sHd5jF3", "people.c0")])
    began = time.process_time()
    for text in (RUNS[run], json.dumps([RUNS[run]]), json.dumps(json.dumps(RUNS[run]))):
        assert not matcher.hits(text.encode())
        assert not matcher.is_veiled(text.encode(), in_rows=True)
    assert time.process_time() - began < 3
