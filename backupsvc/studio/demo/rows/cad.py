"""Plot settings."""

from typing import Any

from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    CadLayoutCache,
    CadPreferences,
    DropboxFileLink,
    Project,
    ProjectCadDefaults,
)


def cad_preferences(src: Source, n: int) -> CadPreferences:
    return CadPreferences(
        id=src.own(n),
        linked_file_id=src.id(DropboxFileLink, n),
        project_id=src.any(Project),
        **_plot(src),
        **src.stamps(),
    )


def project_cad_defaults(src: Source, n: int) -> ProjectCadDefaults:
    return ProjectCadDefaults(
        id=src.own(n), project_id=src.id(Project, n), **_plot(src), **src.stamps()
    )


def _plot(src: Source) -> dict[str, Any]:
    by_window, by_scale = src.chance(0.3), src.chance(0.4)
    pens = src.maybe(src.pens_path())
    return {
        "layout_name": src.maybe("Layout1 / A3"),
        "ctb_dropbox_path": pens,
        "ctb_file_id": f"id:{src.number(0, 10**12)}" if pens else None,
        "plot_area": "window" if by_window else "extents",
        "window": {"min": [0, -12.75], "max": [420.5, 297]} if by_window else None,
        "center_plot": src.chance(0.8),
        "scale_mode": "custom" if by_scale else "fit",
        "scale_denominator": src.choice([20, 50, 100]) if by_scale else None,
        "keep_aspect_ratio": src.chance(0.9),
        "margins": src.maybe({"top": 10, "left": 7.5, "right": 10, "bottom": 10}, 0.8),
        "paper_size": src.choice(["Auto", "A3", None]),
        "orientation": src.choice(["landscape", "portrait", None]),
        "dpi": src.choice([150, 300, None]),
    }


def cad_layout_cache(src: Source, n: int) -> CadLayoutCache:
    return CadLayoutCache(
        id=src.own(n),
        dropbox_path=src.drawing_path(),
        dropbox_revision=f"{n:015x}",
        layouts=[{"name": name} for name in ["Model", *src.some(["Layout1", "גיליון 2"])]],
        discovered_at=src.moment(),
        expires_at=src.ahead(),
    )
