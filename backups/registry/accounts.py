"""What a restore must know of the table of accounts, and of tables of things that can be revoked."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Accounts:
    """The fields of the accounts' table, by name.

    ``owner`` is the role that may restore; ``privileged`` are all roles that a plan names one by one;
    ``fallback_role`` is what an account of a foreign file gets unless its role was granted.
    ``active`` are the values that an account must have to sign in. ``survives`` are the fields that the
    acting owner's account keeps through a Safe restore, beside the password.
    """

    email: str
    name: str
    password: str
    role: str
    owner: str
    privileged: tuple[str, ...]
    fallback_role: str
    active: Mapping[str, str]
    survives: tuple[str, ...]

    def fields(self) -> tuple[str, ...]:
        named = (self.email, self.name, self.password, self.role)
        return (*named, *self.active, *self.survives)
