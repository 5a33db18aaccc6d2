"""What Django makes by itself out of the installed models, made again after a Complete restore.

A file of before an app was installed lacks its content types and permissions.
"""

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS

from backups.registry import registry
from restore.services.asking import remembered


def make_again(written: set[str], using: str = DEFAULT_DB_ALIAS) -> None:
    """Content types and permissions of every installed model; those that are there stay as they are.

    ``written``: the names of the tables of the restore. Where those of Django are not among them, nothing
    is made.
    """
    tables = {s.model._meta.label for s in registry.of_framework if s.table in written}
    if tables:
        remembered.forget()
    if "contenttypes.ContentType" in tables:
        _make(using, permissions="auth.Permission" in tables)


def _make(using: str, *, permissions: bool) -> None:
    from django.contrib.contenttypes.management import create_contenttypes

    for config in apps.get_app_configs():
        create_contenttypes(config, verbosity=0, using=using)
    if not permissions:
        return
    from django.contrib.auth.management import create_permissions

    for config in apps.get_app_configs():
        create_permissions(config, verbosity=0, using=using)
