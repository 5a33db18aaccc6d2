"""What PostgreSQL would make another value of without a word, in a file that somebody edited."""

import pytest

from backups.registry import COMPLETE
from restore.database.shapes import Shapes
from restore.services.planning import scanning
from restore.services.planning.bending import bends_of
from tests.restore.forging import Document, encoded, foreign
from tests.restore.steps import plan_as
from tests.roundtrip.engine import back_up, stored, writing
from tests.zoo import rows

SHAPES = Shapes(
    domains={"label": "name", "labels": "label[]"},
    composites={"pair": ("text", "date"), "nest": ("pair", "pair[]", "label"), "plain": ("text", "integer")},
)  # fmt: skip
LONG = "x" * 64
BENT = {
    "name": [LONG, "é" * 32],
    "label": [LONG],
    "labels": [f"{{a,{LONG}}}", f'[0:1]={{a,"{LONG}"}}', rf'{{"{LONG}\""}}'],
    '"char"': ["ab", r"\400", "é"],
    "xid8": ["-1", "18446744073709551616", "0x10", "007", " 7"],
    "oid": ["-1", "4294967296"],
    "xid[]": ["{1,-1}"],
    "pair": [
        "(a,now)",
        '(a,n"ow")',
        r"(a,n\ow)",
        "(a, 2020-01-01)",
        "(a,)b",
        "(a)",
        '("a,today)',
        "",
        "a",
    ],
    "nest": ['("(a,now)",{},x)', '(,"{""(a,epoch)""}",)', f"(,,{LONG})", '("(a,n""""ow"""")",,)'],
    "date": ["now", r"n\ow", "TOMORROW"],
    "tstzrange": ['["yester""day",)', r"[n\ow,)"],
}
STRAIGHT = {
    "name": ["x" * 63, "now", ""],
    "label": ["NULL"],
    "labels": [f'{{NULL,"NULL",{LONG[1:]}}}', "{}"],
    '"char"': ["", "a", r"\377", "\\"],
    "xid8": ["0", "18446744073709551615"],
    "oid": ["4294967295"],
    "xid[]": ["{1,NULL}", "{}"],
    "pair": ["(now,2020-01-01)", '("today, ""now"" (",infinity)', r'("a\\b",)', "(,)"],
    "nest": ['("(now,2020-01-01)","{""(\\\\""to day\\\\"",-infinity)""}",now)', "(,,)"],
    "date": ["infinity", "0001-01-01 BC"],
    "tstzrange": ['["2020-01-01 00:00:00+00",infinity)', "empty"],
}


def test_each_kind_is_seen_and_what_is_printed_is_not() -> None:
    for cells, wanted in ((BENT, True), (STRAIGHT, False)):
        for kind, some in cells.items():
            bends = bends_of(kind, SHAPES)
            assert bends is not None, kind
            assert {cell: bends(cell) for cell in some} == dict.fromkeys(some, wanted), kind
    for kind in ("text", "integer", "plain", "plain[]", "numeric(9,2)", "jsonb", "name_of_mine"):
        assert bends_of(kind, SHAPES) is None


@pytest.mark.usefixtures("changing_schema")
def test_the_plan_refuses_them_and_takes_what_was_printed(studio, tmp_path, monkeypatch) -> None:
    with writing() as cursor:
        rows.fill_every_type(cursor)
        cursor.execute("ALTER TABLE zoo_everytype ALTER a_text TYPE name USING 'now'")
    file = stored(back_up(COMPLETE))

    def refused(**cells: str) -> set[str]:
        def edit(document: Document) -> None:
            row = document.read("zoo.EveryType")[1] | cells
            document.rows["zoo.EveryType"][1] = encoded(row)

        path = foreign(file, tmp_path / "forged.json", edit)
        found = plan_as(path, accept_foreign=True).findings
        return {f.message.split()[2] for f in found if f.code == "restore.malformed"}

    assert refused() == set()
    bent = {"a_text": LONG, "a_zoo_pair": "(x,1,now)", "a_zoo_pair_array": '{"(x,1,today)"}'}
    assert refused(**bent) == {*bent}
    monkeypatch.setattr(scanning, "bends_of", lambda *_: None)
    assert refused(**bent) == set()
