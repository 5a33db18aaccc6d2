"""The organisation's FFE library and templates."""

from backups.registry import COMPLETE, section
from backups.wording import _
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
    group=_("FFE System (Complete)"),
    scopes={COMPLETE},
)

section(
    FFEGeneralSettings,
    key="ffeGeneralSettings",
    group=_("FFE System (Complete)"),
    scopes={COMPLETE},
)

section(
    FFEBathroomState,
    key="ffeBathroomStates",
    group=_("FFE System (Complete)"),
    scopes={COMPLETE},
)

section(
    FFETemplate,
    key="ffeTemplates",
    group=_("FFE System (Complete)"),
    scopes={COMPLETE},
)

section(
    FFETemplateSection,
    key="ffeTemplateSections",
    group=_("FFE System (Complete)"),
    scopes={COMPLETE},
)

section(
    FFETemplateItem,
    key="ffeTemplateItems",
    group=_("FFE System (Complete)"),
    scopes={COMPLETE},
)
