"""Templates at work in rooms."""

from backups.registry import COMPLETE, JsonAddress, section
from backups.wording import _
from backupsvc.studio.models import FFESectionLibrary, RoomFFEInstance, RoomFFEItem, RoomFFESection

section(
    RoomFFEInstance,
    key="roomFfeInstances",
    group=_("FFE System (Complete)"),
    scopes={COMPLETE},
)

section(
    RoomFFESection,
    key="roomFfeSections",
    group=_("FFE System (Complete)"),
    scopes={COMPLETE},
)

section(
    RoomFFEItem,
    key="roomFfeItems",
    group=_("FFE System (Complete)"),
    scopes={COMPLETE},
    files=[JsonAddress("attachments", path="$[*].url")],
)

section(
    FFESectionLibrary,
    key="ffeSectionLibrary",
    group=_("FFE System (Complete)"),
    scopes={COMPLETE},
)
