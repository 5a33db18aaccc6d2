"""Plans that nobody made: each with other things to say."""

import dataclasses
from typing import Any

from django.utils import timezone

from backups.findings import Finding, Severity
from backups.registry import registry
from backups.wording import _, ngettext
from restore.plan import (
    AccessRows,
    AccountLoss,
    AccountPlan,
    Choices,
    Fate,
    FileFacts,
    FilesPlan,
    Loss,
    Lost,
    Of,
    PasswordOf,
    Plan,
    TablePlan,
    acting_plan,
)
from restore.summing import count_accounts


def finding(severity: Severity, code: str = "restore.gaps", n: int = 1) -> Finding:
    message = ngettext("{n} row of {table} goes.", "{n} rows of {table} go.", n, table="users")
    return Finding(code, severity, message, _("Look at {table}.", table="users"), "users", n)


def account(role: str, **fields) -> AccountPlan:
    values: dict[str, Any] = {
        "email": f"{role.lower()}@studio.example",
        "name": "",
        "role": role,
        "active": True,
        "password": PasswordOf.TODAY,
        "privileged": role == "OWNER",
        "appears": False,
        "owner": role == "OWNER",
    }
    return AccountPlan(**(values | fields))


ACCOUNTS = count_accounts(
    [
        account("OWNER", appears=True),
        account("ADMIN", password=PasswordOf.FILE, role_in_file="OWNER", withheld=True),
        account("DESIGNER", password=PasswordOf.NONE),
        account("DESIGNER", email="admin@studio.example", active=False),
    ]
)


EVERY_LOSS = tuple(
    Loss(what, of, "DESIGNER")
    for of in Of
    for what in Lost
    if (of, what) != (Of.FILE, Lost.ACCOUNT)
)
LOSING = count_accounts(
    [
        account("OWNER", role_in_file="OWNER", loses=EVERY_LOSS),
        account("DESIGNER", role_in_file="ADMIN", withheld=True, loses=EVERY_LOSS[:3]),
    ],
    [AccountLoss("admin@studio.example", "", "", EVERY_LOSS[:1])],
)


def table(key: str, fate: Fate, *, now: int = 5, **numbers: Any) -> TablePlan:
    section = registry.by_key().get(key)
    name, group = (section.table, section.group) if section else (key, "")
    after = numbers.pop("after", 5)
    return dataclasses.replace(TablePlan(key, name, group, fate, now, after), **numbers)


ONE = dict.fromkeys(
    (
        "added",
        "dropped",
        "kept",
        "refilled",
        "removed",
        "set_null",
        "survives",
        "revoked",
        "changed",
    ),
    1,
)
MANY = dict.fromkeys(ONE, 2)
TABLES = (
    table("users", Fate.REPLACED, **ONE),
    table("clients", Fate.REPLACED, **MANY),
    table("projects", Fate.EMPTIED, dropped=5, after=0),
    table("django_content_type", Fate.FOLLOWS, removed=1),
    table("rooms", Fate.REPLACED, now=0, after=0),
)
FILES_ONE = FilesPlan(1, 1, 5, 1, 1, 1, 1, ("photo.jpg",), unsure=1, hosted=1)
FILES_MANY = FilesPlan(2, 2, 5, 2, 2, 2, 2, ("photo.jpg",), unsure=2, hosted=2)


def plan(kind: str = "complete", *findings: Finding, **more) -> Plan:
    facts = {"authentic": True, "created_by": "command line"} | more.pop("facts", {})
    file = FileFacts(
        type=kind,
        created_at=timezone.now().isoformat(),
        installation="other",
        digest="0" * 64,
        rows=5,
        **facts,
    )
    values: dict[str, Any] = {
        "choices": Choices(acting="owner@studio.example"),
        "tables": TABLES,
        "schema": (_("{table} is not in the file and will be empty.", table="users"),),
        "accounts": ACCOUNTS,
        "files": FILES_ONE,
    }
    return Plan(file=file, findings=findings, **(values | more))


EVERY_PLAN = {
    "many findings": plan("complete", *(finding(s, n=n) for s in Severity for n in (1, 2))),
    "hints of the page": plan(
        "safe",
        *(
            finding(Severity.ERROR, code)
            for code in ("restore.foreign", "restore.no_owner", "restore.acting_owner")
        ),
    ),
    "foreign": plan(
        "complete",
        facts={"authentic": False, "created_by": ""},
        files=FILES_MANY,
        choices=Choices(accept_foreign=True, accept_altered=True, grant_roles=("x",)),
        access=(
            AccessRows("sessions", "studio_session", 1, taken=True),
            AccessRows("accounts", "studio_account", 2, taken=False),
            AccessRows("approvals", "studio_approval", 1, taken=False, cells=("token",)),
            AccessRows("links", "studio_clientaccesstoken", 2, taken=True, cells=("token",)),
        ),
    ),
    "safe, losing one row": plan("safe", tables=TABLES[3:], files=FilesPlan()),
    "foreign, where nothing is yet": plan(
        facts={"authentic": False},
        accounts=LOSING,
        acting=acting_plan("owner@studio.example", None),
        is_new_here=True,
    ),
    "foreign, with all its accounts": plan(
        facts={"authentic": False},
        choices=Choices(all_accounts=True, keep_revoked=True),
        acting=acting_plan("owner@studio.example", account("OWNER", active=False)),
        is_new_here=True,
    ),
    "by kit": plan(
        facts={"by_kit": True},
        acting=acting_plan("owner@studio.example", account("OWNER")),
    ),
    "losing nothing": plan(tables=TABLES[4:], schema=(), accounts=count_accounts([])),
}
