"""How people sign in other than by password, and every token that opens something."""

from django.db import models
from django.utils import timezone

from backupsvc.studio.models.keys import StudioModel, make_token


class Account(StudioModel):
    """An account elsewhere that somebody may sign in with."""

    user = models.ForeignKey("User", on_delete=models.CASCADE, related_name="accounts")
    type = models.TextField()
    provider = models.TextField()
    provider_account_id = models.TextField()
    refresh_token = models.TextField(null=True, blank=True)
    access_token = models.TextField(null=True, blank=True)
    expires_at = models.IntegerField(null=True, blank=True)
    token_type = models.TextField(null=True, blank=True)
    scope = models.TextField(null=True, blank=True)
    id_token = models.TextField(null=True, blank=True)
    session_state = models.TextField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "provider_account_id"],
                name="account_unique_provider_provider_account_id",
            )
        ]

    def __str__(self) -> str:
        return self.provider


class Session(StudioModel):
    """A signed-in browser of the studio's earlier front end; Django keeps its own."""

    session_token = models.TextField(unique=True)
    user = models.ForeignKey("User", on_delete=models.CASCADE, related_name="sessions")
    expires = models.DateTimeField()

    def __str__(self) -> str:
        return f"session {self.id}"


class VerificationToken(models.Model):
    """Proof that somebody reads mail at an address. It has no id of its own."""

    identifier = models.TextField()
    token = models.TextField(primary_key=True, default=make_token, editable=False)
    expires = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["identifier", "token"], name="verification_token_unique_identifier_token"
            )
        ]

    def __str__(self) -> str:
        return self.identifier


class PasswordResetToken(StudioModel):
    """A link that sets a new password."""

    email = models.TextField()
    token = models.TextField(unique=True)
    expires = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    used = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["email", "token"], name="password_reset_token_unique_email_token"
            )
        ]

    def __str__(self) -> str:
        return self.email


class UserSession(StudioModel):
    """A device somebody uses."""

    user_id = models.TextField()
    device_id = models.TextField()
    ip_address = models.TextField(null=True, blank=True)
    user_agent = models.TextField(null=True, blank=True)
    last_seen = models.DateTimeField(auto_now=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user_id", "device_id"], name="user_session_unique_user_id_device_id"
            )
        ]

    def __str__(self) -> str:
        return f"device {self.device_id}"


class PhaseAccessToken(StudioModel):
    """A link that lets an outsider work on a stage."""

    stage_id = models.TextField()
    token = models.TextField(unique=True, default=make_token, editable=False)
    name = models.TextField(null=True, blank=True)
    active = models.BooleanField(default=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_by_id = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    last_accessed_at = models.DateTimeField(null=True, blank=True)
    access_count = models.IntegerField(default=0)
    last_accessed_ip = models.TextField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name or f"phase link {self.id}"
