"""What a restore has done: counted while it writes, compared with the plan before the commit, reported."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from backups.database import introspection
from backups.database.connection import Connection
from backups.errors import RestoreError
from backups.wording import _
from restore.database.detaching import LeftOff
from restore.database.redacted import Aside
from restore.database.targets import Target
from restore.plan import Done, Plan, differences
from restore.services.applying.file_content import Files
from restore.services.applying.verifying import counts
from restore.services.planning.staging import Prepared


@dataclass
class Counted:
    """What the statements said, a table at a time."""

    kept: int = 0
    refilled: int = 0
    removed: int = 0
    set_null: int = 0
    survives: int = 0
    revoked: int = 0
    left_out: int = 0


@dataclass
class State:
    """What was set aside, and what was counted, by table."""

    asides: dict[str, Aside] = field(default_factory=dict)
    counted: dict[str, Counted] = field(default_factory=dict)

    def of(self, table: str) -> Counted:
        return self.counted.setdefault(table, Counted())


def require_as_planned(connection: Connection, file: Prepared, plan: Plan, state: State) -> None:
    """Raises RestoreError where a number is not the plan's."""
    names = [table.table for table in plan.tables]
    rows = introspection.count_rows(connection, [file.tables[name] for name in names])
    done = {name: Done(after=rows[name], **vars(state.of(name))) for name in names}
    different = differences(plan, done)
    if different:
        raise RestoreError(
            "restore.not_as_planned",
            _(
                "The outcome differs from the plan in {tables}. Nothing was changed.",
                tables=", ".join(different),
            ),
            hint=_("Plan again. If it happens again, report it: it is an error of the software."),
        )


def report(
    file: Prepared,
    plan: Plan,
    files: Files,
    *,
    left_alone: Iterable[Target],
    purpose: Mapping[str, int],
    sessions: int,
    left_off: Iterable[LeftOff],
) -> dict[str, Any]:
    """The JSON form. ``purpose``: what was changed on purpose afterwards, ``sessions``: how many sign-ins
    were ended, ``left_off``: rules that rows break."""
    statistics = file.tail.statistics
    written: dict[bool, dict[str, int]] = {False: {}, True: {}}
    for target in file.matched.targets:
        key = target.head.key
        written[target.reading.section.framework][key] = statistics.sections[key].rows
    return {
        "rows": sum(written[False].values()),
        "changed_on_purpose": purpose,
        "sections": written[False],
        "people_lost": plan.accounts.lost,
        "access": [asdict(one) for one in plan.access],
        "framework": written[True],
        "left_alone": [t.head.key for t in left_alone if counts(t)],
        "tables": plan.as_dict()["tables"],
        "files": {
            "added": files.added,
            "kept": files.kept,
            "renamed": len(files.renamed) - files.hosted,
            "hosted": files.hosted,
            "elsewhere": files.elsewhere,
            "gaps": statistics.files.gaps,
            "skipped": statistics.files.skipped,
        },
        "sessions_ended": sessions,
        "rules_left_off": [[left.table, left.name] for left in left_off],
        "outgoing_held": not file.authentic,
    }
