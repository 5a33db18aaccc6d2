"""Steps of design sections."""

from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import ChecklistItem, DesignSection, User


def checklist_item(src: Source, n: int) -> ChecklistItem:
    done = src.chance(0.5)
    return ChecklistItem(
        id=src.own(n),
        section_id=src.any(DesignSection),
        title=src.sentence(),
        description=src.note(),
        completed=done,
        order=n % 5,
        created_by_id=src.any(User),
        completed_by_id=src.any(User) if done else None,
        completed_at=src.moment() if done else None,
        **src.stamps(),
    )
