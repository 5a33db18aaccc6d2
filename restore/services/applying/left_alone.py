"""The tables that need not be written: their live rows, all and in every cell, are those of the file.

The plan that is applied compares every table with the file while nobody else can write to it. Where it
finds no difference, wiping and loading would bring back the rows that are there, indexes would be built and
keys validated that are there, and the site would be away meanwhile. On the worst day most tables are such.
"""

from backups import conf
from backups.database.table_reading import primary_key_columns
from restore.database.targets import Target
from restore.plan import Fate, Plan, TablePlan
from restore.services.planning.proving import is_told_apart_by
from restore.services.planning.replacing import compared_columns
from restore.services.planning.staging import Prepared


def left_alone(file: Prepared, plan: Plan) -> frozenset[str]:
    """Their names. ``plan`` was counted under the locks, with everything readable; ``file`` is proven.

    Never one of which a cell is not compared, or is changed on purpose: where the file left columns or
    content out, says less than the table holds, or came from elsewhere; where accounts are settled or
    choices keep cells; where rules give way; where cells are generated, which no file has and which are
    computed anew when rows are written.
    """
    if not conf.leaves_equal_tables():
        return frozenset()
    planned = {table.table: table for table in plan.tables}
    giving_way = _where_rules_give_way(file, plan)
    return frozenset(
        target.table.name
        for target in file.matched.targets
        if target.table.name not in giving_way
        and _is_wholly_compared(file, plan, target)
        and _is_without_difference(planned[target.table.name])
    )


def _where_rules_give_way(file: Prepared, plan: Plan) -> set[str]:
    """With the tables of whose partitions one has such a rule, and those at both ends of such a key: rows
    that no backup reads may break it."""
    found = {table for table, _rule in plan.giving_way}
    for key in file.keys:
        if (key.table, key.name) in plan.giving_way:
            found |= {key.source.whole, key.target.whole}
    return found


def _is_wholly_compared(file: Prepared, plan: Plan, target: Target) -> bool:
    name, section = target.table.name, target.reading.section
    return (
        name in file.proven
        and not (section.accounts or target.redacted or target.withheld)
        and set(compared_columns(file, plan.choices, target)) == target.table.columns.keys()
        and is_told_apart_by(primary_key_columns(section.model), name, file.rules)
    )


def _is_without_difference(table: TablePlan) -> bool:
    nothing = TablePlan(
        table.key,
        table.table,
        table.group,
        Fate.REPLACED,
        table.now,
        table.now,
        paired=table.paired,
    )
    return table == nothing
