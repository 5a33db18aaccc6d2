"""Which database a restore would overwrite: so that who has two windows open sees which server it is."""

from typing import Any

from django.db import connections

from backups.services import installation
from restore.plan import Overwritten


def overwritten() -> Overwritten:
    """The database that this process works on."""
    default = connections["default"]
    default.ensure_connection()
    return overwritten_by(default.connection.info)


def overwritten_by(info: Any) -> Overwritten:
    """The same of one connection. ``info`` is the driver's own, which knows what services, environment and
    defaults came to; the folder of a socket is nobody's business."""
    host = "" if not info.host or info.host.startswith(("/", "@")) else info.host
    return Overwritten(info.dbname, host, info.port, installation.name())
