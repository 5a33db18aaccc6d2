"""Templates at work in rooms."""

from decimal import Decimal
from typing import Any

from backupsvc.studio.demo import texts
from backupsvc.studio.demo.layout import org_of_room
from backupsvc.studio.demo.rows.ffe import HEADINGS, ICONS
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    FFESectionLibrary,
    FFETemplate,
    FFETemplateItem,
    FFETemplateSection,
    Room,
    RoomFFEInstance,
    RoomFFEItem,
    RoomFFESection,
    User,
)
from backupsvc.studio.models.choices import ItemState, RoomType

SECTIONS_PER_INSTANCE = 2
ITEMS_PER_SECTION = 2


def room_ffe_instance(src: Source, n: int) -> RoomFFEInstance:
    room = 2 * n  # every other room has one
    org = org_of_room(room)
    return RoomFFEInstance(
        id=src.own(n),
        room_id=src.id(Room, room),
        template_id=src.maybe(src.any(FFETemplate), 0.8),
        name=f"List {n}",
        status=src.choice(RoomFFEInstance.Status.values),
        progress=Decimal(src.number(0, 301)) / 3,
        estimated_budget=src.maybe(src.money()),
        actual_budget=src.maybe(src.money()),
        target_completion_date=src.maybe(src.ahead()),
        actual_completion_date=src.maybe(src.moment(), 0.2),
        notes=src.note(),
        metadata=src.maybe(src.details()),
        created_by_id=src.member(org),
        updated_by_id=src.member(org),
        **src.stamps(),
    )


def room_ffe_section(src: Source, n: int) -> RoomFFESection:
    instance, place = divmod(n, SECTIONS_PER_INSTANCE)
    done = src.chance(0.3)
    return RoomFFESection(
        id=src.own(n),
        instance_id=src.id(RoomFFEInstance, instance),
        template_section_id=src.maybe(src.any(FFETemplateSection), 0.8),
        name=HEADINGS[place],
        description=src.note(),
        order=place,
        is_expanded=src.chance(0.7),
        is_completed=done,
        completed_at=src.moment() if done else None,
        notes=src.note(),
        **src.stamps(),
    )


def room_ffe_item(src: Source, n: int) -> RoomFFEItem:
    section, place = divmod(n, ITEMS_PER_SECTION)
    return RoomFFEItem(
        id=src.own(n),
        section_id=src.id(RoomFFESection, section),
        template_item_id=src.maybe(src.any(FFETemplateItem), 0.7),
        name=src.choice(texts.THINGS),
        description=src.note(),
        state=src.choice(ItemState.values),
        visibility=src.choice(RoomFFEItem.Visibility.values),
        is_required=src.chance(0.4),
        is_custom=src.chance(0.2),
        order=place,
        **_purchase(src, n),
        notes=src.note(),
        completed_at=src.maybe(src.moment(), 0.3),
        completed_by_id=src.maybe(src.any(User), 0.3),
        attachments=src.maybe(src.attachments(), 0.6),
        custom_fields=src.maybe(src.details(), 0.2),
        created_by_id=src.any(User),
        updated_by_id=src.any(User),
        **src.stamps(),
    )


def _purchase(src: Source, n: int) -> dict[str, Any]:
    quantity, cost = src.number(1, 12), src.maybe(src.money(), 0.7)
    return {
        "quantity": quantity,
        "unit_cost": cost,
        "total_cost": quantity * cost if cost else None,
        "supplier_name": src.maybe(src.choice(texts.FIRMS)),
        "supplier_link": src.maybe(f"https://supplier.example/room-items/{n}"),
        "model_number": src.maybe(f"M-{n:06}"),
    }


def ffe_section_library(src: Source, n: int) -> FFESectionLibrary:
    return FFESectionLibrary(
        id=src.own(n),
        name=f"{HEADINGS[n % len(HEADINGS)]} {n}",
        description=src.note(),
        icon=src.maybe(src.choice(ICONS)),
        color=src.maybe(src.choice(texts.COLOURS)),
        default_order=n,
        applicable_room_types=src.some(RoomType.values, most=6),
        is_global=src.chance(0.8),
        created_at=src.moment(),
    )
