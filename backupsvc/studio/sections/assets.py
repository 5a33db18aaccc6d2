"""Assets: where every file is. A LINK is a page, not a file."""

from backups.registry import COMPLETE, NULL, SAFE, Address, Omit, section
from backups.wording import _
from backupsvc.studio.models import Asset

section(
    Asset,
    key="assets",
    group=_("Assets & Files"),
    scopes={SAFE, COMPLETE},
    safe_columns="id title filename url type size mime_type provider metadata description "
    "user_description uploaded_by org_id project room stage section ffe_item approval "
    "comment_id created_at updated_at",
    redact={"rendering_version": Omit(refill=NULL), "drawing_checklist_item": Omit(refill=NULL)},
    files=[Address("url", unless={"type": "LINK"})],
)
