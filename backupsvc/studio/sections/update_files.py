"""Photos and documents of updates. They name an asset, and the asset locates the file."""

from backups.registry import COMPLETE, section
from backups.wording import _
from backupsvc.studio.models import ProjectUpdateDocument, ProjectUpdatePhoto

section(
    ProjectUpdatePhoto,
    key="projectUpdatePhotos",
    group=_("Additional Complete Tables"),
    scopes={COMPLETE},
)

section(
    ProjectUpdateDocument,
    key="projectUpdateDocuments",
    group=_("Additional Complete Tables"),
    scopes={COMPLETE},
)
