"""What a Safe backup leaves out of a section, and what fills the gap at a restore."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

# 32 bytes are 256 bits: more than the 128 that docs/security.md asks of anything unguessable.
TOKEN_BYTES = 32


def random_token() -> str:
    """A fresh unguessable token, 43 URL-safe characters."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def unusable_password() -> str:
    """What Django stores for a password that nobody has; its owner asks for a new one by mail."""
    from django.contrib.auth.hashers import make_password

    return make_password(None)


@dataclass(frozen=True)
class Refill:
    """How an omitted cell gets a value when the row does not exist any more.

    ``make`` is called once a row; None stands for SQL NULL.
    """

    name: str
    make: Callable[[], object] | None

    @property
    def is_null(self) -> bool:
        return self.make is None


NULL = Refill("NULL", None)


@dataclass(frozen=True)
class Omit:
    """The column is absent from a Safe file: no placeholder, no hash, no length.

    At a restore the current value is kept where the row still exists; else ``refill`` makes one.
    """

    refill: Refill | Callable[[], object] = NULL

    @property
    def rule(self) -> Refill:
        if isinstance(self.refill, Refill):
            return self.refill
        return Refill(getattr(self.refill, "__name__", "callable"), self.refill)
