"""Projects and rooms. Room sections are in Complete backups only: a Safe file names none."""

from backups.registry import COMPLETE, NULL, SAFE, JsonAddress, Omit, section
from backups.wording import _
from backupsvc.studio.models import Project, Room

section(
    Project,
    key="projects",
    group=_("Core Data"),
    scopes={SAFE, COMPLETE},
    safe_columns="id name description type status client due_date budget dropbox_folder org "
    "created_by updated_by created_at updated_at cover_images address street_address "
    "city postal_code has_floorplan_approval has_spec_book has_project_updates",
    files=[JsonAddress("cover_images", path="$[*]", ids_of="studio.Asset")],
)

section(
    Room,
    key="rooms",
    group=_("Core Data"),
    scopes={SAFE, COMPLETE},
    safe_columns="id project type name order status current_stage progress_ffe created_by "
    "updated_by created_at updated_at",
    redact={"section": Omit(refill=NULL)},
)
