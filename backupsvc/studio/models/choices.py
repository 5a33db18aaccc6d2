"""Choices that several tables share."""

from django.db import models


class RoomType(models.TextChoices):
    """What a room is for."""

    ENTRANCE = "ENTRANCE"
    FOYER = "FOYER"
    STAIRCASE = "STAIRCASE"
    LIVING_ROOM = "LIVING_ROOM"
    DINING_ROOM = "DINING_ROOM"
    KITCHEN = "KITCHEN"
    STUDY_ROOM = "STUDY_ROOM"
    OFFICE = "OFFICE"
    PLAYROOM = "PLAYROOM"
    MASTER_BEDROOM = "MASTER_BEDROOM"
    GIRLS_ROOM = "GIRLS_ROOM"
    BOYS_ROOM = "BOYS_ROOM"
    GUEST_BEDROOM = "GUEST_BEDROOM"
    POWDER_ROOM = "POWDER_ROOM"
    MASTER_BATHROOM = "MASTER_BATHROOM"
    FAMILY_BATHROOM = "FAMILY_BATHROOM"
    GIRLS_BATHROOM = "GIRLS_BATHROOM"
    BOYS_BATHROOM = "BOYS_BATHROOM"
    GUEST_BATHROOM = "GUEST_BATHROOM"
    LAUNDRY_ROOM = "LAUNDRY_ROOM"
    SUKKAH = "SUKKAH"
    BEDROOM = "BEDROOM"
    BATHROOM = "BATHROOM"
    FAMILY_ROOM = "FAMILY_ROOM"
    HALLWAY = "HALLWAY"
    PANTRY = "PANTRY"
    LAUNDRY = "LAUNDRY"
    MUDROOM = "MUDROOM"
    CLOSET = "CLOSET"
    OUTDOOR = "OUTDOOR"
    OTHER = "OTHER"


class Priority(models.TextChoices):
    """How soon something of a project update matters."""

    URGENT = "URGENT"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"
    NORMAL = "NORMAL"


class TaskStatus(models.TextChoices):
    """How far a task has come."""

    TODO = "TODO", "To do"
    IN_PROGRESS = "IN_PROGRESS"
    REVIEW = "REVIEW"
    DONE = "DONE"
    CANCELLED = "CANCELLED"


class Decision(models.TextChoices):
    """What was answered to a request for approval."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REVISION_REQUESTED = "REVISION_REQUESTED"
    EXPIRED = "EXPIRED"


class ReviewStatus(models.TextChoices):
    """How far a version has come on its way to the client."""

    DRAFT = "DRAFT"
    PENDING_INTERNAL_APPROVAL = "PENDING_INTERNAL_APPROVAL"
    READY_FOR_CLIENT = "READY_FOR_CLIENT"
    SENT_TO_CLIENT = "SENT_TO_CLIENT"
    CLIENT_REVIEWING = "CLIENT_REVIEWING"
    FOLLOW_UP_REQUIRED = "FOLLOW_UP_REQUIRED"
    CLIENT_APPROVED = "CLIENT_APPROVED"
    REVISION_REQUESTED = "REVISION_REQUESTED"


class ItemState(models.TextChoices):
    """How far the choice of an FFE item has come."""

    PENDING = "PENDING"
    UNDECIDED = "UNDECIDED"
    SELECTED = "SELECTED"
    CONFIRMED = "CONFIRMED"
    NOT_NEEDED = "NOT_NEEDED"
    COMPLETED = "COMPLETED"
