"""Groups of rooms and presets."""

from backups.registry import COMPLETE, section
from backupsvc.studio.models import RoomPreset, RoomSection

section(
    RoomSection,
    key="roomSections",
    group="Room Configuration",
    scopes={COMPLETE},
)

section(
    RoomPreset,
    key="roomPresets",
    group="Room Configuration",
    scopes={COMPLETE},
)
