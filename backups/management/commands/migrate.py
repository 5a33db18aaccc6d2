"""Django's ``migrate``, in which a database that the registry does not cover is only a warning."""

from typing import Any

from django.core.management.commands.migrate import Command as DjangoMigrate

from backups.checks import as_warnings


class Command(DjangoMigrate):
    def check(self, *args: Any, **options: Any) -> None:
        with as_warnings():
            super().check(*args, **options)
