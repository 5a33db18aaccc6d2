"""The demo studio with few rows and files: every table has some, and a copy takes a moment."""

import dataclasses

import pytest

from backupsvc.studio.demo import seeding
from backupsvc.studio.demo.files import Catalogue
from backupsvc.studio.demo.tables import Table

FEW = 6


class _FewFiles(Catalogue):
    def __init__(self, scale: int) -> None:
        super().__init__(scale)
        self.pictures = self.pictures[:4]
        self.documents = self.documents[:2]
        self.drawings = self.drawings[:2]
        self.pens = self.pens[:1]
        self.remote_pictures = self.remote_pictures[:1]
        self.remote_documents = self.remote_documents[:1]


def seed_small_studio() -> int:
    """Returns the number of rows. Equal rows and files each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seeding, "TABLES", tuple(map(_reduced, seeding.TABLES)))
        patch.setattr(seeding, "Catalogue", _FewFiles)
        return seeding.seed_studio(1, 1, lambda what, done: None)


def _reduced(table: Table) -> Table:
    """Rows that others may point to stay: which one a row points to follows from its number."""
    fields = table.model._meta.get_fields()
    if any(field.auto_created and not field.concrete for field in fields):
        return table
    return dataclasses.replace(table, rows_per_scale=min(table.rows_per_scale, FEW))
