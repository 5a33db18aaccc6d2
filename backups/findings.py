"""Finding: one objection or remark. Checks, coverage and plans collect all of them before they speak."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from backups.wording import Sentence, words_of


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True)
class Finding:
    """``table`` names a table or is empty; ``count`` says how many rows or things are meant."""

    code: str
    severity: Severity
    message: Sentence
    hint: Sentence
    table: str = ""
    count: int = 1

    @property
    def blocking(self) -> bool:
        return self.severity is Severity.ERROR

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; ``words`` keeps what the sentences were made of."""
        said = {"message": self.message, "hint": self.hint}
        plain = {name: str(text) for name, text in said.items()}
        return asdict(self) | plain | {"words": words_of(**said)}
