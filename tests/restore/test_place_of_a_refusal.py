"""The number of a refused row is found whatever language the server speaks."""

import pytest

from restore.database.failures import _line


@pytest.mark.parametrize(
    "context",
    [
        'COPY stage_2, line 17, column id: "x"',
        "COPY stage_2, Zeile 17, Spalte id: »x«",
        "COPY stage_2, ligne 17, colonne id : « x »",
        'COPY stage_2, строка 17, столбец id: "x"',
        'stage_2のCOPY、行 17、列 id: "x"',
        'stage_2 복사, 17번째 행, id 열: "x"',
        "COPY stage_2, 行 17, 列 id: 'x'",
        'PL/pgSQL function refuse() line 3 at RAISE\nCOPY stage_2, line 17, column id: "1"',
    ],
)
def test_the_line_is_found(context: str) -> None:
    assert _line(context, "stage_2") == 17


@pytest.mark.parametrize("context", ["", "COPY stage_2", "PL/pgSQL function refuse() line 3"])
def test_where_there_is_none_it_is_unknown(context: str) -> None:
    assert _line(context, "stage_2") == 0


def test_digits_of_a_table_s_own_name_are_not_taken_for_it() -> None:
    assert _line('COPY year_2020, line 3, column id: "4"', "year_2020") == 3
