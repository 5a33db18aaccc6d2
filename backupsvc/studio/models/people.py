"""Who there is: the studio's organisations and accounts, its clients and its contractors."""

from typing import Any, ClassVar

from django.contrib import auth
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import make_password
from django.db import models
from django.utils import timezone

from backupsvc.studio.models.keys import StudioModel


class Organization(StudioModel):
    """A studio: everything else belongs to one."""

    name = models.TextField()
    slug = models.TextField(unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class UserManager(BaseUserManager["User"]):
    """Makes accounts, and finds one by what somebody types into the sign-in form."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A new account, which waits for approval. Without a password it cannot sign in."""
        if not email:
            raise ValueError("An account needs an e-mail address.")
        user = self.model(email=self.normalize_email(email), **fields)
        if password is not None:
            user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A new owner, approved at once: ``createsuperuser`` opens an empty studio."""
        fields["role"] = User.Role.OWNER
        fields["approval_status"] = User.ApprovalStatus.APPROVED
        fields.setdefault("approved_at", timezone.now())
        return self.create_user(email, password, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """The account of this address: the same spelling first, else the only one but for case.

        Two accounts that differ only in case are told apart by their spelling alone.
        """
        try:
            return self.get(email=username)
        except User.DoesNotExist:
            pass
        try:
            return self.get(email__iexact=username)
        except User.MultipleObjectsReturned:
            raise User.DoesNotExist from None


class User(StudioModel, AbstractBaseUser):
    """An account. Signing in takes an approved one that has a password.

    There are no groups and no permissions of one's own: the role decides (``studio.roles``).
    """

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Role(models.TextChoices):
        OWNER = "OWNER"
        ADMIN = "ADMIN"
        DESIGNER = "DESIGNER"
        RENDERER = "RENDERER"
        DRAFTER = "DRAFTER"
        FFE = "FFE", "FFE"
        VIEWER = "VIEWER"

    class ApprovalStatus(models.TextChoices):
        PENDING = "PENDING"
        APPROVED = "APPROVED"
        REJECTED = "REJECTED"

    name = models.TextField(null=True, blank=True)
    email = models.TextField(unique=True)
    email_verified = models.DateTimeField(null=True, blank=True)
    image = models.TextField(null=True, blank=True)
    # NULL never signs in.
    password = models.TextField(null=True, blank=True)  # type: ignore[assignment]
    role = models.TextField(choices=Role.choices, default=Role.DESIGNER)
    org = models.ForeignKey(
        "Organization", on_delete=models.CASCADE, null=True, blank=True, related_name="users"
    )
    phone_number = models.TextField(null=True, blank=True)
    email_notifications_enabled = models.BooleanField(default=True)
    sms_notifications_enabled = models.BooleanField(default=False)
    must_change_password = models.BooleanField(default=False)
    approval_status = models.TextField(
        choices=ApprovalStatus.choices, default=ApprovalStatus.PENDING
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    last_login = None  # the table has no such column

    objects = UserManager()

    def __str__(self) -> str:
        return self.email

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        return self.approval_status == self.ApprovalStatus.APPROVED

    @property
    def is_staff(self) -> bool:
        """Everybody may enter the admin; what they find there is their role's."""
        return True

    @property
    def is_superuser(self) -> bool:
        return self.role == self.Role.OWNER

    def get_full_name(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        return self.get_full_name()

    def has_usable_password(self) -> bool:
        return self.password is not None and super().has_usable_password()

    def check_password(self, raw_password: str | None) -> bool:
        """Whether this is the password. NULL never is, and Django's own check would raise."""
        if self.password is None:
            make_password(raw_password)  # takes as long as a wrong password does
            return False
        return super().check_password(raw_password)

    async def acheck_password(self, raw_password: str | None) -> bool:
        if self.password is None:
            make_password(raw_password)
            return False
        return await super().acheck_password(raw_password)

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        return any(
            b.has_perm(self, perm, obj) for b in auth.get_backends() if hasattr(b, "has_perm")
        )

    def has_perms(self, perm_list: list[str], obj: models.Model | None = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        return any(
            hasattr(b, "has_module_perms") and b.has_module_perms(self, app_label)
            for b in auth.get_backends()
        )

    def get_all_permissions(self, obj: models.Model | None = None) -> set[str]:
        return set().union(
            *(
                b.get_all_permissions(self, obj)
                for b in auth.get_backends()
                if hasattr(b, "get_all_permissions")
            )
        )


class Client(StudioModel):
    """Somebody the studio works for."""

    name = models.TextField()
    email = models.TextField()
    phone = models.TextField(null=True, blank=True)
    org = models.ForeignKey("Organization", on_delete=models.CASCADE, related_name="clients")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    company = models.TextField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["org", "email"], name="client_unique_org_email")
        ]

    def __str__(self) -> str:
        return self.name


class Contractor(StudioModel):
    """A firm that carries out the work."""

    class Type(models.TextChoices):
        CONTRACTOR = "CONTRACTOR"
        SUBCONTRACTOR = "SUBCONTRACTOR"

    business_name = models.TextField()
    contact_name = models.TextField(null=True, blank=True)
    email = models.TextField()
    phone = models.TextField(null=True, blank=True)
    address = models.TextField(null=True, blank=True)
    type = models.TextField(choices=Type.choices, default=Type.CONTRACTOR)
    specialty = models.TextField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)
    is_active = models.BooleanField(default=True)
    org = models.ForeignKey("Organization", on_delete=models.CASCADE, related_name="contractors")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["org", "email"], name="contractor_unique_org_email")
        ]

    def __str__(self) -> str:
        return self.business_name
