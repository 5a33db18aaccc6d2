"""How the demo studio's rows hang together: arithmetic on their numbers, at every scale.

The n-th room belongs to project n // 6, and so on; what needs a parent finds it without asking.
"""

USERS_PER_ORG = 8
CLIENTS_PER_ORG = 6
CONTRACTORS_PER_ORG = 5
TAGS_PER_ORG = 8
PROJECTS_PER_ORG = 6
ROOMS_PER_PROJECT = 6
STAGES_PER_ROOM = 6

# Positions of a stage within its room, as Stage.Type lists them.
DESIGN, DESIGN_CONCEPT, THREE_D, CLIENT_APPROVAL, DRAWINGS, FFE = range(STAGES_PER_ROOM)


def org_of_project(project: int) -> int:
    return project // PROJECTS_PER_ORG


def project_of_room(room: int) -> int:
    return room // ROOMS_PER_PROJECT


def room_of_stage(stage: int) -> int:
    return stage // STAGES_PER_ROOM


def stage_of_room(room: int, position: int) -> int:
    return room * STAGES_PER_ROOM + position


def org_of_room(room: int) -> int:
    return org_of_project(project_of_room(room))


def org_of_stage(stage: int) -> int:
    return org_of_room(room_of_stage(stage))
