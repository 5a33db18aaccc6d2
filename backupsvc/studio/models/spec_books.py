"""Specification books, and the drawings linked into them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from backupsvc.studio.models.keys import StudioModel


class SpecBook(StudioModel):
    """A book of everything that was specified for a project."""

    project = models.ForeignKey("Project", on_delete=models.CASCADE, related_name="spec_books")
    name = models.TextField()
    description = models.TextField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    created_by_id = models.TextField()
    updated_by_id = models.TextField()

    def __str__(self) -> str:
        return self.name


class SpecBookSection(StudioModel):
    """A part of the book; one a room, or one for the whole project."""

    class Type(models.TextChoices):
        FLOORPLANS = "FLOORPLANS"
        LIGHTING = "LIGHTING"
        ELECTRICAL = "ELECTRICAL"
        PLUMBING = "PLUMBING"
        STRUCTURAL = "STRUCTURAL"
        RCP = "RCP", "Reflected ceiling plan"
        ROOM = "ROOM"
        DRAWINGS = "DRAWINGS"

    spec_book = models.ForeignKey("SpecBook", on_delete=models.CASCADE, related_name="sections")
    type = models.TextField(choices=Type.choices)
    name = models.TextField()
    description = models.TextField(null=True, blank=True)
    room = models.ForeignKey(
        "Room", on_delete=models.CASCADE, null=True, blank=True, related_name="spec_book_sections"
    )
    order = models.IntegerField(default=0)
    is_included = models.BooleanField(default=True)
    rendering_url = models.TextField(null=True, blank=True)
    rendering_urls = ArrayField(models.TextField(blank=True), default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["spec_book", "type", "room"],
                name="spec_book_section_unique_spec_book_type_room",
            )
        ]

    def __str__(self) -> str:
        return self.name


class SpecBookGeneration(StudioModel):
    """The book as it was printed once."""

    class Status(models.TextChoices):
        GENERATING = "GENERATING"
        COMPLETED = "COMPLETED"
        FAILED = "FAILED"
        CANCELLED = "CANCELLED"

    spec_book = models.ForeignKey("SpecBook", on_delete=models.CASCADE, related_name="generations")
    version = models.TextField()
    status = models.TextField(choices=Status.choices, default=Status.GENERATING)
    pdf_url = models.TextField(null=True, blank=True)
    file_size = models.IntegerField(null=True, blank=True)
    page_count = models.IntegerField(null=True, blank=True)
    sections_included = models.JSONField(blank=True)
    rooms_included = models.JSONField(blank=True)
    cover_page_data = models.JSONField(blank=True)
    error_message = models.TextField(null=True, blank=True)
    generated_by = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="+")
    generated_at = models.DateTimeField(default=timezone.now)
    completed_at = models.DateTimeField(null=True, blank=True)
    downloaded_at = models.DateTimeField(null=True, blank=True)
    download_count = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"generation {self.version}"


class DropboxFileLink(StudioModel):
    """A drawing in the studio's file storage that a section shows."""

    section = models.ForeignKey(
        "SpecBookSection", on_delete=models.CASCADE, related_name="file_links"
    )
    dropbox_path = models.TextField()
    dropbox_file_id = models.TextField(null=True, blank=True)
    file_name = models.TextField()
    file_size = models.IntegerField(null=True, blank=True)
    last_modified = models.DateTimeField(null=True, blank=True)
    dropbox_revision = models.TextField(null=True, blank=True)
    cad_to_pdf_cache_url = models.TextField(null=True, blank=True)
    uploaded_pdf_url = models.TextField(null=True, blank=True)
    cache_expiry = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "Dropbox file link"
        constraints = [
            models.UniqueConstraint(
                fields=["section", "dropbox_path"],
                name="dropbox_file_link_unique_section_dropbox_path",
            )
        ]

    def __str__(self) -> str:
        return self.file_name
