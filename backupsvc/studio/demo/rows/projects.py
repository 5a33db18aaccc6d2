"""Projects and rooms."""

from collections.abc import Callable
from typing import Any

from backupsvc.studio.demo import texts
from backupsvc.studio.demo.layout import ROOMS_PER_PROJECT, org_of_project, org_of_room
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    Asset,
    Client,
    Organization,
    Project,
    Room,
    RoomSection,
    Stage,
    User,
)
from backupsvc.studio.models.choices import RoomType


def project(src: Source, n: int) -> Project:
    org = org_of_project(n)
    return Project(
        id=src.own(n),
        name=texts.PROJECT_NAMES[n % len(texts.PROJECT_NAMES)],
        description=src.note(),
        type=src.choice(Project.Type.values),
        status=src.choice(Project.Status.values),
        client_id=src.id(Client, n),
        due_date=src.maybe(src.ahead()),
        budget=src.maybe(src.number(10_000, 9_000_000) / 7),
        dropbox_folder=src.maybe(f"/studio/projects/{n}"),
        org_id=src.id(Organization, org),
        created_by_id=src.member(org),
        updated_by_id=src.maybe(src.member(org)),
        cover_images=None if n % 4 == 3 else _cover_images(src),
        **_address(src),
        has_floorplan_approval=src.chance(0.5),
        has_spec_book=src.chance(0.5),
        has_project_updates=src.chance(0.5),
        **src.stamps(),
    )


def _cover_images(src: Source) -> list[str]:
    """Addresses and ids of assets, mixed; some projects have an empty list."""
    kinds: list[Callable[[], str]] = [src.picture, lambda: src.any(Asset)]
    return [src.choice(kinds)() for _ in range(src.number(0, 4))]


def _address(src: Source) -> dict[str, Any]:
    street, city = src.choice(texts.STREETS), src.choice(texts.CITIES)
    return {
        "address": src.maybe(f"{street}\n{city}", 0.7),
        "street_address": src.maybe(street),
        "city": src.maybe(city),
        "postal_code": src.maybe(f"{src.number(0, 100_000):05}"),
    }


def room(src: Source, n: int) -> Room:
    org = org_of_room(n)
    half = n // (ROOMS_PER_PROJECT // 2)  # two sections a project, three rooms each
    return Room(
        id=src.own(n),
        project_id=src.id(Project, n // ROOMS_PER_PROJECT),
        section_id=src.maybe(src.id(RoomSection, half), 0.8),
        type=RoomType.values[n % len(RoomType.values)],
        name=src.maybe(f"{src.choice(texts.LAST_NAMES)}'s room", 0.4),
        order=n % ROOMS_PER_PROJECT,
        status=src.choice(Room.Status.values),
        current_stage=src.maybe(src.choice(Stage.Type.values)),
        progress_ffe=src.number(0, 101),
        created_by_id=src.maybe(src.member(org), 0.9),
        updated_by_id=src.maybe(src.any(User)),
        **src.stamps(),
    )
