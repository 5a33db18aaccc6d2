"""What rooms list to buy."""

from typing import Any

from backupsvc.studio.demo import texts
from backupsvc.studio.demo.layout import org_of_room
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import FFEItem, FFEItemStatus, Room

ITEMS_PER_ROOM = 3
STATUSES_PER_ROOM = 2


def ffe_item(src: Source, n: int) -> FFEItem:
    room = n // ITEMS_PER_ROOM
    org = org_of_room(room)
    return FFEItem(
        id=src.own(n),
        room_id=src.id(Room, room),
        name=src.choice(texts.THINGS),
        status=src.choice(FFEItem.Status.values),
        supplier_link=src.maybe(f"https://supplier.example/items/{n}?lang=he&q=%22x%22"),
        notes=src.note(),
        price=src.maybe(src.number(100, 1_000_000) / 100),
        lead_time=src.maybe(f"{src.number(1, 20)} weeks"),
        category=src.maybe(src.choice(["Seating", "Lighting", "טקסטיל", ""])),
        created_by_id=src.maybe(src.member(org)),
        updated_by_id=src.maybe(src.member(org)),
        **src.stamps(),
    )


def ffe_item_status(src: Source, n: int) -> FFEItemStatus:
    room, item = divmod(n, STATUSES_PER_ROOM)
    org = org_of_room(room)
    return FFEItemStatus(
        id=src.own(n),
        room_id=src.id(Room, room),
        item_id=f"item-{item}",
        state=src.choice(["pending", "selected", "confirmed", "not-needed"]),
        selection_type=src.maybe(src.choice(["standard", "custom"])),
        is_custom_expanded=src.chance(0.3),
        sub_item_states=_sub_items(src),
        custom_options=src.maybe([{"label": src.sentence(), "price": None}]),
        standard_product=src.maybe(src.details(), 0.3),
        notes=src.note(),
        confirmed_at=src.maybe(src.moment(), 0.3),
        created_by_id=src.member(org),
        updated_by_id=src.member(org),
        **src.stamps(),
    )


def _sub_items(src: Source) -> dict[str, Any] | None:
    if src.chance(0.2):
        return None
    names = src.some(["frame", "glass", "ידית", "hinge 90°"])
    return {name: {"state": "pending", "quantity": src.number(1, 5)} for name in names}
