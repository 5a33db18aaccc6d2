"""What the restore side never backs up, wherever it is installed."""

from backups.registry import exclude
from restore.models import Receipt, RestoreRun

exclude(RestoreRun, because="the list of restores; a restore must not change it")
exclude(Receipt, because="says which restores were committed; a restore must not change it")
