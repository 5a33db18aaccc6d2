"""The studio alone, without the tests' own tables, and with a server for its files that live elsewhere:
for pictures."""

import os
from urllib.parse import urlsplit

from backupsvc.studio.demo import fileserver

# Programs that this one starts find the addresses in the environment.
if "STUDIO_DEMO_FILES_URL" not in os.environ:
    _server = fileserver.serve()
    os.environ["STUDIO_DEMO_FILES_URL"] = _server.address
    os.environ["BACKUPS_FETCH_INTERNAL_HOSTS"] = urlsplit(_server.address).netloc

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "tests.zoo"]
