"""The registry's rules as Django system checks, and the live database's under ``--database``.

In ``migrate``, and wherever migrations wait to be applied, the latter only warn: the migration that mends
the database could not run otherwise.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core import checks
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.models import Model
from django.urls import NoReverseMatch, reverse

from backups import conf, second_factor
from backups.database import introspection
from backups.database.connection import connected
from backups.findings import Finding, Severity
from backups.registry import registry
from backups.registry.checks import check_registry
from backups.registry.registry import models_with_tables
from backups.services import coverage, outside
from backups.wording import _

JSON_SERIALIZER = "rq.serializers.JSONSerializer"


def check_declarations(
    app_configs: Sequence[AppConfig] | None = None, **_: Any
) -> list[checks.CheckMessage]:
    """Every finding on the declarations, whatever apps were asked for: forgetting is global."""
    return [_message(f) for f in check_registry(registry, models_with_tables())]


def check_surroundings(
    app_configs: Sequence[AppConfig] | None = None, **_: Any
) -> list[checks.CheckMessage]:
    """What the settings make of folders and queue."""
    return [
        _message(f)
        for f in (*_folders(), *_queue(), *_routed(), *_uncommitted(), *_second_factor())
    ]


def check_pages(
    app_configs: Sequence[AppConfig] | None = None, **_: Any
) -> list[checks.CheckMessage]:
    """Whether the pages have addresses. Apart from the others, as it loads every page of the project."""
    return [_message(f) for f in _pages()]


def check_database(
    app_configs: Sequence[AppConfig] | None = None,
    databases: Sequence[str] | None = None,
    **_: Any,
) -> list[checks.CheckMessage]:
    """Every table and column of the live database that no model owns, and the other way round. Of the one
    that backups read: others of the project may be of any kind and hold whatever they like."""
    found: list[checks.CheckMessage] = []
    for alias in {*(databases or ())} & {DEFAULT_DB_ALIAS}:
        with connected(alias, purpose="check") as connection:
            tables = introspection.live_tables(connection)
            outsiders = outside.look_outside(connection, tables)
        drift = coverage.drift(registry, tables, outsiders)
        migrating = bool(drift) and is_migrating()
        if migrating:
            # What the database lacks is what migrate is about to bring.
            drift = [finding for finding in drift if finding.code != "backups.E103"]
        soften = migrating or (bool(drift) and has_unapplied_migrations(alias))
        found += [_message(finding, soften=soften) for finding in drift]
    return found


def has_unapplied_migrations(alias: str) -> bool:
    from django.db.migrations.executor import MigrationExecutor  # slow to load, and rarely needed

    executor = MigrationExecutor(connections[alias])
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def is_migrating() -> bool:
    """Whether Django's ``migrate``, or another app's version of it, called this.

    Django tells its checks who runs them in no other way, and a command of ours by that name would
    shadow other apps' commands and be shadowed by them.
    """
    from django.core.management.commands.migrate import Command

    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        if isinstance(frame.f_locals.get("self"), Command):
            return True
    return False


def _folders() -> Iterator[Finding]:
    """Nothing private may lie where a web server hands files out."""
    private = {"BACKUPS_ROOT": conf.root(), "BACKUPS_KEY_FILE": conf.key_file()}
    for name, path in private.items():
        for setting, folder in _served():
            if path.resolve().is_relative_to(folder):
                yield Finding(
                    "backups.E017",
                    Severity.ERROR,
                    _("{name} lies inside {setting}.", name=name, setting=setting),
                    _("Name a place that no web server hands out files from."),
                )


def _served() -> Iterator[tuple[str, Path]]:
    folders = [(name, getattr(settings, name, None)) for name in ("MEDIA_ROOT", "STATIC_ROOT")]
    folders += [("STATICFILES_DIRS", f) for f in getattr(settings, "STATICFILES_DIRS", ())]
    for alias, storage in getattr(settings, "STORAGES", {}).items():
        folders.append((f"STORAGES[{alias!r}]", storage.get("OPTIONS", {}).get("location")))
    for name, folder in folders:
        if isinstance(folder, tuple | list):  # a prefix, and the folder
            folder = folder[-1]
        if folder:
            yield name, Path(folder).resolve()


def _queue() -> Iterator[Finding]:
    """Commands need no queue; pages do, and other workers than ours must not take our jobs."""
    name = conf.queue()
    if name not in conf.queues():
        yield Finding(
            "backups.W003",
            Severity.WARNING,
            _("There is no queue {name!r}, so nothing can be started from the pages.", name=name),
            _(
                'Add it to RQ_QUEUES: {{"URL": "redis://…", "SERIALIZER": "{json}"}}.',
                json=JSON_SERIALIZER,
            ),
        )
    elif conf.queues()[name].get("SERIALIZER") not in (JSON_SERIALIZER, "json", *_json_class()):
        yield Finding(
            "backups.W004",
            Severity.WARNING,
            _(
                "The queue {name!r} is not declared to hold JSON, so only `backup_worker` can read it.",
                name=name,
            ),
            _('Give it "SERIALIZER": "{json}" in RQ_QUEUES.', json=JSON_SERIALIZER),
        )


def _routed() -> Iterator[Finding]:
    """Backups read one database, and keep their own rows there: a restore says in one transaction that it was
    done."""
    own = [m for app in ("backups", "restore") for m in _models_of(app)]
    asked = (router.db_for_read, router.db_for_write)
    for model in own:
        if any(ask(model) != DEFAULT_DB_ALIAS for ask in asked):
            yield Finding(
                "backups.E023",
                Severity.ERROR,
                _("DATABASE_ROUTERS sends {model} to another database.", model=model._meta.label),
                _("Let the routers answer None for the apps backups and restore, for reading too."),
                table=model._meta.db_table,
            )
    for section in registry.sections:
        if router.db_for_write(section.model) != DEFAULT_DB_ALIAS:
            yield Finding(
                "backups.E024",
                Severity.ERROR,
                _(
                    "DATABASE_ROUTERS sends {model} to another database, which no backup reads.",
                    model=section.model._meta.label,
                ),
                _(
                    "Exclude the model, saying what backs it up, or keep it in the default database."
                ),
                table=section.table,
            )


def _uncommitted() -> Iterator[Finding]:
    """Where the application ends each transaction itself, nothing that is written of a run would last."""
    if not connections[DEFAULT_DB_ALIAS].settings_dict.get("AUTOCOMMIT", True):
        yield Finding(
            "backups.E025",
            Severity.ERROR,
            _("AUTOCOMMIT is switched off for the default database."),
            _("Remove AUTOCOMMIT from DATABASES; use transaction.atomic() in the application."),
        )


def _models_of(app: str) -> list[type[Model]]:
    return [*apps.get_app_config(app).get_models()] if apps.is_installed(app) else []


def _second_factor() -> Iterator[Finding]:
    """Where it is obligatory and cannot be had, nobody could do anything any more."""
    if conf.second_factor_required() and not second_factor.is_there():
        yield Finding(
            "backups.E029",
            Severity.ERROR,
            _("BACKUPS_SECOND_FACTOR_REQUIRED is set, and django_otp is not in INSTALLED_APPS."),
            _(
                "Install backupsvc[otp] and add django_otp with a plugin for devices, or take the setting"
                " back; see docs/installing.md."
            ),
        )


def _json_class() -> tuple[type, ...]:
    """RQ's class itself, where somebody has loaded it to name it in the settings."""
    loaded = sys.modules.get("rq.serializers")
    return (loaded.JSONSerializer,) if loaded else ()


def _pages() -> Iterator[Finding]:
    if not getattr(settings, "ROOT_URLCONF", None):
        return
    try:
        reverse("admin:backups_backuprun_changelist")
    except NoReverseMatch:
        yield Finding(
            "backups.W005",
            Severity.WARNING,
            _("The pages of the backups have no address: they hang below Django's admin."),
            _(
                "Add path('admin/', admin.site.urls); on an AdminSite of your own, register"
                " BackupRun with backups.admin.BackupRunAdmin, and so for restore.admin."
            ),
        )


def _message(finding: Finding, *, soften: bool = False) -> checks.CheckMessage:
    kind = checks.Warning if soften or finding.severity is not Severity.ERROR else checks.Error
    return kind(finding.message, hint=finding.hint, obj=finding.table or None, id=finding.code)


def register() -> None:
    checks.register(check_declarations, "backups")
    checks.register(check_surroundings, "backups")
    checks.register(check_pages, checks.Tags.urls)
    checks.register(check_database, checks.Tags.database)
