"""Assets of every kind, each somewhere in its project."""

import json
from pathlib import PurePosixPath
from typing import Any

from django.core.files.storage import default_storage

from backupsvc.studio.demo import texts
from backupsvc.studio.demo.files import BIG_FILE, media_type_of, size_of
from backupsvc.studio.demo.layout import (
    DRAWINGS,
    ROOMS_PER_PROJECT,
    THREE_D,
    org_of_project,
    stage_of_room,
)
from backupsvc.studio.demo.rows.approvals import APPROVALS_PER_PROJECT
from backupsvc.studio.demo.rows.ffe_items import ITEMS_PER_ROOM
from backupsvc.studio.demo.rows.renderings import rendering_of_room
from backupsvc.studio.demo.rows.stages import SECTIONS
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    Approval,
    Asset,
    Comment,
    DesignSection,
    DrawingChecklistItem,
    FFEItem,
    Organization,
    Project,
    RenderingVersion,
    Room,
    Stage,
)

ASSETS_PER_PROJECT = 20
Type = Asset.Type
KINDS = [*[Type.IMAGE] * 6, *[Type.RENDER] * 5, Type.PDF, Type.PDF, Type.DOCUMENT, Type.DRAWING]
KINDS += [Type.FLOORPLAN_PDF, Type.FLOORPLAN_CAD, Type.LINK, Type.LINK, Type.OTHER]
PICTURES = {Type.IMAGE, Type.RENDER}


def asset(src: Source, n: int) -> Asset:
    project, place = divmod(n, ASSETS_PER_PROJECT)
    org = org_of_project(project)
    kind = KINDS[place]
    return Asset(
        id=src.own(n),
        title=src.sentence(),
        type=kind,
        **_file(src, n, kind),
        provider=src.maybe(src.choice(["local", "dropbox"])),
        metadata=src.maybe(json.dumps({"width": 320, "שם": src.choice(texts.THINGS)})),
        description=src.note(),
        user_description=src.note(),
        uploaded_by_id=src.member(org),
        org_id=src.id(Organization, org),
        **_place(src, project, kind),
        comment_id=src.maybe(src.any(Comment), 0.1),
        **src.stamps(),
    )


def big_asset(src: Source) -> Asset:
    """One asset more, whose file is larger than a backup embeds."""
    return Asset(
        id=src.own(src.counts[Asset]),
        title="Everything, scanned",
        type=Type.DOCUMENT,
        url=BIG_FILE,
        filename=PurePosixPath(BIG_FILE).name,
        size=default_storage.size(BIG_FILE),
        mime_type=media_type_of(BIG_FILE),
        uploaded_by_id=src.member(0),
        org_id=src.id(Organization, 0),
        project_id=src.id(Project, 0),
        **src.stamps(),
    )


def _file(src: Source, n: int, kind: str) -> dict[str, Any]:
    """The locator, and what is known about its file. A LINK is a page: it has no file."""
    if kind == Type.LINK:
        return {"url": f"https://supplier.example/collections/{n}?ref=studio#materials"}
    url = src.picture() if kind in PICTURES else src.document()
    return {
        "url": url,
        "filename": src.maybe(PurePosixPath(url).name, 0.9),
        "size": size_of(url),
        "mime_type": media_type_of(url),
    }


def _place(src: Source, project: int, kind: str) -> dict[str, Any]:
    """The project, one of its rooms, and what of that the asset is about."""
    if kind == Type.OTHER:
        return {}  # the organisation's own
    number = project * ROOMS_PER_PROJECT + src.number(0, ROOMS_PER_PROJECT)
    place: dict[str, Any] = {
        "project_id": src.id(Project, project),
        "room_id": src.id(Room, number),
    }
    if kind == Type.RENDER:
        rendering = rendering_of_room(number)
        place["stage_id"] = src.id(Stage, stage_of_room(number, THREE_D))
        if rendering is not None:
            place["rendering_version_id"] = src.id(RenderingVersion, rendering)
    elif kind == Type.DRAWING:
        place["stage_id"] = src.id(Stage, stage_of_room(number, DRAWINGS))
        place["drawing_checklist_item_id"] = src.id(DrawingChecklistItem, number)
    elif kind == Type.IMAGE:
        place["section_id"] = src.id(DesignSection, number * len(SECTIONS))
        place["ffe_item_id"] = src.maybe(src.id(FFEItem, number * ITEMS_PER_ROOM))
    elif kind == Type.PDF:
        place["approval_id"] = src.id(Approval, project * APPROVALS_PER_PROJECT)
    return place
