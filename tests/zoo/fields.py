"""A column of any PostgreSQL type, named by its declaration in SQL."""

from typing import Any

from django.db import models


class Typed(models.Field):
    """Holds what PostgreSQL prints; rows are written with SQL and not through the model."""

    def __init__(self, sql_type: str, **options: Any) -> None:
        self.sql_type = sql_type
        super().__init__(**options)

    def db_type(self, connection: Any) -> str:
        return self.sql_type

    def deconstruct(self) -> Any:
        name, path, arguments, options = super().deconstruct()
        return name, path, [self.sql_type, *arguments], options
