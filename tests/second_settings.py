"""The settings of a second installation: as those under test, with the page that a new one opens with."""

from backupsvc import settings as _studio
from tests.settings import *  # noqa: F403

MIDDLEWARE = _studio.MIDDLEWARE
