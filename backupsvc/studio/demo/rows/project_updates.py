"""The diary of a project: updates that answer earlier ones, tasks, messages, milestones."""

from typing import Any

from backupsvc.studio.demo import texts
from backupsvc.studio.demo.layout import ROOMS_PER_PROJECT, org_of_project
from backupsvc.studio.demo.source import Source
from backupsvc.studio.models import (
    Contractor,
    ContractorAssignment,
    Project,
    ProjectMilestone,
    ProjectUpdate,
    ProjectUpdateActivity,
    ProjectUpdateMessage,
    ProjectUpdateTask,
    Room,
    User,
)
from backupsvc.studio.models.choices import Priority, TaskStatus

UPDATES_PER_PROJECT = 6
TASKS_PER_PROJECT = 6
MILESTONES_PER_PROJECT = 3
MATERIALS = ["oak", "שיש", "brass", "linen"]


def project_update(src: Source, n: int) -> ProjectUpdate:
    project, place = divmod(n, UPDATES_PER_PROJECT)
    org = org_of_project(project)
    done = src.chance(0.3)
    return ProjectUpdate(
        id=src.own(n),
        project_id=src.id(Project, project),
        room_id=src.maybe(_room_of(src, project)),
        author_id=src.member(org),
        type=src.choice(ProjectUpdate.Type.values),
        category=src.choice(ProjectUpdate.Category.values),
        status=src.choice(ProjectUpdate.Status.values),
        priority=src.choice(Priority.values),
        title=src.maybe(src.sentence(), 0.8),
        description=src.note(),
        location=src.maybe(src.choice(texts.CITIES)),
        gps_coordinates=src.maybe(_coordinates(src)),
        metadata=src.maybe(src.details()),
        due_date=src.maybe(src.ahead()),
        completed_at=src.moment() if done else None,
        completed_by_id=src.member(org) if done else None,
        estimated_cost=src.maybe(src.money()),
        actual_cost=src.maybe(src.money()),
        time_estimated=src.maybe(src.number(0, 10_000)),
        time_logged=src.maybe(src.number(0, 10_000)),
        # A chain: the second half of a project's updates each answer the one before.
        parent_update_id=src.own(n - 1) if place >= UPDATES_PER_PROJECT // 2 else None,
        **src.stamps(),
    )


def _room_of(src: Source, project: int) -> str:
    return src.id(Room, project * ROOMS_PER_PROJECT + src.number(0, ROOMS_PER_PROJECT))


def _coordinates(src: Source) -> dict[str, float]:
    return {"lat": src.number(-90_000, 90_000) / 1000, "lng": 34.78, "accuracy": 5}


def project_update_task(src: Source, n: int) -> ProjectUpdateTask:
    project, place = divmod(n, TASKS_PER_PROJECT)
    return ProjectUpdateTask(
        id=src.own(n),
        update_id=src.maybe(src.id(ProjectUpdate, n), 0.8),
        project_id=src.id(Project, project),
        room_id=src.maybe(_room_of(src, project)),
        title=src.sentence(),
        description=src.note(),
        status=src.choice(TaskStatus.values),
        priority=src.choice(Priority.values),
        assignee_id=src.maybe(src.any(User)),
        contractor_id=src.maybe(src.any(Contractor)),
        trade_type=src.maybe(src.choice(texts.TRADES)),
        estimated_hours=src.maybe(src.money()),
        actual_hours=src.maybe(src.money()),
        estimated_cost=src.maybe(src.money()),
        actual_cost=src.maybe(src.money()),
        materials=src.maybe([{"name": name, "m2": 1.5} for name in src.some(MATERIALS)]),
        dependencies=[src.own(n - k) for k in range(1, place + 1) if src.chance(0.4)],
        due_date=src.maybe(src.ahead()),
        started_at=src.maybe(src.moment()),
        completed_at=src.maybe(src.moment(), 0.3),
        created_by_id=src.member(org_of_project(project)),
        **src.stamps(),
    )


def project_update_message(src: Source, n: int) -> ProjectUpdateMessage:
    return ProjectUpdateMessage(
        id=src.own(n),
        update_id=src.any(ProjectUpdate),
        task_id=src.maybe(src.any(ProjectUpdateTask), 0.3),
        author_id=src.any(User),
        content=src.body(),
        message_type=src.choice(ProjectUpdateMessage.MessageType.values),
        priority=src.choice(Priority.values),
        parent_message_id=src.own(n - 1) if n % 3 == 1 else None,
        mentions=[src.any(User) for _ in range(src.number(0, 3))],
        attachments=src.maybe(src.attachments(), 0.6),
        read_by=src.maybe({src.any(User): "2025-10-01T08:00:00Z"}),
        reactions=src.maybe({"👍": [src.any(User)], "❤️": []}, 0.3),
        is_urgent=src.chance(0.1),
        scheduled_for=src.maybe(src.ahead(), 0.1),
        deleted_at=src.maybe(src.moment(), 0.05),
        **src.stamps(),
    )


def project_update_activity(src: Source, n: int) -> ProjectUpdateActivity:
    return ProjectUpdateActivity(
        id=src.own(n),
        update_id=src.maybe(src.any(ProjectUpdate), 0.9),
        project_id=src.any(Project),
        actor_id=src.maybe(src.any(User), 0.9),
        action_type=src.choice(["CREATED", "COMPLETED", "MESSAGE"]),
        entity_type="UPDATE",
        entity_id=src.any(ProjectUpdate),
        description=src.sentence(),
        metadata=src.maybe(src.details()),
        ip_address=src.maybe(src.ip_address()),
        user_agent=src.maybe(src.user_agent()),
        created_at=src.moment(),
    )


def project_milestone(src: Source, n: int) -> ProjectMilestone:
    project, place = divmod(n, MILESTONES_PER_PROJECT)
    return ProjectMilestone(
        id=src.own(n),
        project_id=src.id(Project, project),
        update_id=src.maybe(src.any(ProjectUpdate), 0.3),
        name=f"Phase {place + 1}: {src.choice(texts.TRADES)}",
        description=src.note(),
        type=src.choice(ProjectMilestone.Type.values),
        status=src.choice(ProjectMilestone.Status.values),
        percentage=src.number(0, 101),
        target_date=src.maybe(src.ahead(), 0.8),
        actual_date=src.maybe(src.moment(), 0.3),
        dependencies=[src.own(n - 1)] if place else [],
        celebrate_with_client=src.chance(0.2),
        auto_generate_report=src.chance(0.8),
        **src.stamps(),
    )


def contractor_assignment(src: Source, n: int) -> ContractorAssignment:
    return ContractorAssignment(
        id=src.own(n),
        project_id=src.any(Project),
        contractor_id=src.any(Contractor),
        update_id=src.maybe(src.any(ProjectUpdate)),
        task_id=src.maybe(src.any(ProjectUpdateTask), 0.8),
        role=src.choice(texts.TRADES),
        status=src.choice(ContractorAssignment.Status.values),
        notification_method=src.choice(ContractorAssignment.NotificationMethod.values),
        **_progress(src),
        notes=src.note(),
        **src.stamps(),
    )


def _progress(src: Source) -> dict[str, Any]:
    notified = src.moment()
    return {
        "last_notified_at": src.maybe(notified, 0.9),
        "acknowledged_at": src.maybe(src.later(notified)),
        "completed_at": src.maybe(src.later(notified, days=90), 0.3),
    }
