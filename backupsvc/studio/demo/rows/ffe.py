"""The organisation's FFE: library, settings, templates."""

import json
from typing import Any

from backupsvc.studio.demo import texts
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    FFEBathroomState,
    FFEGeneralSettings,
    FFELibraryItem,
    FFETemplate,
    FFETemplateItem,
    FFETemplateSection,
    Organization,
    Project,
    Room,
    User,
)
from backupsvc.studio.models.choices import ItemState, RoomType

ITEMS_PER_LIBRARY = 20
TEMPLATES_PER_ORG = 3
SECTIONS_PER_TEMPLATE = 4
ITEMS_PER_SECTION = 3
HEADINGS = ["Furniture", "Lighting", "טקסטיל", "Sanitary ware"]
ICONS = ["sofa", "lamp", "curtain", "bath"]


def ffe_library_item(src: Source, n: int) -> FFELibraryItem:
    org, place = divmod(n, ITEMS_PER_LIBRARY)
    return FFELibraryItem(
        id=src.own(n),
        org_id=src.id(Organization, org),
        item_id=f"item-{place}",
        name=texts.THINGS[place % len(texts.THINGS)],
        category=src.choice(HEADINGS),
        room_types=src.some(RoomType.values),
        is_required=src.chance(0.3),
        item_type=src.choice(["base", "conditional"]),
        has_standard_option=src.chance(0.5),
        has_custom_option=src.chance(0.5),
        standard_config=src.maybe(src.details(), 0.3),
        custom_config=src.maybe({"fields": [{"name": "גוון", "options": []}]}, 0.3),
        depends_on=[f"item-{place - 1}"] if place % 4 == 3 else [],
        show_when=src.maybe({"item": "item-0", "is": ["selected", None]}, 0.2),
        is_standard=src.chance(0.8),
        sub_items=src.maybe([{"id": "frame", "quantity": 2}], 0.3),
        notes=src.note(),
        added_from_project_id=src.maybe(src.any(Project), 0.3),
        **_editors(src, org),
        **src.stamps(),
    )


def _editors(src: Source, org: int) -> dict[str, Any]:
    return {"created_by_id": src.member(org), "updated_by_id": src.member(org)}


def ffe_general_settings(src: Source, n: int) -> FFEGeneralSettings:
    return FFEGeneralSettings(
        id=src.own(n),
        org_id=src.id(Organization, n),
        room_type=RoomType.values[n % len(RoomType.values)],
        settings={"currency": "ILS", "vat": 0.18, "sections": src.some(HEADINGS)},
        **_editors(src, n),
        **src.stamps(),
    )


def ffe_bathroom_state(src: Source, n: int) -> FFEBathroomState:
    statuses = [{"item": f"item-{k}", "done": src.chance(0.5)} for k in range(src.number(0, 4))]
    return FFEBathroomState(
        id=src.own(n),
        room_id=src.id(Room, 6 * n),
        category_selections=json.dumps(src.some(HEADINGS), ensure_ascii=False),
        item_statuses=json.dumps(statuses),
        completion_percentage=src.number(0, 1001) / 10,
        created_by_id=src.any(User),
        updated_by_id=src.any(User),
        **src.stamps(),
    )


def ffe_template(src: Source, n: int) -> FFETemplate:
    org, place = divmod(n, TEMPLATES_PER_ORG)
    return FFETemplate(
        id=src.own(n),
        org_id=src.id(Organization, org),
        name=["Family home", "דירת בוטיק", "Office"][place],
        description=src.note(),
        status=src.choice(FFETemplate.Status.values),
        is_default=place == 0,
        version=src.number(1, 9),
        tags=src.some(["2025", "luxury", "kosher kitchen", ""]),
        metadata=src.maybe(src.details()),
        **_editors(src, org),
        **src.stamps(),
    )


def ffe_template_section(src: Source, n: int) -> FFETemplateSection:
    template, place = divmod(n, SECTIONS_PER_TEMPLATE)
    return FFETemplateSection(
        id=src.own(n),
        template_id=src.id(FFETemplate, template),
        name=HEADINGS[place],
        description=src.note(),
        order=place,
        is_required=src.chance(0.4),
        is_collapsible=src.chance(0.8),
        icon=src.maybe(ICONS[place]),
        color=src.maybe(src.choice(texts.COLOURS)),
        **src.stamps(),
    )


def ffe_template_item(src: Source, n: int) -> FFETemplateItem:
    section, place = divmod(n, ITEMS_PER_SECTION)
    return FFETemplateItem(
        id=src.own(n),
        section_id=src.id(FFETemplateSection, section),
        name=src.choice(texts.THINGS),
        description=src.note(),
        default_state=src.choice(ItemState.values),
        is_required=src.chance(0.4),
        order=place,
        category=src.maybe(src.choice(HEADINGS)),
        tags=src.some(["custom", "stock", "יבוא"]),
        estimated_cost=src.maybe(src.money()),
        lead_time_weeks=src.maybe(src.number(1, 30)),
        supplier_info=src.maybe({"name": src.choice(texts.FIRMS), "phones": []}),
        custom_fields=src.maybe(src.details(), 0.2),
        **src.stamps(),
    )
