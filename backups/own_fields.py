"""Fields for what people and files say, in a database that does not have every letter.

What a plan says of a file, or the name of an uploaded one, may hold letters that an encoding such as LATIN1
lacks. The server would refuse the row, and a run could not even be told to have failed. So they are escaped.
"""

import codecs
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    _Text = models.TextField[str, str]
    _Document = models.JSONField[Any, Any]
else:
    _Text, _Document = models.TextField, models.JSONField

# Those of SQL_ASCII are any bytes; UTF8 has all letters.
_HAVE_ALL = ("UTF8", "SQL_ASCII")
# What Python calls otherwise: https://www.postgresql.org/docs/current/multibyte.html
_OTHERWISE = {"KOI8R": "koi8_r", "KOI8U": "koi8_u", "EUC_CN": "gb2312"}


class OwnTextField(_Text):
    """A TextField, and to migrations nothing else."""

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        prepared_value = super().get_db_prep_value(value, connection, prepared)
        codec = _codec(connection)
        return _written(prepared_value, codec) if codec else prepared_value

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs


class OwnJSONField(_Document):
    """A JSONField, and to migrations nothing else."""

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        codec = _codec(connection)
        return super().get_db_prep_value(
            _written(value, codec) if codec else value, connection, prepared
        )

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs


def _codec(connection: BaseDatabaseWrapper) -> str:
    """Python's name for the database's encoding; empty where that has all letters."""
    connection.ensure_connection()
    name = connection.connection.info.parameter_status("server_encoding") or "UTF8"
    return "" if name in _HAVE_ALL else codec_of(name)


def codec_of(encoding: str) -> str:
    """Of one that Python does not know, what each has."""
    try:
        return codecs.lookup(_OTHERWISE.get(encoding, encoding.replace("WIN", "cp"))).name
    except LookupError:
        return "ascii"


def _written(value: Any, codec: str) -> Any:
    if isinstance(value, str):
        return value.encode(codec, "backslashreplace").decode(codec)
    if isinstance(value, dict):
        return {_written(key, codec): _written(item, codec) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_written(item, codec) for item in value]
    return value
