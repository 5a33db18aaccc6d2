"""The settings under test, of a project that asks its database while they are read."""

import os
from contextlib import closing

import psycopg2

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.ill_mannered"]
DATABASES["replica"] = dict(DATABASES["default"])

with closing(psycopg2.connect(os.environ["DATABASE_URL"])) as _connection:
    WHERE_THE_SETTINGS_WERE_READ = _connection.info.dbname
