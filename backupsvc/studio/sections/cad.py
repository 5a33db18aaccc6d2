"""Plot settings.

The layout cache names drawings only to find its own entries again: that column locates no file.
"""

from backups.registry import COMPLETE, StoragePath, section
from backups.wording import _
from backupsvc.studio.models import CadLayoutCache, CadPreferences, ProjectCadDefaults

section(
    CadPreferences,
    key="cadPreferences",
    group=_("CAD Preferences"),
    scopes={COMPLETE},
    files=[StoragePath("ctb_dropbox_path")],
)

section(
    ProjectCadDefaults,
    key="projectCadDefaults",
    group=_("CAD Preferences"),
    scopes={COMPLETE},
    files=[StoragePath("ctb_dropbox_path")],
)

section(
    CadLayoutCache,
    key="cadLayoutCache",
    group=_("CAD Preferences"),
    scopes={COMPLETE},
)
