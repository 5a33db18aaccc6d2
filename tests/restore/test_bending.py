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
    domains={"label": "name", "labels": "label[]", "price": "numeric(9,2)"},
    composites={
        "priced": ("price", "text"),
        "pair": ("text", "date"),
        "nest": ("pair", "pair[]", "label"),
        "plain": ("text", "integer"),
    },
)
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
    "date": ["now", r"n\ow", "TOMORROW", "2020-01-01 23:59:59", "2020-01-01 10:00"],
    "tstzrange": ['["yester""day",)', r"[n\ow,)", '["2020-01-01 00:00:00.1234567+00",)'],
    "tsrange": ['["2020-01-01 00:00:00+02",)'],
    "numeric(9,2)": ["1.239", "-0.0001", "1e-3", "1E3"],
    "numeric(9,2)[]": ["{1.50,NULL,1.239}"],
    "numeric(5,-2)": ["1250", "-1"],
    "price": ["1.239"],
    "priced": ["(1.239,a)"],
    "timestamp(3) with time zone": ["2020-01-01 00:00:00.1234+00"],
    "timestamp without time zone": [
        "2020-01-01 00:00:00.1234567",
        "2020-01-01 10:00+05",
        "2020-01-01T10:00:00Z",
        "2020-01-01 10:00:00.5 -05",
        "2020-01-01 10:00:00 PST",
    ],
    "time without time zone": ["10:00:00+05", "2020-01-01 10:00:00", "10:00:00.0000001"],
    "time(0) with time zone": ["10:00:00.4+00"],
    "interval(2)": ["00:00:01.123"],
    "interval": ["1 day 00:00:00.1234567"],
    "money": ["$1,234.567"],
    "real": ["1.23456789012", "0.12345678912"],
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
    "tsrange": ['["2020-01-01 00:00:00.123456","2020-01-02 00:00:00")'],
    "numeric(9,2)": ["1.20", "1.5000", "-3", "NaN", "0.00"],
    "numeric(9,2)[]": ["{1.50,NULL,-2.00}"],
    "numeric(5,-2)": ["1200", "0", "-12300"],
    "priced": ["(1.20,1.239)"],
    "timestamp(3) with time zone": ["2020-01-01 00:00:00.123+00", "infinity"],
    "timestamp without time zone": ["2020-01-01 10:00:00.123456", "0044-03-15 10:00:00 BC"],
    "timestamp with time zone": ["2020-01-01 10:00:00.123456+05:30", "0044-03-15 10:00:00+00 BC"],
    "time without time zone": ["24:00:00", "10:00:00.123456"],
    "interval(2)": ["-1 days +00:00:01.12"],
    "interval": ["1 year 2 mons -3 days 04:05:06.789123"],
    "money": ["$1,234.50"],
    "real": ["1.2345679", "1.2345679e+09", "16777216", "-0.1", "1000000000000"],
}


def test_each_kind_is_seen_and_what_is_printed_is_not() -> None:
    for cells, wanted in ((BENT, True), (STRAIGHT, False)):
        for kind, some in cells.items():
            bends = bends_of(kind, SHAPES)
            assert bends is not None, kind
            assert {cell: bends(cell) for cell in some} == dict.fromkeys(some, wanted), kind
    for kind in (
        "text",
        "integer",
        "plain",
        "plain[]",
        "numeric",
        "double precision",
        "jsonb",
        "name_of_mine",
    ):
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
    rounded = {
        "a_numeric_65_30": f"0.{1:031}",
        "a_timestamp_0": "2020-01-01 00:00:00.4",
        "a_timestamptz": "2020-01-01 00:00:00.1234567+00",
    }
    assert refused(**rounded) == {*rounded}
    monkeypatch.setattr(scanning, "lost_parts", lambda *_: ())
    assert refused(**rounded) == set()
