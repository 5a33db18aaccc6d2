"""Specification books and the drawings in them."""

from backups.registry import COMPLETE, Address, StoragePath, section
from backups.wording import _
from backupsvc.studio.models import DropboxFileLink, SpecBook, SpecBookGeneration, SpecBookSection

section(
    SpecBook,
    key="specBooks",
    group=_("Spec Books"),
    scopes={COMPLETE},
)

section(
    SpecBookSection,
    key="specBookSections",
    group=_("Spec Books"),
    scopes={COMPLETE},
    files=[Address("rendering_url"), Address("rendering_urls")],
)

section(
    SpecBookGeneration,
    key="specBookGenerations",
    group=_("Spec Books"),
    scopes={COMPLETE},
    files=[Address("pdf_url")],
)

section(
    DropboxFileLink,
    key="dropboxFileLinks",
    group=_("Spec Books"),
    scopes={COMPLETE},
    files=[
        StoragePath("dropbox_path"),
        Address("cad_to_pdf_cache_url"),
        Address("uploaded_pdf_url"),
    ],
)
