"""How CAD drawings are plotted."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.keys import StudioModel


def default_margins() -> dict[str, int]:
    """Margins of a plot, in millimetres."""
    return {"top": 10, "left": 10, "right": 10, "bottom": 10}


class CadPreferences(StudioModel):
    """How one linked drawing is plotted."""

    linked_file_id = models.TextField(unique=True)
    project_id = models.TextField()
    layout_name = models.TextField(null=True, blank=True)
    ctb_dropbox_path = models.TextField(null=True, blank=True)
    ctb_file_id = models.TextField(null=True, blank=True)
    plot_area = models.TextField(default="extents")
    window = models.JSONField(null=True, blank=True)
    center_plot = models.BooleanField(default=True)
    scale_mode = models.TextField(default="fit")
    scale_denominator = models.IntegerField(null=True, blank=True)
    keep_aspect_ratio = models.BooleanField(default=True)
    margins = models.JSONField(null=True, blank=True, default=default_margins)
    paper_size = models.TextField(null=True, blank=True, default="Auto")
    orientation = models.TextField(null=True, blank=True)
    dpi = models.IntegerField(null=True, blank=True, default=300)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "CAD preferences"
        verbose_name_plural = "CAD preferences"

    def __str__(self) -> str:
        return f"drawing {self.linked_file_id}"


class ProjectCadDefaults(StudioModel):
    """How the drawings of a project are plotted unless they say otherwise."""

    project_id = models.TextField(unique=True)
    layout_name = models.TextField(null=True, blank=True)
    ctb_dropbox_path = models.TextField(null=True, blank=True)
    ctb_file_id = models.TextField(null=True, blank=True)
    plot_area = models.TextField(default="extents")
    window = models.JSONField(null=True, blank=True)
    center_plot = models.BooleanField(default=True)
    scale_mode = models.TextField(default="fit")
    scale_denominator = models.IntegerField(null=True, blank=True)
    keep_aspect_ratio = models.BooleanField(default=True)
    margins = models.JSONField(null=True, blank=True, default=default_margins)
    paper_size = models.TextField(null=True, blank=True, default="Auto")
    orientation = models.TextField(null=True, blank=True)
    dpi = models.IntegerField(null=True, blank=True, default=300)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "project CAD defaults"
        verbose_name_plural = "project CAD defaults"

    def __str__(self) -> str:
        return f"project {self.project_id}"


class CadLayoutCache(StudioModel):
    """The layouts found in one revision of a drawing."""

    dropbox_path = models.TextField()
    dropbox_revision = models.TextField()
    layouts = models.JSONField(blank=True)
    discovered_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name = "CAD layouts"
        verbose_name_plural = "CAD layout cache"
        constraints = [
            models.UniqueConstraint(
                fields=["dropbox_path", "dropbox_revision"],
                name="cad_layout_cache_unique_dropbox_path_dropbox_revision",
            )
        ]

    def __str__(self) -> str:
        return self.dropbox_path
