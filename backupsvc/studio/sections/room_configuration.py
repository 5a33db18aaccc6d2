"""Groups of rooms and presets."""

from backups.registry import COMPLETE, section
from backups.wording import _
from backupsvc.studio.models import RoomPreset, RoomSection

section(
    RoomSection,
    key="roomSections",
    group=_("Room Configuration"),
    scopes={COMPLETE},
)

section(
    RoomPreset,
    key="roomPresets",
    group=_("Room Configuration"),
    scopes={COMPLETE},
)
