"""A studio of a few rows and files: enough for a backup of every kind, and quick to make."""

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from backupsvc.studio.models import Asset, Organization, User

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
PASSWORD = "md5$a$the-hash-of-a-password"


def small_studio() -> None:
    """One organisation, its owner, and a picture that is named in two ways."""
    atelier = Organization.objects.create(id="atelier", name='סטודיו "אור"', slug="atelier")
    User.objects.create(
        id="noa",
        name="Noa",
        email="noa@studio.example",
        password=PASSWORD,
        role=User.Role.OWNER,
        approval_status=User.ApprovalStatus.APPROVED,
        org=atelier,
    )
    keep("studio/a.png", PICTURE)
    picture("by-name", "studio/a.png")
    picture("by-address", default_storage.url("studio/a.png"))


def keep(name: str, content: bytes) -> None:
    assert default_storage.save(name, ContentFile(content)) == name


def picture(key: str, url: str, kind: str = "IMAGE") -> None:
    """An asset that says where a file is."""
    Asset.objects.create(
        id=key, title=key, url=url, type=kind, uploaded_by_id="noa", org_id="atelier"
    )
