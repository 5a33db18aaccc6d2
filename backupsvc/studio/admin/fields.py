"""Form fields that take a text or a list exactly as it is."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError


class ExactTextField(forms.CharField):
    """A text with its blanks. Line ends become those of the database: browsers send CRLF."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, **options)

    def to_python(self, value: Any) -> Any:
        return _with_unix_line_ends(super().to_python(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(_with_unix_line_ends(initial), data)


def _with_unix_line_ends(text: Any) -> Any:
    return text.replace("\r\n", "\n") if isinstance(text, str) else text


class DocumentField(forms.JSONField):
    """A JSON document. An empty list or object is one, and no reason to ask again."""

    empty_values = [None, ""]


class TextListField(forms.JSONField):
    """A list of texts, as JSON: a comma may stand in a text, so commas cannot part them."""

    default_error_messages = {"not_texts": 'Enter a list of texts, such as ["one", "two"].'}

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, list):
            return json.dumps(value, ensure_ascii=False)
        return super().prepare_value(value)

    def to_python(self, value: Any) -> Any:
        texts = super().to_python(value)
        if texts is None:
            return []
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValidationError(self.error_messages["not_texts"], code="not_texts")
        return texts
