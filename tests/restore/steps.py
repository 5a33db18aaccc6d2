"""The steps of the tests, each the use case that commands, pages and workers call."""

import json
from pathlib import Path
from typing import Any

from backups.errors import BackupSystemError
from backups.services import auditing
from restore.models import RestoreRun
from restore.plan import Choices, Plan
from restore.services.applying import applying
from restore.services.asking import requests
from restore.services.planning.counting import plan_file
from tests.restore.conftest import OWNER


def plan_as(path: Path, acting: str = OWNER, **choices: Any) -> Plan:
    return plan_file(path, Choices(acting=acting, **choices))


def restore_as(
    path: Path, acting: str = OWNER, *, confirmed: Plan | None = None, **choices: Any
) -> RestoreRun:
    """``confirmed``: the plan that the person has seen, which travels as JSON."""
    seen = json.loads(json.dumps(confirmed.as_dict())) if confirmed else None
    run = requests.request(
        path, auditing.COMMAND_LINE, Choices(acting=acting, **choices), confirmed=seen
    )
    return applying.carry_out(run, path)


def refusal(path: Path, acting: str = OWNER, **choices: Any) -> str:
    """The code of the error with which a restore ends; empty where it succeeds."""
    try:
        restore_as(path, acting, **choices)
    except BackupSystemError as error:
        return error.code
    return ""


def codes(plan: Plan) -> dict[str, str]:
    """The severity of each code among a plan's findings."""
    return {finding.code: str(finding.severity) for finding in plan.findings}
