"""What a restore or a test restore put back, out of its report, as people count."""

from collections.abc import Mapping
from typing import Any

from backups.registry import Counted, counted


def counted_in(report: Mapping[str, Any]) -> Counted:
    """Nothing of a report that lacks its last words."""
    return counted(report.get("sections", {}) | report.get("framework", {}))
