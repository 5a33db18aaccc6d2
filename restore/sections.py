"""What the restore side never backs up, wherever it is installed."""

from backups.registry import exclude
from restore.models import OutgoingHold, PlanRun, Receipt, Rehearsal, RestoreRun, Upload

exclude(RestoreRun, because="the list of restores; a restore must not change it")
exclude(Rehearsal, because="the list of test restores; a restore must not change it")
exclude(OutgoingHold, because="says whether mail is held here; a restore must not change it")
exclude(Receipt, because="says which restores were committed; a restore must not change it")
exclude(Upload, because="files that are being brought in; a restore must not change them")
exclude(PlanRun, because="plans of restores; a restore must not change them")
