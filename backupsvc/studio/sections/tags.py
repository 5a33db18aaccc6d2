"""Tags, pins and likes."""

from backups.registry import COMPLETE, SAFE, section
from backups.wording import _
from backupsvc.studio.models import AssetPin, AssetTag, CommentLike, CommentPin, CommentTag, Tag

section(
    Tag,
    key="tags",
    group=_("Tags & Metadata"),
    scopes={SAFE, COMPLETE},
    safe_columns="id name type color description org created_at updated_at",
)

section(
    AssetTag,
    key="assetTags",
    group=_("Tags & Metadata"),
    scopes={SAFE, COMPLETE},
    safe_columns="id asset tag user created_at",
)

section(
    CommentTag,
    key="commentTags",
    group=_("Tags & Metadata"),
    scopes={SAFE, COMPLETE},
    safe_columns="id comment tag user created_at",
)

section(
    AssetPin,
    key="assetPins",
    group=_("Tags & Metadata"),
    scopes={SAFE, COMPLETE},
    safe_columns="id asset user created_at",
)

section(
    CommentPin,
    key="commentPins",
    group=_("Tags & Metadata"),
    scopes={SAFE, COMPLETE},
    safe_columns="id comment user created_at",
)

section(
    CommentLike,
    key="commentLikes",
    group=_("Tags & Metadata"),
    scopes={SAFE, COMPLETE},
    safe_columns="id comment user created_at",
)
