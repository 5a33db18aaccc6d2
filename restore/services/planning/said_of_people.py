"""What people lose by a restore, in sentences: of what they have here, and of what the file gives them."""

from collections.abc import Callable, Mapping
from typing import Any

from backups.wording import Sentence, ngettext
from restore.plan import Lost, Of

_SAID: dict[tuple[Of, Lost], Callable[[int], Sentence]] = {
    (Of.NOW, Lost.ACCOUNT): lambda n: ngettext(
        "{n} account that is here now goes.", "{n} accounts that are here now go.", n
    ),
    (Of.NOW, Lost.ROLE): lambda n: ngettext(
        "{n} account loses the role that it has here.",
        "{n} accounts lose the role that they have here.",
        n,
    ),
    (Of.NOW, Lost.APPROVAL): lambda n: ngettext(
        "{n} account loses its approval and cannot sign in.",
        "{n} accounts lose their approval and cannot sign in.",
        n,
    ),
    (Of.NOW, Lost.PASSWORD): lambda n: ngettext(
        "{n} account loses its password and gets in by a reset only.",
        "{n} accounts lose their password and get in by a reset only.",
        n,
    ),
    (Of.FILE, Lost.ROLE): lambda n: ngettext(
        "{n} account does not get the role that the file gives it.",
        "{n} accounts do not get the role that the file gives them.",
        n,
    ),
    (Of.FILE, Lost.APPROVAL): lambda n: ngettext(
        "{n} account does not get the approval that the file gives it.",
        "{n} accounts do not get the approval that the file gives them.",
        n,
    ),
    (Of.FILE, Lost.PASSWORD): lambda n: ngettext(
        "{n} account does not get the password that the file has for it.",
        "{n} accounts do not get the password that the file has for them.",
        n,
    ),
}


def in_words(lost: Mapping[str, Any] | None, *of: Of) -> list[Sentence]:
    """A sentence for each kind of loss that ``AccountsPlan.lost`` counts, those of now first; ``of`` leaves
    the others out. Empty where nobody loses anything, or nobody counted."""
    counted = lost or {}
    return [
        say(counted[where][what])
        for (where, what), say in _SAID.items()
        if where in (of or Of) and counted.get(where, {}).get(what)
    ]
