"""Credentials that no column is known to hold, told by what they look like.

Each kind has words that every one of them has, so that one search for all words finds where to look closely.
"""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """``words``: one of them stands in every credential of this kind."""

    name: str
    words: tuple[bytes, ...]
    pattern: re.Pattern[bytes]


_WORD = rb"[A-Za-z0-9_-]"
KINDS = (
    Kind(
        "private_key",
        (b"PRIVATE KEY-----",),
        re.compile(
            rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:(?:(?!-----BEGIN)[^-]|-(?!----))*"
            rb"-----END [A-Z0-9 ]*PRIVATE KEY-----)?"
        ),
    ),
    Kind(
        "cloud_key",
        (b"AKIA", b"ASIA", b"AIza", b"sk_live_", b"ghp_", b"xoxb-", b"xoxp-"),
        re.compile(
            rb"(?<![A-Za-z0-9])(?:A[KS]IA[0-9A-Z]{16}(?![A-Za-z0-9])|AIza[0-9A-Za-z_-]{35}"
            rb"|sk_live_[0-9A-Za-z]{16,}|ghp_[0-9A-Za-z]{36}|xox[bp]-[0-9A-Za-z-]{20,})"
        ),
    ),
    Kind(
        "jwt",
        (b"eyJ",),
        re.compile(
            rb"(?<![A-Za-z0-9])eyJ" + _WORD + rb"{8,}\.eyJ" + _WORD + rb"{4,}\." + _WORD + rb"{8,}"
        ),
    ),
    Kind("bearer", (b"earer ", b"EARER "), re.compile(rb"(?i:bearer) +[A-Za-z0-9._~+/-]{20,}=*")),
    Kind(
        "signed_link",
        (b"X-Amz-Signature=", b"X-Goog-Signature=", b"Signature=", b"sig="),
        re.compile(
            rb"(?<=[?&;])(?:X-Amz-Signature|X-Goog-Signature|Signature|sig)=[A-Za-z0-9%+/=_-]{16,}"
        ),
    ),
)
NAMES = frozenset(kind.name for kind in KINDS)
WORDS = tuple(word for kind in KINDS for word in kind.words)


def count(text: bytes, found: Counter[str], kinds: Collection[Kind] = KINDS) -> None:
    """Add to ``found`` how many of each kind stand in ``text``. A token behind *Bearer* counts as that."""
    for kind in kinds:
        if number := sum(1 for _ in kind.pattern.finditer(text)):
            found[kind.name] += number


def spans(text: bytes) -> list[tuple[int, int, str]]:
    """Where each credential stands, and its kind."""
    return [(*found.span(), kind.name) for kind in KINDS for found in kind.pattern.finditer(text)]
