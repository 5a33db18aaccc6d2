"""Stages and design sections."""

from typing import Any

from backupsvc.studio.demo.layout import (
    DESIGN,
    STAGES_PER_ROOM,
    org_of_room,
    org_of_stage,
    stage_of_room,
)
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import DesignSection, Room, Stage

SECTIONS = ["GENERAL", "WALL_COVERING"]


def stage(src: Source, n: int) -> Stage:
    org = org_of_stage(n)
    started = src.moment()
    done = src.chance(0.4)
    return Stage(
        id=src.own(n),
        room_id=src.id(Room, n // STAGES_PER_ROOM),
        type=Stage.Type.values[n % STAGES_PER_ROOM],
        status=Stage.Status.COMPLETED if done else src.choice(Stage.Status.values),
        assigned_to_id=src.maybe(src.member(org), 0.7),
        due_date=src.maybe(src.ahead()),
        started_at=started if done else src.maybe(started),
        completed_at=src.later(started) if done else None,
        completed_by_id=src.member(org) if done else None,
        **_editors(src, org),
        **src.stamps(),
    )


def design_section(src: Source, n: int) -> DesignSection:
    room, kind = divmod(n, len(SECTIONS))
    done = src.chance(0.5)
    return DesignSection(
        id=src.own(n),
        stage_id=src.id(Stage, stage_of_room(room, DESIGN)),
        type=SECTIONS[kind],
        content=src.note(),
        completed=done,
        completed_by_id=src.member(org_of_room(room)) if done else None,
        **_editors(src, org_of_room(room)),
        **src.stamps(),
    )


def _editors(src: Source, org: int) -> dict[str, Any]:
    return {
        "created_by_id": src.maybe(src.member(org), 0.9),
        "updated_by_id": src.maybe(src.member(org)),
    }
