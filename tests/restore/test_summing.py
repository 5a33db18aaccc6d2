"""Accounts of a plan are summed up one after the other, and no more are kept than are named."""

import random
import weakref
from collections.abc import Iterator

from restore.plan import NAMED, AccountLoss, AccountPlan, Loss, Lost, Of, PasswordOf
from restore.summing import count_accounts

LOSS = (Loss(Lost.ROLE, Of.FILE, "OWNER"),)


def accounts(number: int) -> Iterator[AccountPlan]:
    chosen = random.Random(7)
    for n in range(number):
        privileged = chosen.random() < 0.2
        yield AccountPlan(
            email=f"{chosen.randrange(number)}@studio.example",
            name=str(n),
            role="OWNER" if privileged else "VIEWER",
            active=chosen.random() < 0.7,
            password=chosen.choice([*PasswordOf]),
            privileged=privileged,
            appears=privileged and chosen.random() < 0.9,
            owner=privileged,
            role_in_file=chosen.choice(["OWNER", "VIEWER", ""]),
            loses=LOSS if chosen.random() < 0.3 else (),
            email_kept="kept@studio.example" if chosen.random() < 0.1 else "",
        )


def test_the_sums_and_the_first_are_those_of_all():
    every = sorted(accounts(5_000), key=lambda a: (not (a.privileged or a.withheld), a.email))
    going = [AccountLoss("gone@studio.example", "", "", (Loss(Lost.ACCOUNT, Of.NOW, "VIEWER"),))]
    found = count_accounts(accounts(5_000), going)
    able = [a for a in every if a.can_sign_in]
    assert found.named == tuple(every[:NAMED])
    assert found.privileged_new == tuple(a for a in every if a.appears)[:NAMED]
    assert found.losing[0] == going[0]
    assert [a.name for a in found.losing[1:]] == [a.name for a in every if a.loses][: NAMED - 1]
    assert (found.total, found.can_sign_in) == (5_000, len(able))
    assert found.owners_who_can_sign_in == sum(a.owner for a in able)
    assert found.privileged_new_in_all == sum(a.appears for a in every) > NAMED
    assert found.lost == {
        "now": {"account": 1},
        "file": {"role": sum(bool(a.loses) for a in every)},
    }
    assert found.in_file == {
        role: sum(a.role_in_file == role for a in every) for role in ("OWNER", "VIEWER")
    }
    of_file = sum(a.password is PasswordOf.FILE for a in able)
    assert (found.with_files_password, found.addresses_kept) == (
        of_file,
        sum(bool(a.email_kept) for a in every),
    )


def test_no_more_are_kept_than_are_named():
    alive: weakref.WeakSet[AccountPlan] = weakref.WeakSet()
    most = 0

    def watched() -> Iterator[AccountPlan]:
        nonlocal most
        for account in accounts(20_000):
            alive.add(account)
            most = max(most, len(alive))
            yield account

    count_accounts(watched())
    # Three lists, each of twice as many at most.
    assert most < 3 * 2 * NAMED + 10
