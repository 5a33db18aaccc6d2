"""The settings under test: the application's own, in surroundings that no data lives in."""

from tests.isolation import isolate

isolate()

from backupsvc.settings import *  # noqa: E402, F403
from backupsvc.settings import DATABASES, INSTALLED_APPS, MIDDLEWARE  # noqa: E402

# One name for both: a program that a test starts reads the same address and finds the same rows.
DATABASES["default"]["TEST"] = {"NAME": DATABASES["default"]["NAME"]}
# Tests make many accounts and attack none.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# What is proven of writing is proven of every table, also of those that have the file's rows already. That
# these are left alone, by default, is proven by tests/restore/test_left_alone.py and batteries.
BACKUPS_LEAVE_EQUAL_TABLES = False

# Most tests ask for pages in a studio without accounts, which would lead them all to the first start.
MIDDLEWARE = [name for name in MIDDLEWARE if not name.endswith(".FirstStartMiddleware")]

# Tables as awkward as they get; see tests/zoo.
INSTALLED_APPS = [*INSTALLED_APPS, "tests.zoo"]
