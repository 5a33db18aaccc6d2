"""Photos and documents of updates."""

from backupsvc.studio.demo import texts
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    Asset,
    ProjectUpdate,
    ProjectUpdateDocument,
    ProjectUpdatePhoto,
    User,
)
from backupsvc.studio.models.choices import Decision


def project_update_photo(src: Source, n: int) -> ProjectUpdatePhoto:
    # Of every four photos one shows the state before and names the photo of the state after.
    before = n % 4 == 0
    return ProjectUpdatePhoto(
        id=src.own(n),
        update_id=src.any(ProjectUpdate),
        asset_id=src.any(Asset),
        caption=src.note(),
        gps_coordinates=src.maybe({"lat": 32.0853, "lng": 34.7818}),
        taken_at=src.maybe(src.moment(), 0.9),
        before_after_pair_id=src.own(n + 1) if before else None,
        tags=src.some(["demolition", "ריצוף", "detail, close", 'the "good" side']),
        room_area=src.maybe("north wall"),
        trade_category=src.maybe(src.choice(texts.TRADES)),
        is_before_photo=before,
        is_after_photo=n % 4 == 1,
        annotations_data=src.maybe({"shapes": [{"type": "arrow", "points": [[0, 0.5], [1, 1]]}]}),
        ai_analysis=src.maybe(src.details(), 0.2),
        **src.stamps(),
    )


def project_update_document(src: Source, n: int) -> ProjectUpdateDocument:
    approved = src.chance(0.4)
    return ProjectUpdateDocument(
        id=src.own(n),
        update_id=src.any(ProjectUpdate),
        asset_id=src.any(Asset),
        document_type=src.choice(ProjectUpdateDocument.DocumentType.values),
        version=f"{n % 3 + 1}.0",
        is_current_version=src.chance(0.8),
        changes_from_previous=src.note(),
        approval_status=Decision.APPROVED if approved else src.choice(Decision.values),
        approved_by_id=src.any(User) if approved else None,
        approved_at=src.moment() if approved else None,
        expires_at=src.maybe(src.ahead(), 0.3),
        distribution_list=src.maybe([{"email": f"client-{n}@client.example", "cc": []}]),
        **src.stamps(),
    )
