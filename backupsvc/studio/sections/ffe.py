"""The organisation's FFE library and templates."""

from backups.registry import COMPLETE, section
from backupsvc.studio.models import (
    FFEBathroomState,
    FFEGeneralSettings,
    FFELibraryItem,
    FFETemplate,
    FFETemplateItem,
    FFETemplateSection,
)

section(
    FFELibraryItem,
    key="ffeLibraryItems",
    group="FFE System (Complete)",
    scopes={COMPLETE},
)

section(
    FFEGeneralSettings,
    key="ffeGeneralSettings",
    group="FFE System (Complete)",
    scopes={COMPLETE},
)

section(
    FFEBathroomState,
    key="ffeBathroomStates",
    group="FFE System (Complete)",
    scopes={COMPLETE},
)

section(
    FFETemplate,
    key="ffeTemplates",
    group="FFE System (Complete)",
    scopes={COMPLETE},
)

section(
    FFETemplateSection,
    key="ffeTemplateSections",
    group="FFE System (Complete)",
    scopes={COMPLETE},
)

section(
    FFETemplateItem,
    key="ffeTemplateItems",
    group="FFE System (Complete)",
    scopes={COMPLETE},
)
