"""Tasks, and contractors of projects."""

from backupsvc.studio.demo import texts
from backupsvc.studio.demo.layout import CONTRACTORS_PER_ORG, PROJECTS_PER_ORG
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import Contractor, Project, ProjectContractor, Room, Stage, Task, User
from backupsvc.studio.models.choices import TaskStatus

CONTRACTS_PER_ORG = 10


def task(src: Source, n: int) -> Task:
    return Task(
        id=src.own(n),
        title=src.sentence(),
        description=src.note(),
        status=src.choice(TaskStatus.values),
        assigned_to=src.maybe(src.any(User)),
        project_id=src.maybe(src.any(Project), 0.9),
        room_id=src.maybe(src.any(Room)),
        stage_id=src.maybe(src.any(Stage)),
        due_date=src.maybe(src.ahead()),
        completed_at=src.maybe(src.moment(), 0.3),
        **src.stamps(),
    )


def project_contractor(src: Source, n: int) -> ProjectContractor:
    # Every contractor of an organisation works on two of its projects.
    org, place = divmod(n, CONTRACTS_PER_ORG)
    project, contractor = divmod(place, CONTRACTORS_PER_ORG)
    started = src.moment()
    return ProjectContractor(
        id=src.own(n),
        project_id=src.id(Project, org * PROJECTS_PER_ORG + project),
        contractor_id=src.id(Contractor, org * CONTRACTORS_PER_ORG + contractor),
        role=src.maybe(src.choice(texts.TRADES), 0.8),
        start_date=src.maybe(started, 0.8),
        end_date=src.maybe(src.later(started, days=300), 0.3),
        is_active=src.chance(0.7),
        **src.stamps(),
    )
