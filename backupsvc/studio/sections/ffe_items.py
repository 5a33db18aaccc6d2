"""What the rooms list to buy."""

from backups.registry import COMPLETE, SAFE, section
from backups.wording import _
from backupsvc.studio.models import FFEItem, FFEItemStatus

section(
    FFEItem,
    key="ffeItems",
    group=_("Core Data"),
    scopes={SAFE, COMPLETE},
    safe_columns="id room name status supplier_link notes price lead_time category created_by "
    "updated_by created_at updated_at",
)

section(
    FFEItemStatus,
    key="ffeItemStatuses",
    group=_("Core Data"),
    scopes={SAFE, COMPLETE},
    safe_columns="id room item_id state selection_type is_custom_expanded sub_item_states "
    "custom_options standard_product notes confirmed_at created_at updated_at "
    "created_by updated_by",
)
