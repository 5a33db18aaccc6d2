"""Approvals, comments, client links."""

import json
from typing import Any

from backupsvc.studio.demo.layout import (
    DESIGN,
    ROOMS_PER_PROJECT,
    org_of_project,
    stage_of_room,
)
from backupsvc.studio.demo.rows.ffe_items import ITEMS_PER_ROOM
from backupsvc.studio.demo.rows.stages import SECTIONS
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    Approval,
    ClientAccessToken,
    Comment,
    DesignSection,
    FFEItem,
    Project,
    Room,
    Stage,
    User,
)
from backupsvc.studio.models.choices import Decision

APPROVALS_PER_PROJECT = 3
COMMENTS_PER_PROJECT = 12


def approval(src: Source, n: int) -> Approval:
    project = n // APPROVALS_PER_PROJECT
    sent = src.moment()
    decided = src.chance(0.5)
    return Approval(
        id=src.own(n),
        project_id=src.maybe(src.id(Project, project), 0.9),
        room_id=src.maybe(src.id(Room, project * ROOMS_PER_PROJECT)),
        token=src.token(n),
        status=src.choice(Decision.values),
        sent_by_id=src.maybe(src.member(org_of_project(project)), 0.9),
        decided_by_id=src.any(User) if decided else None,
        sent_at=src.maybe(sent, 0.9),
        decided_at=src.later(sent) if decided else None,
        message=src.note(),
        revision_reason=src.note(),
        expires_at=src.maybe(src.ahead()),
        **src.stamps(),
    )


def comment(src: Source, n: int) -> Comment:
    project, place = divmod(n, COMMENTS_PER_PROJECT)
    org = org_of_project(project)
    return Comment(
        id=src.own(n),
        content=src.body(),
        author_id=src.member(org),
        project_id=src.maybe(src.id(Project, project), 0.9),
        **_place(src, project, place),
        mentions=src.maybe(json.dumps([src.member(org)])),
        **src.stamps(),
    )


def _place(src: Source, project: int, place: int) -> dict[str, Any]:
    """What of the project the comment is on."""
    room = project * ROOMS_PER_PROJECT + place % ROOMS_PER_PROJECT
    return src.choice(
        [
            {},
            {"room_id": src.id(Room, room)},
            {"stage_id": src.id(Stage, stage_of_room(room, DESIGN))},
            {"section_id": src.id(DesignSection, room * len(SECTIONS))},
            {"ffe_item_id": src.id(FFEItem, room * ITEMS_PER_ROOM)},
            {"approval_id": src.id(Approval, project * APPROVALS_PER_PROJECT)},
        ]
    )


def client_access_token(src: Source, n: int) -> ClientAccessToken:
    visits = src.number(1, 40) if src.chance(0.6) else 0
    return ClientAccessToken(
        id=src.own(n),
        project_id=src.id(Project, n),
        token=src.token(n),
        name=src.maybe("For the client"),
        specs_url=src.maybe(f"https://studio.example/specs/{n}"),
        active=src.chance(0.8),
        expires_at=src.maybe(src.ahead()),
        created_by_id=src.member(org_of_project(n)),
        last_accessed_at=src.moment() if visits else None,
        access_count=visits,
        last_accessed_ip=src.ip_address() if visits else None,
        **src.stamps(),
    )
