"""The studio's 82 tables, one file a subject.

A text column named ``…_id`` is an id kept without a database constraint: what it names may be gone.
``blank`` says what a page may leave empty: whatever may be NULL, and documents without content.
"""

from backupsvc.studio.models.activity import (
    Activity,
    ActivityLog,
    ClientAccessLog,
    FFEAuditLog,
    FFEChangeLog,
    PhaseAccessLog,
)
from backupsvc.studio.models.approvals import Approval, ClientAccessToken, Comment
from backupsvc.studio.models.assets import Asset
from backupsvc.studio.models.authentication import (
    Account,
    PasswordResetToken,
    PhaseAccessToken,
    Session,
    UserSession,
    VerificationToken,
)
from backupsvc.studio.models.cad import CadLayoutCache, CadPreferences, ProjectCadDefaults
from backupsvc.studio.models.chat import ChatMention, ChatMessage, SmsConversation
from backupsvc.studio.models.checklists import ChecklistItem
from backupsvc.studio.models.client_approval_versions import ClientApprovalVersion
from backupsvc.studio.models.client_approvals import (
    ClientApproval,
    ClientApprovalActivity,
    ClientApprovalAsset,
)
from backupsvc.studio.models.emails import (
    ClientApprovalEmailLog,
    EmailLog,
    FloorplanApprovalEmailLog,
)
from backupsvc.studio.models.ffe import (
    FFEBathroomState,
    FFEGeneralSettings,
    FFELibraryItem,
    FFETemplate,
    FFETemplateItem,
    FFETemplateSection,
)
from backupsvc.studio.models.ffe_items import FFEItem, FFEItemStatus
from backupsvc.studio.models.floorplans import (
    FloorplanApprovalActivity,
    FloorplanApprovalAsset,
    FloorplanApprovalVersion,
)
from backupsvc.studio.models.issues import Issue, IssueComment
from backupsvc.studio.models.notifications import Notification, NotificationSend
from backupsvc.studio.models.people import Client, Contractor, Organization, User
from backupsvc.studio.models.project_updates import (
    ContractorAssignment,
    ProjectMilestone,
    ProjectUpdate,
    ProjectUpdateActivity,
    ProjectUpdateMessage,
    ProjectUpdateTask,
)
from backupsvc.studio.models.projects import Project, Room
from backupsvc.studio.models.renderings import DrawingChecklistItem, RenderingNote, RenderingVersion
from backupsvc.studio.models.room_configuration import RoomPreset, RoomSection
from backupsvc.studio.models.room_ffe import (
    FFESectionLibrary,
    RoomFFEInstance,
    RoomFFEItem,
    RoomFFESection,
)
from backupsvc.studio.models.spec_books import (
    DropboxFileLink,
    SpecBook,
    SpecBookGeneration,
    SpecBookSection,
)
from backupsvc.studio.models.stages import DesignSection, Stage
from backupsvc.studio.models.tags import (
    AssetPin,
    AssetTag,
    CommentLike,
    CommentPin,
    CommentTag,
    Tag,
)
from backupsvc.studio.models.tasks import ProjectContractor, Task
from backupsvc.studio.models.update_files import ProjectUpdateDocument, ProjectUpdatePhoto

__all__ = [
    "Account",
    "Activity",
    "ActivityLog",
    "Approval",
    "Asset",
    "AssetPin",
    "AssetTag",
    "CadLayoutCache",
    "CadPreferences",
    "ChatMention",
    "ChatMessage",
    "ChecklistItem",
    "Client",
    "ClientAccessLog",
    "ClientAccessToken",
    "ClientApproval",
    "ClientApprovalActivity",
    "ClientApprovalAsset",
    "ClientApprovalEmailLog",
    "ClientApprovalVersion",
    "Comment",
    "CommentLike",
    "CommentPin",
    "CommentTag",
    "Contractor",
    "ContractorAssignment",
    "DesignSection",
    "DrawingChecklistItem",
    "DropboxFileLink",
    "EmailLog",
    "FFEAuditLog",
    "FFEBathroomState",
    "FFEChangeLog",
    "FFEGeneralSettings",
    "FFEItem",
    "FFEItemStatus",
    "FFELibraryItem",
    "FFESectionLibrary",
    "FFETemplate",
    "FFETemplateItem",
    "FFETemplateSection",
    "FloorplanApprovalActivity",
    "FloorplanApprovalAsset",
    "FloorplanApprovalEmailLog",
    "FloorplanApprovalVersion",
    "Issue",
    "IssueComment",
    "Notification",
    "NotificationSend",
    "Organization",
    "PasswordResetToken",
    "PhaseAccessLog",
    "PhaseAccessToken",
    "Project",
    "ProjectCadDefaults",
    "ProjectContractor",
    "ProjectMilestone",
    "ProjectUpdate",
    "ProjectUpdateActivity",
    "ProjectUpdateDocument",
    "ProjectUpdateMessage",
    "ProjectUpdatePhoto",
    "ProjectUpdateTask",
    "RenderingNote",
    "RenderingVersion",
    "Room",
    "RoomFFEInstance",
    "RoomFFEItem",
    "RoomFFESection",
    "RoomPreset",
    "RoomSection",
    "Session",
    "SmsConversation",
    "SpecBook",
    "SpecBookGeneration",
    "SpecBookSection",
    "Stage",
    "Tag",
    "Task",
    "User",
    "UserSession",
    "VerificationToken",
]
