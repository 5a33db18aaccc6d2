"""Rules and keys that look at generated columns, which no file has: the plan computes them and asks."""

from pathlib import Path

import pytest

from backups.registry import COMPLETE
from restore.services.planning import staging
from tests.restore.forging import Document, encoded, foreign
from tests.restore.steps import plan_as, restore_as
from tests.restore.test_rows_that_break_rules import execute, rules, with_keys_off
from tests.roundtrip.dump import differences, dump_data
from tests.roundtrip.engine import back_up, stored

pytestmark = pytest.mark.usefixtures("changing_schema")


def keys_both_ways() -> None:
    """To a generated column, and from one; each is led to nowhere by a row. And types are called as functions
    are."""
    execute(
        *(
            f"CREATE TYPE {name} AS (a integer)"
            for name in ("array_agg", "count", "max", "to_json")
        ),
        "ALTER TABLE zoo_computed ADD CONSTRAINT once UNIQUE (doubled)",
        "ALTER TABLE zoo_everytype ADD CONSTRAINT to_made FOREIGN KEY (a_numeric)"
        " REFERENCES zoo_computed (doubled)",
        "CREATE UNIQUE INDEX ON zoo_everytype (a_numeric)",
        "ALTER TABLE zoo_computed ADD CONSTRAINT of_made FOREIGN KEY (doubled)"
        " REFERENCES zoo_everytype (a_numeric)",
    )
    with_keys_off(
        "INSERT INTO zoo_computed (price) VALUES (1), (2)",
        "INSERT INTO zoo_everytype (a_numeric) VALUES (2), (77)",
    )


def broken(file: Path) -> set[str]:
    return {f.table for f in plan_as(file).findings if f.code == "restore.reference"}


def test_a_row_that_broke_a_key_over_one_comes_back(studio, monkeypatch) -> None:
    keys_both_ways()
    before, file = dump_data(), stored(back_up(COMPLETE))
    assert broken(file) == {"zoo_everytype", "zoo_computed"}
    with monkeypatch.context() as without:  # Then nobody looks, and the restore is refused.
        without.setattr(staging, "with_generated", lambda _, waiting, *rest: dict(waiting))
        assert "zoo_computed" not in broken(file)
    execute("DELETE FROM zoo_computed WHERE price = 2")
    run = restore_as(file)
    assert differences(before, dump_data()) == []
    left = [["zoo_computed", "of_made"], ["zoo_everytype", "to_made"]]
    assert sorted(run.report["rules_left_off"]) == left
    assert not rules()["zoo_computed of_made"][1]


def test_what_a_foreign_file_would_break_of_them_is_in_the_plan(studio, tmp_path) -> None:
    execute(
        "INSERT INTO zoo_computed (price) VALUES (1), (2)",
        "ALTER TABLE zoo_computed ADD CONSTRAINT once UNIQUE (doubled)",
        "ALTER TABLE zoo_computed ADD CONSTRAINT low CHECK (doubled < 1000)",
        "ALTER TABLE zoo_computed ALTER doubled SET NOT NULL, ALTER price DROP NOT NULL",
    )
    file = stored(back_up(COMPLETE))

    def found(*prices: str | None) -> list[str]:
        def edit(document: Document) -> None:
            first = document.read("zoo.Computed")[0]
            rows = [first | {"id": number, "price": price} for number, price in enumerate(prices)]
            document.rows["zoo.Computed"] = [encoded(row) for row in rows]

        path = foreign(file, tmp_path / "forged.json", edit)
        plan = plan_as(path, accept_foreign=True)
        return sorted(f.code for f in plan.findings if f.blocking and f.table == "zoo_computed")

    broken = ["restore.check", "restore.duplicate", "restore.null"]
    assert found("3", "3", "700", None) == broken
    assert found("9" * 21) == ["restore.out_of_range"]
