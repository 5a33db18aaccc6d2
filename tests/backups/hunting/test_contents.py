"""Files that texts hold as ``data:`` addresses: found however they are written, and nothing else."""

from typing import Any

import msgspec
import pytest

from backups.artifact.manifest import Column, SectionHead
from backups.artifact.native import Encoding
from backups.hunting import contents
from backups.hunting.contents import MARKER, ContentMarker, addresses
from backups.hunting.marking import Holds, kind_of

# Of letters that an address may have anywhere; looked for in what is left.
CONTENT = "c2VjcmV0LWNvbnRlbnQ"
LINES = "\n".join([CONTENT * 4] * 3)

# What stands before the address, the address, what stands behind it.
WRITTEN = {
    "in HTML": ('<p><img src="', f"data:image/png;base64,{CONTENT}", '"> text'),
    "in single quotes": ("<img src='", f"data:image/png;base64,{CONTENT}", "'>"),
    "in no quotes": ("<img src=", f"data:image/png;base64,{CONTENT}=", " alt=x>"),
    "in capitals": ('<img src="', f"DATA:Image/PNG;BASE64,{CONTENT}", '">'),
    "percent-encoded": ('<a href="', f"data:text/plain,%73%20{CONTENT}", '">'),
    "percent-encoded, by itself": ("see ", f"data:text/plain,%73%20{CONTENT}", " or not"),
    "of no type": ("see ", f"data:,{CONTENT}", " or not"),
    "of no type, base64": ("see ", f"data:;base64,{CONTENT}", " or not"),
    "with parameters": ("see ", f"data:text/plain;charset=utf-8;name=a%20b.txt,{CONTENT}", " x"),
    "with a quoted one": ("see ", f'data:text/plain;charset="utf-8";base64,{CONTENT}', " x"),
    "of a type nobody knows": ("see ", f"data:application/vnd.x+y-z.1;v=1,{CONTENT}", " x"),
    "with blanks": ("see ", f"data: image/png ; base64 , {CONTENT}", " x"),
    "as SVG": ('<img src="', f"data:image/svg+xml;utf8,<svg a='1'>{CONTENT} {CONTENT}</svg>", '">'),
    "in a style": ("b{background:url(", f"data:image/png;base64,{CONTENT}", ") no-repeat}"),
    "in a quoted style": ("url('", f'data:image/svg+xml,<svg a="1">{CONTENT}', "') x"),
    "in a list of pictures": ('srcset="', f"data:image/gif;base64,{CONTENT} 1x", '"'),
    "in Markdown": ("![a](", f"data:image/gif;base64,{CONTENT}", ") more"),
    "in lines": ("see ", f"data:image/png;base64,{LINES}\nc2Vj==", "\nHello you"),
    "in lines, quoted": ('src="', f"data:image/png;base64,\n{LINES}", '"'),
    "escaped as HTML": ("&lt;img src=&quot;", f"data:image/png;base64,{CONTENT}", "&quot;&gt;"),
    "with references": ('src="', f"data&colon;image&#47;png&#x3b;base64&comma;{CONTENT}", '"'),
    "in an address": ("https://x/?u=", f"data%3Aimage%2Fpng%3Bbase64%2C{CONTENT}", "&z=1"),
    "as JSON in a text": ('{"a":"<img src=\\"', f"data:a/b;base64,{CONTENT}", '\\">","b":1}'),
    "as a member in a text": ('{"a":"', f'data:image/svg+xml,<svg a=\\"1\\">{CONTENT}', '","b":1}'),
    "with escaped strokes": ('{"a":"', f"data:image\\/png;base64,{CONTENT}\\/{CONTENT}", '"}'),
    "behind another letter": ("\\u0022", f"data:image/png;base64,{CONTENT}", "\\u0022 x"),
    "by itself": ("", f"data:text/html;charset=utf-8,<h1>{CONTENT} {CONTENT}", ""),
}
HARMLESS = (
    "data: see below, and so on",
    "metadata: and/or, well",
    "data: and/or, well",
    'src="data:,"',
    "data:,",
    "database:x/y",
    "https://a.example/data/x,y",
    MARKER.decode(),
    f'src="{MARKER.decode()}"',
)


def without(text: str) -> str:
    parts, place, given = [], 0, text.encode()
    for start, end in addresses(given):
        parts += [given[place:start], b"#"]
        place = end
    return b"".join([*parts, given[place:]]).decode()


@pytest.mark.parametrize("written", WRITTEN)
def test_an_address_is_found_with_all_that_it_holds(written: str) -> None:
    before, address, behind = WRITTEN[written]
    assert without(before + address + behind) == f"{before}#{behind}"


def test_several_are_found_in_one_text() -> None:
    text = "".join(f"<p>{b}{address}{a}</p>" for b, address, a in list(WRITTEN.values())[:5])
    assert CONTENT not in without(text) and without(text).count("#") == 5


@pytest.mark.parametrize("text", HARMLESS)
def test_what_holds_nothing_stays(text: str) -> None:
    assert without(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "data:a/b;" + "%3b" * 20_000,
        "data:a/b;base64,A" + "\n" * 200_000,
        "data:a/b" * 20_000,
        "data:" * 40_000,
        'data:a/b;="' * 10_000,
        '"data:a/b,x\\"' * 10_000,
        "data:a/b,x " * 10_000,
    ],
    ids=lambda text: text[:12],
)
def test_a_hostile_text_costs_no_more_than_its_length(text: str) -> None:
    """By steps of a search that is bounded at each place; a test that hangs is the failure."""
    assert len(without(text)) <= len(text)


KINDS = {"k": "text", "t": "text", "s": "character varying(12)", "a": "text[]", "j": "jsonb"} | {
    "d": "json",
    "n": "integer",
}
ENCODINGS: dict[str, Encoding] = {"j": "json", "d": "text"}
HEAD = SectionHead(
    key="things",
    table="things",
    primary_key=("k",),
    columns=tuple(Column(n, kind, ENCODINGS.get(n, "native")) for n, kind in KINDS.items()),
)
PICTURE = f"data:image/png;base64,{CONTENT}"
EMPTIED = MARKER.decode()


def marked(**cells: object) -> tuple[dict[str, Any], list[tuple[object, str]], int]:
    """The row as it leaves, the cells that were altered, how many files there were."""
    noted: list[tuple[object, str]] = []
    seen: set[bytes] = set()
    holds = {name: kind_of(kind, nullable=True) for name, kind in KINDS.items()}
    holds |= {"k": Holds.KEY}
    marker = ContentMarker(HEAD, holds, lambda key, name: noted.append((key, name)), seen.add)
    row = {"k": "1", "t": "", "s": "", "a": [], "d": "{}", "n": 1, "j": {}} | cells
    given = msgspec.json.encode(row) + b"\n"
    found = marker.rows(given)
    if not noted:
        assert found is given or found == given
    return msgspec.json.decode(found), noted, len(seen)


def test_each_kind_of_cell_stays_what_its_type_takes() -> None:
    html = f'<img src="{PICTURE}">'
    document = {"a": [PICTURE, {"b": html}], PICTURE: 1, f"{PICTURE}x": 2}
    row, noted, files = marked(
        t=html, s=PICTURE[:12], a=["x", PICTURE], d=f'{{"a" :  "{PICTURE}"}}', j=document
    )
    assert row["t"] == f'<img src="{EMPTIED}">'
    assert row["a"] == ["x", EMPTIED]
    assert row["d"] == f'{{"a" :  "{EMPTIED}"}}'
    assert row["j"]["a"] == [EMPTIED, {"b": f'<img src="{EMPTIED}">'}]
    names = [name for name in row["j"] if name != "a"]
    assert len(names) == 2 and CONTENT not in "".join(names)
    assert noted == [("1", "t"), ("1", "a"), ("1", "d"), ("1", "j")]
    assert files == 2


def test_a_marker_is_no_longer_than_its_column() -> None:
    row, noted, _files = marked(s="data:,secret")
    assert row["s"] == EMPTIED[:12] and noted == [("1", "s")]


def test_a_key_stays_and_what_holds_nothing_is_the_same_object() -> None:
    assert marked(k=PICTURE)[0]["k"] == PICTURE
    assert marked(t="the data: none")[1] == []


def test_texts_that_must_differ_still_do() -> None:
    head = SectionHead("things", "things", ("k",), (HEAD.columns[0], HEAD.columns[1]))
    holds = {"k": Holds.KEY, "t": Holds.DISTINCT}
    marker = ContentMarker(head, holds, lambda *_: None, lambda _: None)
    rows = b"".join(b'{"k":"%d","t":"%s"}\n' % (n, PICTURE.encode()) for n in (1, 2))
    cells = [msgspec.json.decode(row)["t"] for row in marker.rows(rows).splitlines()]
    assert len(set(cells)) == 2 and all(cell.startswith(EMPTIED[:-1]) for cell in cells)


def test_without_the_search_the_content_would_leave(monkeypatch) -> None:
    monkeypatch.setattr(contents, "addresses", lambda _text: iter(()))
    assert CONTENT in str(marked(t=f'<img src="{PICTURE}">')[0])
