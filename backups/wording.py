"""Sentences that can be shown in another language later. No Django in here.

An error or a finding is said in one process and read in another, perhaps days later by somebody with
another language. So its sentence is a plain English string, for logs, commands and JSON, that remembers
what it was made of. ``backups.translating`` says it in the language of whoever looks.

``_`` and ``ngettext`` have the names by which ``makemessages`` finds their templates, which therefore
stand in the call as they are. Placeholders have names: ``_("The table {table} is empty.", table=name)``.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Self


class Sentence(str):
    """English, and what it was made of. ``template`` is empty where that is not known, as of a text that
    was stored before there were templates.

    ``plural`` is the template for other numbers than one, empty where there is no number; the number is
    then the parameter ``n``. A parameter is a number, a sentence, or a name that is never translated.
    """

    template: str = ""
    plural: str = ""
    params: Mapping[str, str | int] = MappingProxyType({})

    @classmethod
    def made_of(cls, template: str, plural: str, params: Mapping[str, str | int]) -> Self:
        chosen = plural if plural and params["n"] != 1 else template
        return cls(filled(chosen, params, _in_english))._remembering(template, plural, params)

    @classmethod
    def of(cls, plain: Mapping[str, Any] | None, *, otherwise: str = "") -> Self:
        """From what ``as_plain`` made; where nothing was kept, the words ``otherwise``."""
        if not plain:
            return cls(otherwise)
        params = {k: cls.of(v) if isinstance(v, dict) else v for k, v in plain["params"].items()}
        return cls.made_of(plain["template"], plain.get("plural", ""), params)

    def as_plain(self) -> dict[str, Any]:
        """What it was made of, for JSON; empty where that is not known."""
        if not self.template:
            return {}
        params = {k: _plain(v) for k, v in self.params.items()}
        plural = {"plural": self.plural} if self.plural else {}
        return {"template": self.template, **plural, "params": params}

    def _remembering(self, template: str, plural: str, params: Mapping[str, str | int]) -> Self:
        self.template, self.plural, self.params = template, plural, params
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (str(self), self.template, self.plural, dict(self.params)))

    def __deepcopy__(self, memo: object) -> Self:
        return self


def _(template: str, /, **params: str | int) -> Sentence:
    """A sentence. Numbers get separators between thousands."""
    return Sentence.made_of(template, "", params)


def ngettext(singular: str, plural: str, n: int, /, **params: str | int) -> Sentence:
    """A sentence with the number ``{n}`` in it, which decides the form."""
    return Sentence.made_of(singular, plural, {**params, "n": n})


def words_of(**said: Sentence) -> dict[str, Any]:
    """What each of these was made of, for JSON."""
    return {name: text.as_plain() for name, text in said.items()}


def filled(template: str, params: Mapping[str, str | int], show: Callable[[str | int], str]) -> str:
    """The template with each parameter in its place, as ``show`` puts it."""
    return template.format_map({name: show(value) for name, value in params.items()})


def _in_english(value: str | int) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _plain(value: str | int) -> Any:
    if isinstance(value, Sentence):
        return value.as_plain() or str(value)
    return value


def _rebuild(text: str, template: str, plural: str, params: Mapping[str, str | int]) -> Sentence:
    return Sentence(text)._remembering(template, plural, params)


EMPTY = Sentence()
