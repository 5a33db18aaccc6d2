"""What people hang on assets and comments: tags, pins, likes."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.keys import StudioModel


class Tag(StudioModel):
    """A word of the organisation's own to sort by."""

    class Type(models.TextChoices):
        MUST_HAVE = "MUST_HAVE"
        OPTIONAL = "OPTIONAL"
        EXPLORE = "EXPLORE"
        CUSTOM = "CUSTOM"

    name = models.TextField()
    type = models.TextField(choices=Type.choices, default=Type.CUSTOM)
    color = models.TextField(null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    org = models.ForeignKey("Organization", on_delete=models.CASCADE, related_name="tags")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["org", "name"], name="tag_unique_org_name")]

    def __str__(self) -> str:
        return self.name


class AssetTag(StudioModel):
    """A tag on an asset."""

    asset = models.ForeignKey("Asset", on_delete=models.CASCADE, related_name="asset_tags")
    tag = models.ForeignKey("Tag", on_delete=models.CASCADE, related_name="asset_tags")
    user = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["asset", "tag"], name="asset_tag_unique_asset_tag")
        ]

    def __str__(self) -> str:
        return f"asset tag {self.id}"


class CommentTag(StudioModel):
    """A tag on a comment."""

    comment = models.ForeignKey("Comment", on_delete=models.CASCADE, related_name="comment_tags")
    tag = models.ForeignKey("Tag", on_delete=models.CASCADE, related_name="comment_tags")
    user = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["comment", "tag"], name="comment_tag_unique_comment_tag"
            )
        ]

    def __str__(self) -> str:
        return f"comment tag {self.id}"


class AssetPin(StudioModel):
    """An asset pinned to the top."""

    asset = models.OneToOneField("Asset", on_delete=models.CASCADE, related_name="pin")
    user = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"asset pin {self.id}"


class CommentPin(StudioModel):
    """A comment pinned to the top."""

    comment = models.OneToOneField("Comment", on_delete=models.CASCADE, related_name="pin")
    user = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"comment pin {self.id}"


class CommentLike(StudioModel):
    """Somebody likes a comment."""

    comment = models.ForeignKey("Comment", on_delete=models.CASCADE, related_name="likes")
    user = models.ForeignKey("User", on_delete=models.RESTRICT, related_name="comment_likes")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "comment"], name="comment_like_unique_user_comment"
            )
        ]

    def __str__(self) -> str:
        return f"like {self.id}"
