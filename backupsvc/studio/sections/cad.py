"""Plot settings.

The layout cache names drawings only to find its own entries again: that column locates no file.
"""

from backups.registry import COMPLETE, StoragePath, section
from backupsvc.studio.models import CadLayoutCache, CadPreferences, ProjectCadDefaults

section(
    CadPreferences,
    key="cadPreferences",
    group="CAD Preferences",
    scopes={COMPLETE},
    files=[StoragePath("ctb_dropbox_path")],
)

section(
    ProjectCadDefaults,
    key="projectCadDefaults",
    group="CAD Preferences",
    scopes={COMPLETE},
    files=[StoragePath("ctb_dropbox_path")],
)

section(
    CadLayoutCache,
    key="cadLayoutCache",
    group="CAD Preferences",
    scopes={COMPLETE},
)
