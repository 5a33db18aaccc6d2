"""The studio with django-dbbackup in it, for the one contender that needs it."""

from backupsvc.settings import *  # noqa: F403
from backupsvc.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "dbbackup"]
