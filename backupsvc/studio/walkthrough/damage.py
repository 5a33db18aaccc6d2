"""A bad day: rows deleted, changed and added, files lost."""

from dataclasses import dataclass

from django.core.files.storage import default_storage

from backupsvc.studio.demo.files import Catalogue
from backupsvc.studio.models import ChatMessage, ClientAccessToken, Organization, Project, Tag, User

PROJECTS_LOST = 3
FILES_LOST = 8


@dataclass(frozen=True)
class Damage:
    rows_deleted: int
    rows_changed: int
    rows_added: int
    files_deleted: int


def do_damage() -> Damage:
    """Hit tables with many dependants, texts, passwords, links and files."""
    lost = Project.objects.order_by("pk")[:PROJECTS_LOST]
    deleted = sum(project.delete()[0] for project in lost)
    changed = ChatMessage.objects.update(content="overwritten")
    changed += User.objects.update(password=None)
    changed += ClientAccessToken.objects.update(active=False)
    organization = Organization.objects.order_by("pk")[0]
    Tag.objects.create(name="made on the bad day", org=organization)
    stored = [name for name in Catalogue(1).stored if default_storage.exists(name)]
    for name in stored[:FILES_LOST]:
        default_storage.delete(name)
    return Damage(deleted, changed, 1, len(stored[:FILES_LOST]))
