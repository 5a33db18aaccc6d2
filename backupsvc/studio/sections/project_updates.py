"""The diary of a project under construction."""

from backups.registry import COMPLETE, SAFE, JsonAddress, section
from backups.wording import _
from backupsvc.studio.models import (
    ContractorAssignment,
    ProjectMilestone,
    ProjectUpdate,
    ProjectUpdateActivity,
    ProjectUpdateMessage,
    ProjectUpdateTask,
)

section(
    ProjectUpdate,
    key="projectUpdates",
    group=_("Project Updates & Tasks"),
    scopes={SAFE, COMPLETE},
    safe_columns="id project_id room_id author_id type category status priority title description "
    "location gps_coordinates metadata due_date completed_at completed_by_id "
    "estimated_cost actual_cost time_estimated time_logged parent_update_id "
    "created_at updated_at",
)

section(
    ProjectUpdateTask,
    key="projectUpdateTasks",
    group=_("Project Updates & Tasks"),
    scopes={SAFE, COMPLETE},
    safe_columns="id update project_id room title description status priority assignee contractor "
    "trade_type estimated_hours actual_hours estimated_cost actual_cost materials "
    "dependencies due_date started_at completed_at created_by created_at updated_at",
)

section(
    ProjectUpdateMessage,
    key="projectUpdateMessages",
    group=_("Project Updates & Tasks"),
    scopes={SAFE, COMPLETE},
    safe_columns="id update_id task author_id content message_type priority parent_message_id "
    "mentions attachments read_by reactions is_urgent scheduled_for created_at "
    "updated_at deleted_at",
    files=[JsonAddress("attachments", path="$[*].url")],
)

section(
    ProjectUpdateActivity,
    key="projectUpdateActivities",
    group=_("Project Updates & Tasks"),
    scopes={SAFE, COMPLETE},
    safe_columns="id update_id project_id actor_id action_type entity_type entity_id description "
    "metadata ip_address user_agent created_at",
)

section(
    ProjectMilestone,
    key="projectMilestones",
    group=_("Project Updates & Tasks"),
    scopes={SAFE, COMPLETE},
    safe_columns="id project_id update_id name description type status percentage target_date "
    "actual_date dependencies celebrate_with_client auto_generate_report created_at "
    "updated_at",
)

section(
    ContractorAssignment,
    key="contractorAssignments",
    group=_("Project Updates & Tasks"),
    scopes={SAFE, COMPLETE},
    safe_columns="id project_id contractor_id update_id task role status notification_method "
    "last_notified_at acknowledged_at completed_at notes created_at updated_at",
)
