"""Sentences in the language of whoever looks."""

from django.utils import formats
from django.utils.translation import gettext, ngettext

from backups.errors import BackupSystemError
from backups.wording import Sentence, filled


def translated(text: str) -> str:
    """The sentence in the active language; English where there is no translation, or a faulty one.

    A text that is no sentence, such as one that was stored before there were any, stays as it is.
    """
    if not isinstance(text, Sentence) or not text.template:
        return str(text)
    try:
        return filled(_template(text), text.params, _shown)
    except (LookupError, ValueError, AttributeError):
        return str(text)


def message_and_hint(error: BackupSystemError) -> str:
    """What went wrong and what to do, in one line."""
    return f"{translated(error.message)} {translated(error.hint)}"


def refusal_of(error: BackupSystemError) -> str:
    """The same with the code, by which it is found in docs/errors.md."""
    return gettext("%(said)s (Code: %(code)s)") % {
        "said": message_and_hint(error),
        "code": error.code,
    }


def _template(text: Sentence) -> str:
    if text.plural:
        return ngettext(text.template, text.plural, int(text.params["n"]))
    return gettext(text.template)


def _shown(value: str | int) -> str:
    if isinstance(value, int):
        return formats.number_format(value, force_grouping=True)
    return translated(value)
