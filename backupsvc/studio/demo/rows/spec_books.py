"""Specification books."""

from pathlib import PurePosixPath

from backupsvc.studio.demo.files import size_of
from backupsvc.studio.demo.layout import ROOMS_PER_PROJECT, org_of_project
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    DropboxFileLink,
    Project,
    Room,
    SpecBook,
    SpecBookGeneration,
    SpecBookSection,
)

Kind = SpecBookSection.Type
# Of the six sections of a book two are about a room each.
KINDS = [Kind.FLOORPLANS, Kind.LIGHTING, Kind.PLUMBING, Kind.DRAWINGS, Kind.ROOM, Kind.ROOM]


def spec_book(src: Source, n: int) -> SpecBook:
    org = org_of_project(n)
    return SpecBook(
        id=src.own(n),
        project_id=src.id(Project, n),
        name=f"Specifications {n}",
        description=src.note(),
        is_active=src.chance(0.9),
        created_by_id=src.member(org),
        updated_by_id=src.member(org),
        **src.stamps(),
    )


def spec_book_section(src: Source, n: int) -> SpecBookSection:
    book, place = divmod(n, len(KINDS))
    kind = KINDS[place]
    room = src.id(Room, book * ROOMS_PER_PROJECT + place)
    return SpecBookSection(
        id=src.own(n),
        spec_book_id=src.id(SpecBook, book),
        type=kind,
        name=f"{place + 1}. {kind.label}",
        description=src.note(),
        room_id=room if kind == Kind.ROOM else None,
        order=place,
        is_included=src.chance(0.9),
        rendering_url=src.maybe(src.picture(), 0.4),
        rendering_urls=[src.picture() for _ in range(src.number(0, 4))],
        **src.stamps(),
    )


def spec_book_generation(src: Source, n: int) -> SpecBookGeneration:
    pdf = src.maybe(src.document(), 0.7)
    downloads = src.number(0, 5)
    return SpecBookGeneration(
        id=src.own(n),
        spec_book_id=src.id(SpecBook, n),
        version="1.0.0",
        status=src.choice(SpecBookGeneration.Status.values),
        pdf_url=pdf,
        file_size=size_of(pdf) if pdf else None,
        page_count=src.maybe(src.number(1, 200)),
        sections_included=[src.any(SpecBookSection) for _ in range(src.number(0, 4))],
        rooms_included=[src.any(Room)],
        cover_page_data={"title": src.sentence(), "logo": None, "lines": ["", "שלום"]},
        error_message=None if pdf else "Timed out",
        generated_by_id=src.member(org_of_project(n)),
        generated_at=src.moment(),
        completed_at=src.moment() if pdf else None,
        downloaded_at=src.moment() if downloads else None,
        download_count=downloads,
    )


def dropbox_file_link(src: Source, n: int) -> DropboxFileLink:
    path = src.drawing_path()
    return DropboxFileLink(
        id=src.own(n),
        section_id=src.id(SpecBookSection, n * 3 // 2),  # four of a book's six sections
        dropbox_path=path,
        dropbox_file_id=src.maybe(f"id:{n:022}"),
        file_name=PurePosixPath(path).name,
        file_size=src.maybe(size_of(path), 0.9),
        last_modified=src.maybe(src.moment(), 0.8),
        dropbox_revision=src.maybe(f"{n:015x}"),
        cad_to_pdf_cache_url=src.maybe(src.document(), 0.3),
        uploaded_pdf_url=src.maybe(src.document(), 0.2),
        cache_expiry=src.maybe(src.ahead(), 0.3),
        is_active=src.chance(0.9),
        **src.stamps(),
    )
