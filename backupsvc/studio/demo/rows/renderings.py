"""Renderings and drawings. Every third room has two rounds of renderings."""

from backupsvc.studio.demo.layout import DRAWINGS, THREE_D, org_of_room, stage_of_room
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    DrawingChecklistItem,
    RenderingNote,
    RenderingVersion,
    Room,
    Stage,
    User,
)

ROUNDS = 2
RENDERED_ROOM_EVERY = 3


def room_of_rendering(rendering: int) -> int:
    return rendering // ROUNDS * RENDERED_ROOM_EVERY


def rendering_of_room(room: int) -> int | None:
    """The first round of a room, if it has any."""
    place, rest = divmod(room, RENDERED_ROOM_EVERY)
    return None if rest else place * ROUNDS


def rendering_version(src: Source, n: int) -> RenderingVersion:
    room = room_of_rendering(n)
    org = org_of_room(room)
    done = src.chance(0.5)
    return RenderingVersion(
        id=src.own(n),
        room_id=src.id(Room, room),
        stage_id=src.id(Stage, stage_of_room(room, THREE_D)),
        version=f"V{n % ROUNDS + 1}",
        custom_name=src.maybe("לילה / night view", 0.3),
        status=src.choice(RenderingVersion.Status.values),
        pushed_to_client_at=src.maybe(src.moment(), 0.3),
        created_by_id=src.member(org),
        updated_by_id=src.maybe(src.member(org)),
        completed_by_id=src.member(org) if done else None,
        completed_at=src.moment() if done else None,
        **src.stamps(),
    )


def rendering_note(src: Source, n: int) -> RenderingNote:
    return RenderingNote(
        id=src.own(n),
        version_id=src.any(RenderingVersion),
        content=src.body(),
        author_id=src.any(User),
        **src.stamps(),
    )


def drawing_checklist_item(src: Source, n: int) -> DrawingChecklistItem:
    done = src.chance(0.5)
    kinds = DrawingChecklistItem.Type.values
    return DrawingChecklistItem(
        id=src.own(n),
        stage_id=src.id(Stage, stage_of_room(n, DRAWINGS)),  # one a room
        type=kinds[n % len(kinds)],
        name=f"Sheet A-{n % 100:02}",
        description=src.note(),
        completed=done,
        order=n % 5,
        completed_at=src.moment() if done else None,
        **src.stamps(),
    )
