"""Photos and documents of updates. They name an asset, and the asset locates the file."""

from backups.registry import COMPLETE, section
from backupsvc.studio.models import ProjectUpdateDocument, ProjectUpdatePhoto

section(
    ProjectUpdatePhoto,
    key="projectUpdatePhotos",
    group="Additional Complete Tables",
    scopes={COMPLETE},
)

section(
    ProjectUpdateDocument,
    key="projectUpdateDocuments",
    group="Additional Complete Tables",
    scopes={COMPLETE},
)
