"""One row into COPY's text format: by the column's declared type, never by the cell's looks."""

import json
import random

import pytest

from backups.artifact import rows
from backups.artifact.checking import BlockCheck
from backups.artifact.manifest import Column, Encoding
from backups.artifact.native import is_native
from backups.artifact.rows import RowCodec
from backups.errors import ArtifactError
from tests.backups.artifact.documents import head


def codec(type_name: str, encoding: Encoding) -> RowCodec:
    return RowCodec(head("things", Column("x", type_name, encoding), primary_key=("x",)))


@pytest.mark.parametrize(
    ("type_name", "encoding", "text", "number"),
    [
        ("jsonb", "json", "[%s]", "1e131071"),
        ("numeric[]", "text", '"{%s}"', "1E+131071"),
        ("jsonb", "json", "[%s]", "1e-140000"),
    ],
)
def test_a_few_letters_do_not_become_a_gigabyte(
    type_name: str, encoding: Encoding, text: str, number: str
):
    """The database writes such numbers out, and no backup could hold the row any more."""
    few, many = (text % ",".join([number] * times) for times in (7, 8))
    assert cell(type_name, encoding, few)
    column = Column("x", type_name, encoding)
    together = BlockCheck(head("things", column, primary_key=("x",)))
    assert together.decoded(b'{"x":%s}\n' % many.encode()) is None
    with pytest.raises(ArtifactError):
        cell(type_name, encoding, many)
    said = '["1e131071 %s"]' % ("2e131071, " * 9)
    assert cell("jsonb", "json", said) == said
    floats = ",".join(["1e300"] * 9000)
    assert cell("double precision[]", "native", f"[{floats}]")


def cell(type_name: str, encoding: Encoding, written: str) -> str | None:
    return codec(type_name, encoding).cells(b'{"x":%s}' % written.encode())[0]


@pytest.mark.parametrize(
    ("type_name", "written", "printed"),
    [
        ("boolean", "true", "t"),
        ("boolean", "false", "f"),
        ("boolean", "null", None),
        ("smallint", "-32768", "-32768"),
        ("integer", "2147483647", "2147483647"),
        ("bigint", "-9223372036854775808", "-9223372036854775808"),
        ("bigint", "9223372036854775807", "9223372036854775807"),
        ("integer", "null", None),
        ("double precision", "-0", "-0"),
        ("double precision", "1e-310", "1e-310"),
        ("double precision", "0.1", "0.1"),
        ("double precision", "1.7976931348623157e+308", "1.7976931348623157e+308"),
        ("real", '"NaN"', "NaN"),
        ("real", '"-Infinity"', "-Infinity"),
        ("real", "null", None),
        ("text", '""', ""),
        ("text", "null", None),
        ("text", '"null"', "null"),
        ("text", r'"a\"b\\c\nd\u00e9\ud83c\udf07"', 'a"b\\c\ndé🌇'),
        ("character varying(20)", '"x"', "x"),
        ("text[]", "[]", "{}"),
        ("text[]", r'["a","b\"c","d\\e","NULL","",","]', r'{"a","b\"c","d\\e","NULL","",","}'),
        ("text[]", '"[2:3]={a,NULL}"', "[2:3]={a,NULL}"),
        ("text[]", "null", None),
        ("integer[]", "[1,-2]", "{1,-2}"),
        ("boolean[]", "[true,false]", "{t,f}"),
        ("double precision[]", '[1.50,-0,"NaN"]', "{1.50,-0,NaN}"),
        ("bigint[]", '"{{1,2},{3,4}}"', "{{1,2},{3,4}}"),
    ],
)
def test_a_native_cell_becomes_what_postgresql_prints(
    type_name: str, written: str, printed: str | None
):
    assert is_native(type_name)
    assert cell(type_name, "native", written) == printed


@pytest.mark.parametrize(
    ("type_name", "printed"),
    [
        ("numeric(65,30)", "0.100000000000000000000000000000"),
        ("numeric", "NaN"),
        ("timestamp with time zone", "infinity"),
        ("date", "0044-03-15 BC"),
        ("json", '{"b":  1, "a": 2}'),
        ("bytea", r"\x00ff"),
        ("character(5)", "ab   "),
        ("uuid[]", "{}"),
    ],
)
def test_a_text_cell_is_carried_over_as_it_is(type_name: str, printed: str):
    assert not is_native(type_name)
    written = '"' + printed.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert cell(type_name, "text", written) == printed


@pytest.mark.parametrize(
    "document",
    ['{"a": 1}', "null", "12345678901234567890.000000000000000001", "-0", "1e400", '"x"', "[]"],
)
def test_embedded_json_keeps_every_character(document: str):
    assert cell("jsonb", "json", document) == document


def test_an_absent_json_key_is_null_and_the_value_null_is_not():
    jsonb = codec("jsonb", "json")
    assert jsonb.cells(b"{}") == [None]
    assert jsonb.cells(b'{"x":null}') == ["null"]


@pytest.mark.parametrize(
    ("type_name", "encoding", "row"),
    [
        ("text", "native", b'{"x":1}'),
        ("text", "native", b'{"x":["a"]}'),
        ("text", "native", b"{}"),
        ("text", "native", b'{"x":"a","y":"b"}'),
        ("text", "native", b'{"x":"a"} {"x":"b"}'),
        ("text", "native", b'{"x":"a"'),
        ("text", "native", b'["a"]'),
        ("text", "native", b""),
        ("text", "native", b"null"),
        ("text", "native", rb'{"x":"\u0000"}'),
        ("text", "native", rb'{"x":"\ud800"}'),
        ("text", "native", b'{"x":"\xff"}'),
        ("text", "native", b'{"x":"a\tb"}'),
        ("text[]", "native", b'{"x":[1]}'),
        ("text[]", "native", b'{"x":["a",null]}'),
        ("text[]", "native", b'{"x":[["a"]]}'),
        ("text[]", "native", rb'{"x":["\u0000"]}'),
        ("boolean", "native", b'{"x":1}'),
        ("boolean", "native", b'{"x":"t"}'),
        ("smallint", "native", b'{"x":32768}'),
        ("integer", "native", b'{"x":2147483648}'),
        ("bigint", "native", b'{"x":9223372036854775808}'),
        ("bigint", "native", b'{"x":1.5}'),
        ("bigint", "native", b'{"x":true}'),
        ("bigint", "native", b'{"x":' + b"9" * 100_000 + b"}"),
        ("integer[]", "native", b'{"x":[2147483648]}'),
        ("double precision", "native", b'{"x":NaN}'),
        ("double precision", "native", b'{"x":"nan"}'),
        ("double precision", "native", b'{"x":true}'),
        ("double precision", "native", b'{"x":"1"}'),
        ("numeric", "text", b'{"x":1.5}'),
        ("numeric", "text", rb'{"x":"\u0000"}'),
        ("jsonb", "json", rb'{"x":{"a":"\u0000"}}'),
        ("jsonb", "json", b'{"x":{]}'),
        ("jsonb", "json", b'{"x":}'),
        ("jsonb", "json", b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    ],
    ids=lambda value: value[:40] if isinstance(value, bytes) else value,
)
def test_a_row_of_another_form_is_refused(type_name: str, encoding: Encoding, row: bytes):
    with pytest.raises(ArtifactError) as refused:
        codec(type_name, encoding).cells(row)
    assert refused.value.code == "artifact.row"
    assert "things" in refused.value.message


def test_the_refusal_names_the_column_and_never_the_value():
    with pytest.raises(ArtifactError) as refused:
        codec("integer", "native").cells(b'{"x":"s3cret"}')
    assert "column x" in refused.value.message
    assert "s3cret" not in refused.value.message + refused.value.hint


def test_an_escaped_backslash_before_u0000_is_no_nul():
    assert cell("jsonb", "json", r'"\\u0000"') == r'"\\u0000"'


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (b'{"id":"1","name":"Noa"}', "1\tNoa"),
        (b'{"id":"1","name":null}', "1\t\\N"),
        (rb'{"id":"1","name":"\\N"}', r"1" + "\t" + r"\\N"),
        (rb'{"id":"1","name":"a\tb\nc\rd\\e"}', "1\t" + r"a\tb\nc\rd\\e"),
        (rb'{"id":"1","name":"\\."}', "1\t" + r"\\."),
        (rb'{"id":"1","name":"\u0009"}', "1\t" + r"\t"),
        (b'{"name":"Noa","id":"1"}', "1\tNoa"),
    ],
)
def test_a_row_becomes_one_line_of_copy(row: bytes, line: str):
    assert RowCodec(head("people")).copy_line(row) == line


def test_the_key_is_the_primary_key_s_parts_in_their_order():
    columns = [Column(name, "text", "native") for name in ("a", "b", "c")]
    both = RowCodec(head("pairs", *columns, primary_key=("c", "a")))
    assert both.key(b'{"a":"1","b":"2","c":"3"}') == ("3", "1")


@pytest.mark.parametrize("name", ["select", 'a"b', "a\\b", "ü", "a b", "c0", "x.y", "`x`"])
def test_any_name_of_a_column_works(name: str):
    strange = RowCodec(head("strange", Column(name, "text", "native"), primary_key=(name,)))
    assert strange.cells(json.dumps({name: "v"}).encode()) == ["v"]


@pytest.mark.parametrize(
    ("type_name", "native"),
    [("text[]", True), ("text", True), ("citext", False), ("bytea", False), ("jsonb", False)],
)
def test_which_types_are_native(type_name: str, native: bool):
    assert is_native(type_name) is native


def test_what_may_be_a_long_number_is_found_as_by_its_pattern():
    parts = [b":", b"[", b" ", b'"', b"-", b"0", b"17", b".", b"e", b"E+", b"e-", b"1234", b"0a"]
    parts += [b"9" * 80, b"e0005000", b"x"]
    chance = random.Random(5)
    texts = [b"".join(chance.choices(parts, k=8)) for _ in range(20_000)]
    found = [text for text in texts if rows.has_long_numbers(text)]
    assert found == [text for text in texts if rows._find_long_number(b":" + text)]
    assert 100 < len(found) < len(texts) / 2
