"""What a restore needs of the project's settings, as Django system checks."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

from backups.findings import Finding, Severity
from backups.wording import _

MAINTENANCE = "restore.middleware.MaintenanceMiddleware"
# These ask for sessions or accounts, which a restore locks.
ASKING = (
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
)
HOLDING = "restore.mail.HoldingEmailBackend"


def check_settings(
    app_configs: Sequence[AppConfig] | None = None, **_: Any
) -> list[checks.CheckMessage]:
    """Each is a warning: without it restores work, and people or mail notice them."""
    return [
        checks.Warning(f.message, hint=f.hint, obj=None, id=f.code)
        for f in (*_maintenance(), *_mail())
    ]


def _maintenance() -> Iterator[Finding]:
    middleware = list(settings.MIDDLEWARE)
    if MAINTENANCE not in middleware:
        yield Finding(
            "restore.W001",
            Severity.WARNING,
            _(
                "MIDDLEWARE lacks MaintenanceMiddleware: during a restore, pages hang without a word."
            ),
            _('Add "{name}" before AuthenticationMiddleware.', name=MAINTENANCE),
        )
        return
    before = middleware[: middleware.index(MAINTENANCE)]
    early = [name for name in ASKING if name in before]
    if early:
        yield Finding(
            "restore.W002",
            Severity.WARNING,
            _(
                "MaintenanceMiddleware stands behind {name}, whose query waits for the restore.",
                name=early[0].rsplit(".", 1)[-1],
            ),
            _("Put it before whatever asks for the account."),
        )


def _mail() -> Iterator[Finding]:
    if settings.EMAIL_BACKEND != HOLDING:
        yield Finding(
            "restore.W003",
            Severity.WARNING,
            _("Mail is not held after another installation's file was restored."),
            _(
                'Set EMAIL_BACKEND = "{name}", and name the backend that sends in'
                " BACKUPS_EMAIL_BACKEND.",
                name=HOLDING,
            ),
        )


def register() -> None:
    checks.register(check_settings, "backups")
