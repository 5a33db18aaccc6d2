"""Logs. Some entries are about rows that are gone."""

from typing import Any

from django.db.models import JSONField, Value

from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    Activity,
    ActivityLog,
    ClientAccessLog,
    ClientAccessToken,
    FFEAuditLog,
    FFEChangeLog,
    FFEItem,
    Organization,
    PhaseAccessLog,
    PhaseAccessToken,
    Project,
    Room,
    RoomFFEInstance,
    RoomFFEItem,
    Stage,
    User,
)

ACTIONS = ["CREATE", "UPDATE", "DELETE", "APPROVE", "LOGIN"]
STATES = ["PENDING", "SELECTED", "CONFIRMED"]


def activity_log(src: Source, n: int) -> ActivityLog:
    subject = src.choice([Project, Room, Stage])
    return ActivityLog(
        id=src.own(n),
        actor_id=src.maybe(src.any(User), 0.9),
        action=src.choice(ACTIONS),
        entity=subject.__name__.upper(),
        entity_id=src.gone(subject) if src.chance(0.1) else src.any(subject),
        details=_document(src),
        ip_address=src.maybe(src.ip_address(), 0.7),
        org_id=src.maybe(src.any(Organization), 0.9),
        created_at=src.moment(),
    )


def _document(src: Source) -> Any:
    """What JSON can be at its root: NULL of SQL, ``null``, a number, a text, a list, an object."""
    plain: list[Any] = [None, Value(None, JSONField()), 0, "", [], {}, src.sentence(), -1.5, True]
    return src.choice(plain) if src.chance(0.3) else src.details()


def activity(src: Source, n: int) -> Activity:
    return Activity(
        id=src.own(n),
        stage_id=src.any(Stage),
        type=src.choice(["STATUS_CHANGED", "COMMENT", "FILE_UPLOADED"]),
        message=src.sentence(),
        user_id=src.maybe(src.any(User), 0.8),
        timestamp=src.moment(),
    )


def _visit(src: Source) -> dict[str, Any]:
    return {
        "ip_address": src.maybe(src.ip_address(), 0.9),
        "user_agent": src.maybe(src.user_agent(), 0.9),
        "action": src.choice(["VIEW", "DOWNLOAD", "APPROVE"]),
        "metadata": src.maybe(src.details()),
        "created_at": src.moment(),
    }


def client_access_log(src: Source, n: int) -> ClientAccessLog:
    return ClientAccessLog(id=src.own(n), token_id=src.any(ClientAccessToken), **_visit(src))


def phase_access_log(src: Source, n: int) -> PhaseAccessLog:
    return PhaseAccessLog(id=src.own(n), token_id=src.any(PhaseAccessToken), **_visit(src))


def ffe_audit_log(src: Source, n: int) -> FFEAuditLog:
    return FFEAuditLog(
        id=src.own(n),
        room_id=src.any(Room),
        item_id=src.any(FFEItem),
        action=src.choice(["STATE_CHANGED", "NOTE_ADDED"]),
        old_value=src.maybe(src.choice(STATES)),
        new_value=src.choice([*STATES, "", None]),
        notes=src.note(),
        user_id=src.any(User),
        created_at=src.moment(),
    )


def ffe_change_log(src: Source, n: int) -> FFEChangeLog:
    return FFEChangeLog(
        id=src.own(n),
        entity_type="ROOM_FFE_ITEM",
        entity_id=src.gone(RoomFFEItem) if src.chance(0.1) else src.any(RoomFFEItem),
        action=src.choice(ACTIONS),
        field_name=src.maybe("state"),
        old_value=src.note(),
        new_value=src.note(),
        user_id=src.any(User),
        org_id=src.any(Organization),
        room_id=src.maybe(src.any(Room)),
        instance_id=src.maybe(src.any(RoomFFEInstance)),
        metadata=src.maybe(src.details()),
        created_at=src.moment(),
    )
