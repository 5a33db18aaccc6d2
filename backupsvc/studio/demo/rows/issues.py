"""Issues."""

from backupsvc.studio.demo.layout import (
    org_of_stage,
    project_of_room,
    room_of_stage,
)
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    Issue,
    IssueComment,
    Organization,
    Project,
    Room,
    Stage,
    User,
)


def issue(src: Source, n: int) -> Issue:
    stage = src.number(0, src.counts[Stage])
    room, org = room_of_stage(stage), org_of_stage(stage)
    resolved = src.chance(0.4)
    return Issue(
        id=src.own(n),
        title=src.sentence(),
        description=src.body(),
        type=src.choice(Issue.Type.values),
        priority=src.choice(Issue.Priority.values),
        status=Issue.Status.RESOLVED if resolved else src.choice(Issue.Status.values),
        reported_by_id=src.member(org),
        assigned_to_id=src.maybe(src.member(org)),
        resolved_by_id=src.member(org) if resolved else None,
        org_id=src.maybe(src.id(Organization, org), 0.9),
        project_id=src.maybe(src.id(Project, project_of_room(room)), 0.9),
        room_id=src.maybe(src.id(Room, room), 0.6),
        stage_id=src.maybe(src.id(Stage, stage), 0.4),
        resolved_at=src.moment() if resolved else None,
        closed_at=src.maybe(src.moment(), 0.2),
        metadata=src.maybe(src.details()),
        **src.stamps(),
    )


def issue_comment(src: Source, n: int) -> IssueComment:
    return IssueComment(
        id=src.own(n),
        issue_id=src.any(Issue),
        content=src.body(),
        author_id=src.any(User),
        **src.stamps(),
    )
