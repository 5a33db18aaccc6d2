"""Tables of Django itself whose numbers rows of others hold, and which every database counts by itself."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FrameworkTable:
    """``label`` is the model's. ``natural_key``: the fields that say what a number means everywhere."""

    label: str
    key: str
    columns: str
    natural_key: str

    @property
    def app(self) -> str:
        return f"django.contrib.{self.label.split('.')[0]}"


FRAMEWORK = (
    FrameworkTable(
        "contenttypes.ContentType", "contentTypes", "id app_label model", "app_label model"
    ),
    FrameworkTable(
        "auth.Permission",
        "permissions",
        "id name content_type codename",
        "content_type codename",
    ),
    FrameworkTable("sites.Site", "sites", "id domain name", "domain"),
)
FRAMEWORK_KEYS = frozenset(table.key for table in FRAMEWORK)
