"""PostgreSQL's backend, which says what is missing instead of connecting. Django loads it by this name.

The settings name it where DATABASE_URL is not set: a script that calls ``django.setup()`` by itself would
else be told that nobody listens on some port.
"""

from typing import Any, NoReturn

from django.db.backends.postgresql import base

MISSING = (
    "DATABASE_URL is not set, so there is no database to connect to. Run this through manage.py (a script by"
    " `manage.py shell < script.py`), which starts private servers where no address is set; or call"
    " backupsvc.embedded.ensure() before django.setup(); or set DATABASE_URL and REDIS_URL."
)


class DatabaseWrapper(base.DatabaseWrapper):
    """Whatever needs no connection works."""

    def get_new_connection(self, conn_params: Any) -> NoReturn:
        raise self.Database.OperationalError(MISSING)
