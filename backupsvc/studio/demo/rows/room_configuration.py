"""Groups of rooms and presets."""

import json

from backupsvc.studio.demo import texts
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import Project, RoomPreset, RoomSection
from backupsvc.studio.models.choices import RoomType

SECTIONS_PER_PROJECT = 2


def room_section(src: Source, n: int) -> RoomSection:
    project, place = divmod(n, SECTIONS_PER_PROJECT)
    return RoomSection(
        id=src.own(n),
        project_id=src.id(Project, project),
        name=["Ground floor", "קומה שנייה"][place],
        order=place,
        **src.stamps(),
    )


def room_preset(src: Source, n: int) -> RoomPreset:
    return RoomPreset(
        id=src.own(n),
        room_type=RoomType.values[n % len(RoomType.values)],
        name=f"Preset {n}",
        description=src.note(),
        ffe_items=json.dumps(src.some(texts.THINGS), ensure_ascii=False),
        sections=json.dumps([{"type": "GENERAL", "items": []}]),
        is_default=src.chance(0.3),
        **src.stamps(),
    )
