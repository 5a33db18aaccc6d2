"""Tags, pins, likes. No two rows hang on the same asset or comment, so no pair is there twice."""

from typing import Any

from backupsvc.studio.demo import texts
from backupsvc.studio.demo.layout import TAGS_PER_ORG
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    Asset,
    AssetPin,
    AssetTag,
    Comment,
    CommentLike,
    CommentPin,
    CommentTag,
    Organization,
    Tag,
    User,
)

NAMES = ["Must", "Maybe", "רעיון", "Kitchen & bath", "“Later”", "Ask client", "🌿 green", "Stone"]


def tag(src: Source, n: int) -> Tag:
    org, place = divmod(n, TAGS_PER_ORG)
    return Tag(
        id=src.own(n),
        name=NAMES[place],
        type=src.choice(Tag.Type.values),
        color=src.maybe(src.choice(texts.COLOURS), 0.8),
        description=src.note(),
        org_id=src.id(Organization, org),
        **src.stamps(),
    )


def asset_tag(src: Source, n: int) -> AssetTag:
    return AssetTag(asset_id=src.id(Asset, 3 * n), tag_id=src.any(Tag), **_who_and_when(src, n))


def comment_tag(src: Source, n: int) -> CommentTag:
    comment = src.id(Comment, 3 * n)
    return CommentTag(comment_id=comment, tag_id=src.any(Tag), **_who_and_when(src, n))


def asset_pin(src: Source, n: int) -> AssetPin:
    return AssetPin(asset_id=src.id(Asset, 10 * n), **_who_and_when(src, n))


def comment_pin(src: Source, n: int) -> CommentPin:
    return CommentPin(comment_id=src.id(Comment, 12 * n), **_who_and_when(src, n))


def comment_like(src: Source, n: int) -> CommentLike:
    return CommentLike(comment_id=src.id(Comment, 2 * n), **_who_and_when(src, n))


def _who_and_when(src: Source, n: int) -> dict[str, Any]:
    return {"id": src.own(n), "user_id": src.any(User), "created_at": src.moment()}
