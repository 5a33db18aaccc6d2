"""Finding: one objection or remark. Checks, coverage and plans collect all of them before they speak."""

from dataclasses import asdict, dataclass
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True)
class Finding:
    """``table`` names a table or is empty; ``count`` says how many rows or things are meant."""

    code: str
    severity: Severity
    message: str
    hint: str
    table: str = ""
    count: int = 1

    @property
    def blocking(self) -> bool:
        return self.severity is Severity.ERROR

    def as_dict(self) -> dict[str, object]:
        return asdict(self)
