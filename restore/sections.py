"""What the restore side never backs up, wherever it is installed."""

from backups.registry import exclude
from backups.wording import _
from restore.models import (
    FirstStart,
    OutgoingHold,
    PlanRun,
    Receipt,
    Rehearsal,
    RestoreRun,
    Upload,
)

exclude(RestoreRun, because=_("the list of restores; a restore must not change it"))
exclude(Rehearsal, because=_("the list of test restores; a restore must not change it"))
exclude(OutgoingHold, because=_("says whether mail is held here; a restore must not change it"))
exclude(Receipt, because=_("says which restores were committed; a restore must not change it"))
exclude(Upload, because=_("files that are being brought in; a restore must not change them"))
exclude(FirstStart, because=_("says that there is an account here; a restore must not change it"))
exclude(PlanRun, because=_("plans of restores; a restore must not change them"))
