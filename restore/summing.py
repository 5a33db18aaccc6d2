"""Accounts of a plan, summed up one after the other: a file may have millions."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from restore.plan import NAMED, AccountLoss, AccountPlan, AccountsPlan, Loss, Of, PasswordOf

Item = TypeVar("Item")


def count_accounts(
    accounts: Iterable[AccountPlan], going: Iterable[AccountLoss] = ()
) -> AccountsPlan:
    """Sum up; accounts that are privileged, or would be, come first among the named. ``going`` are those
    that are not there afterwards. Each is looked at once, and no more are kept than are named."""
    total: Counter[str] = Counter()
    roles: Counter[str] = Counter()
    losses = _Losses()
    named, new, losing = _First(_by_privilege), _First(_by_privilege), _First(_by_privilege)
    for account in accounts:
        total.update(_counted(account))
        roles[account.role_in_file] += 1
        named.add(account)
        if account.appears:
            new.add(account)
        if account.loses:
            losses.add(account.loses)
            losing.add(account)
    gone: list[AccountLoss] = []
    for one in going:
        losses.add(one.losses)
        if len(gone) < NAMED:
            gone.append(one)
    gone += [AccountLoss(a.email, a.name, a.role, a.loses) for a in losing.items()]
    return AccountsPlan(
        total=total["total"],
        can_sign_in=total["can_sign_in"],
        with_todays_password=total["with_todays_password"],
        with_files_password=total["with_files_password"],
        need_reset=total["need_reset"],
        owners_who_can_sign_in=total["owners"],
        privileged_new=new.items(),
        privileged_new_in_all=total["appear"],
        named=named.items(),
        losing=tuple(gone[:NAMED]),
        lost=losses.found,
        addresses_kept=total["addresses_kept"],
        in_file={role: roles[role] for role in sorted(roles) if role},
    )


def _counted(account: AccountPlan) -> dict[str, int]:
    able, password = account.can_sign_in, account.password
    return {
        "total": 1,
        "can_sign_in": able,
        "with_todays_password": able and password is PasswordOf.TODAY,
        "with_files_password": able and password is PasswordOf.FILE,
        "need_reset": account.active and password is PasswordOf.NONE,
        "owners": able and account.owner,
        "appear": account.appears,
        "addresses_kept": bool(account.email_kept),
    }


def _by_privilege(account: AccountPlan) -> tuple[bool, str]:
    return (not (account.privileged or account.withheld), account.email)


class _First(Generic[Item]):
    """The first ``NAMED`` of many by their order; of equals those that came first."""

    def __init__(self, order: Callable[[Item], Any]) -> None:
        self._order = order
        self._kept: list[Item] = []

    def add(self, item: Item) -> None:
        self._kept.append(item)
        if len(self._kept) > 2 * NAMED:
            self._kept = [*self.items()]

    def items(self) -> tuple[Item, ...]:
        return tuple(sorted(self._kept, key=self._order)[:NAMED])


class _Losses:
    """``found``: by where it was had and what it is, how many lose it."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, int]] = {of.value: {} for of in Of}

    def add(self, losses: Iterable[Loss]) -> None:
        for loss in losses:
            counted = self.found[loss.of.value]
            counted[loss.what.value] = counted.get(loss.what.value, 0) + 1
