"""Each form of a secret is found and marked, in each kind of cell; and nothing else is."""

import base64
import json
from collections import Counter

import pytest

from backups.artifact.manifest import Column, SectionHead
from backups.artifact.native import encoding_of
from backups.hunting import matcher, views
from backups.hunting.cells import TextMarker
from backups.hunting.forms import is_hunted
from backups.hunting.marking import Found, Holds, SectionMarker, kind_of
from backups.hunting.matcher import Matcher, Secret
from backups.hunting.proving import SectionProof
from backups.services.withholding import Hunt
from tests.hunting_forms import FORMS

TOKEN = "Zx_9+Qm/4rT-vB7kLw2~pN8sHd5.jF3"
HASH = "pbkdf2_sha256$1000000$Ab3dEf6hIj9$q+/R8tVwXyZ0123456789abcdefghijklmnopqrstu="
ODD = 'käse"\\ und\tBrot → 9'
UUID = "0b8f5c3e-1a2b-4c3d-8e4f-a1b2c3d4e5f6"
SECRETS = [Secret(value.encode(), f"people.c{n}") for n, value in enumerate((TOKEN, HASH, ODD))]
SECRETS.append(Secret(UUID.encode(), "people.uuid"))

COLUMNS = {
    "id": "text",
    "note": "text",
    "short": "character varying(40)",
    "tags": "text[]",
    "made": "json",
    "raw": "bytea",
    "number": "bigint",
    "ref": "uuid",
    "doc": "jsonb",
}


def head(types: dict[str, str] = COLUMNS) -> SectionHead:
    columns = tuple(Column(n, t, encoding_of(t)) for n, t in types.items())
    return SectionHead("mails", "mail", ("id",), columns, (), ())


def holds() -> dict[str, Holds]:
    found = {name: kind_of(type_, nullable=True) for name, type_ in COLUMNS.items()}
    return found | {"id": Holds.KEY}


# Those that let a section's rows be looked at many at a time.
NO_BYTES = {name: type_ for name, type_ in COLUMNS.items() if type_ != "bytea"}


class Marking:
    def __init__(
        self, secrets=SECRETS, *, mask: bool = False, columns=COLUMNS, **kinds: Holds
    ) -> None:
        self.found, self.altered = Found(), []
        self.matcher = Matcher(secrets)
        self.kinds = holds() | kinds
        marker = SectionMarker(
            head(columns),
            self.kinds,
            self.matcher,
            self.found,
            lambda key, column: self.altered.append((key, column)),
            mask_credentials=mask,
        )
        self.rows = marker.rows

    def row(self, **cells) -> dict:
        return json.loads(self.rows(line(**cells)))

    def leaks(self, block: bytes) -> list:
        return list(SectionProof(head(), self.kinds, self.matcher).leaks(block))


def line(columns=COLUMNS, **cells) -> bytes:
    row = dict.fromkeys(columns) | {"id": "k1"} | cells
    if row["doc"] is None:
        del row["doc"]
    return json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


@pytest.fixture(scope="module")
def marking() -> Marking:
    return Marking()


@pytest.mark.parametrize("value", [TOKEN, HASH, UUID], ids=["token", "hash", "uuid"])
@pytest.mark.parametrize("form", FORMS)
def test_each_form_in_each_kind_of_cell_is_marked(marking, form, value):
    text = f"before {FORMS[form](value)} after"
    cells = {
        "note": text,
        "tags": ["a", text],
        "made": json.dumps({"b": 1, "a": [text]}),
        "raw": "\\x" + text.encode().hex(),
        "doc": {"deep": [{"x": text}], text: 1},
    }
    marking.altered.clear()
    block = marking.rows(line(**cells))
    assert [column for _, column in marking.altered] == list(cells)
    row = json.loads(block)
    assert row["note"].startswith("before ") and row["note"].endswith(" after")
    assert "[redacted:people." in row["note"] and "[redacted:people." in row["tags"][1]
    assert b"[redacted:people." in bytes.fromhex(row["raw"][2:])
    assert json.loads(row["made"])["b"] == 1 and len(row["doc"]) == 2
    assert not marking.leaks(block)


@pytest.mark.parametrize("form", FORMS)
def test_without_marking_the_proof_finds_each_form(marking, form):
    block = line(note=FORMS[form](TOKEN), doc={"a": [FORMS[form](HASH)]})
    assert {(leak.column, leak.key) for leak in marking.leaks(block)} == {
        ("note", ("k1",)),
        ("doc", ("k1",)),
    }


def test_a_secret_with_odd_letters_is_found_as_it_is_and_in_json(marking):
    for text in (ODD, json.dumps({"a": ODD}), json.dumps([json.dumps(ODD, ensure_ascii=False)])):
        block = marking.rows(line(note=text, doc={"a": text}))
        assert not marking.leaks(block)
        assert "[redacted:people.c2]" in json.loads(block)["note"]


def test_rows_without_a_secret_are_the_same_bytes(marking):
    block = line(note='<a href="x?a=1&amp;b=%20">nothing</a>\n=3D') + line(doc={"a": [1.50, "b"]})
    assert marking.rows(block) == block


def test_only_the_rows_with_one_change_and_their_other_cells_stay_as_they_are_written(marking):
    plain = line(note="nothing", number=1)
    other = b'{"id":"k2","note":"' + TOKEN.encode() + b'","short":null,"tags":null,"made":null,'
    other += b'"raw":null,"number":7,"ref":null,"doc":{"n":1.50,"big":12345678901234567890}}\n'
    marked = marking.rows(plain + other + plain)
    assert marked == plain + other.replace(TOKEN.encode(), b"[redacted:people.c0]") + plain


def test_a_text_of_limited_length_still_fits(marking):
    row = marking.row(short=f"{TOKEN} and nine")
    assert len(row["short"]) <= 40 and row["short"].startswith("[redacted:people.c0]")


def test_a_value_that_can_be_no_marker_becomes_null_where_it_is_the_secret(marking):
    row = marking.row(ref=UUID, number=5)
    assert (row["ref"], row["number"]) == (None, 5)


@pytest.mark.parametrize(
    "type_, cell",
    [
        ("uuid[]", f"{{NULL,{UUID}}}"),
        ("bigint[]", [5, 1234506789]),
        ("numeric(12,2)[]", "{1234506789}"),
        ("int8range", "[5,1234506789)"),
    ],
    ids=["uuids", "numbers", "exact numbers", "a range"],
)
def test_an_array_of_what_can_be_no_marker_becomes_null_where_it_has_the_secret(type_, cell):
    columns = [Column(n, t, encoding_of(t)) for n, t in (("id", "text"), ("cell", type_))]
    head = SectionHead("mails", "mail", ("id",), tuple(columns), (), ())
    searched = Marking([Secret(b"1234506789", "people.pin"), SECRETS[-1]]).matcher
    kinds = {"id": Holds.KEY, "cell": kind_of(type_, nullable=True)}
    altered, other = [], b'{"id":"k2","cell":null}\n'
    marker = SectionMarker(head, kinds, searched, Found(), lambda *cell: altered.append(cell))
    row = json.dumps({"id": "k1", "cell": cell}, separators=(",", ":")).encode() + b"\n"
    assert marker.rows(row + other) == b'{"id":"k1","cell":null}\n' + other
    assert altered == [("k1", "cell")]


@pytest.mark.parametrize(
    "type_",
    ["time_entry", "bitcoin_note", "numeric_note[]", "interval_note", "price_range", "textrange"],
)
def test_types_of_the_application_are_searched_whatever_they_are_called(type_):
    columns = COLUMNS | {"note": type_}
    row = Marking(columns=columns, note=kind_of(type_, nullable=True)).row(
        note=f'("see {TOKEN} there")'
    )
    assert row["note"] == '("see [redacted:people.c0] there")'


@pytest.mark.parametrize(
    "type_",
    [
        "time(3) without time zone",
        "timestamp with time zone",
        "interval day to second(3)",
        "interval",
        "bit varying(8)",
        "numeric(10,-2)[]",
        "datemultirange",
    ],
)
def test_those_of_the_server_s_own_that_hold_no_text_are_values(type_):
    assert kind_of(type_, nullable=True) is Holds.VALUE


def test_what_may_not_be_null_is_left_and_counted():
    marking = Marking(ref=Holds.REQUIRED_VALUE)
    assert marking.row(ref=UUID)["ref"] == UUID
    assert (marking.found.left, marking.altered) == (Counter({"mails.ref": 1}), [])


def test_keys_are_left_and_counted(marking):
    marking.found.left.clear()
    assert marking.row(id=TOKEN)["id"] == TOKEN
    assert marking.found.left == {"mails.id": 1}


def test_markers_of_cells_that_must_differ_differ():
    marking = Marking(note=Holds.DISTINCT)
    first, second = (marking.row(id=key, note=TOKEN)["note"] for key in ("k1", "k2"))
    assert first != second and first == marking.row(id="k1", note=TOKEN)["note"]


@pytest.mark.parametrize("most", [9, 17, 18, 33])
def test_so_do_those_that_have_little_room(most, monkeypatch):
    monkeypatch.setitem(COLUMNS, "short", f"character varying({most})")
    marking = Marking([Secret(b"abcdEFGH1", "people.password_of_old")], short=Holds.DISTINCT)
    text = "x" * (most - 9) + "abcdEFGH1"
    found = {marking.row(id=f"k{n}", short=text)["short"] for n in range(20)}
    assert len(found) == 20 and max(map(len, found)) <= most


def test_members_with_one_name_do_not_come_of_two_secrets(marking):
    row = marking.row(doc={TOKEN: 1, f"{TOKEN}": 2, TOKEN + "x": 3})
    assert len(row["doc"]) == 2


def test_a_number_is_a_secret_only_as_a_whole():
    marking = Marking([Secret(b"9182736450", "people.pin")])
    row = marking.row(note="+49 19182736450 9182736450", doc={"a": 9182736450, "b": 19182736450})
    assert row["note"] == "+49 19182736450 [redacted:people.pin]"
    assert row["doc"] == {"a": "[redacted:people.pin]", "b": 19182736450}


@pytest.mark.parametrize(
    "value", [b"short", b"00000000", b"--------", b"abcabcabc", b"abcd" * 2049]
)
def test_what_is_short_or_a_whole_text_or_of_few_letters_is_no_secret(value):
    assert not is_hunted(value)


CREDENTIALS = {
    "private_key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAAb-c\n-----END RSA PRIVATE KEY-----",
    "cloud_key": "AKIAIOSFODNN7EXAMPLE",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl-X",
    "bearer": "Authorization: Bearer abcdefghijklmnopqrstuvwx",
    "signed_link": "https://b.example/k?X-Amz-Signature=abcdef0123456789abcdef&x=1",
}


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_credentials_that_no_column_holds_are_counted_by_kind(kind):
    marking = Marking()
    block = line(note=f"see {CREDENTIALS[kind]} there")
    assert marking.rows(block) == block
    assert marking.found.credentials == {kind: 1}


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_credentials_are_masked_where_that_is_chosen(kind):
    marking = Marking(mask=True)
    note = marking.row(note=f"see {CREDENTIALS[kind]} there")["note"]
    assert f"[redacted:{kind}]" in note and note.endswith("there")
    assert marking.altered == [("k1", "note")]
    assert marking.found.credentials == {kind: 1}


def test_hexadecimal_is_found_in_either_case_and_within_longer_runs(marking):
    digits = TOKEN.encode().hex()
    mixed = "".join(d.upper() if n % 3 else d for n, d in enumerate(digits))
    for text in (digits, digits.upper(), mixed, f"0{digits}ab", f"{UUID} {digits} {UUID}"):
        row = marking.row(note=text)
        assert "[redacted:people.c0]" in row["note"] and digits not in row["note"].lower()


def test_hexadecimal_of_which_no_digit_is_a_letter_is_found_within_a_text(monkeypatch):
    """As that of every token of hexadecimal digits is: it is no number within another. And the twin."""
    token = "9f86d081884c7d659a2feaa0c55ad015"
    assert token.encode().hex().isdigit()
    note = f"key={token};".encode().hex()
    row = line(note=note)
    of_token = Marking([Secret(token.encode(), "people.hash")])
    marked = json.loads(of_token.rows(row))["note"]
    assert "[redacted:people.hash]" in marked and of_token.leaks(row)
    made = matcher._Forms._part
    monkeypatch.setattr(
        matcher._Forms,
        "_part",
        lambda self, number: (p := made(self, number))._replace(is_number=p.form.text.isdigit()),
    )
    assert json.loads(Marking([Secret(token.encode(), "a.b")]).rows(row))["note"] == note


def test_a_letter_behind_an_escape_does_not_hide_in_what_seems_to_be_one(monkeypatch):
    """Behind a percent sign the first two letters of the secret, once they show, are a number again. And the
    twin."""
    note = "%" + "".join(f"&#{ord(letter)};" for letter in UUID)
    assert Marking().row(note=note)["note"] == "%[redacted:people.uuid]"
    opened = views._opened
    monkeypatch.setattr(views, "_opened", lambda view, *_kind: [*opened(view)][-1:])
    assert Marking().row(note=note)["note"] == note


# What another kind of escape may seem to begin with, and letters of the secret written in another one.
SEEMING = (
    "&#",
    "&#x",
    "&#9",
    "\\u00",
    "\\u005",
    "\\x",
    "\\",
    "%u",
    "%u00",
    "%2",
    "&amp;#",
    "\\ud83d\\u",
)
WRITTEN = ("&#{};", "&#x{:X};", "%{:02X}", "\\u{:04x}", "\\x{:02x}")


def behind_what_seems_an_escape() -> list[tuple[str, str]]:
    """Secrets that begin with letters which such an escape may take, and notes that have them, one letter of
    each escaped."""
    found = []
    for value in (
        "f00dcafe9a8b7c6d5e4f",
        "12345678-4a3b-4c2d",
        "u0041bcdQW",
        "amp;x9Qm4rTvB",
        "Zx9Qm4rTvB",
    ):
        for before in SEEMING:
            for written in WRITTEN:
                if before[0] != written[0]:
                    note = f"{before}{value[:6]}{written.format(ord(value[6]))}{value[7:]}"
                    found.append((value, note))
    return found


def test_what_seems_to_be_an_escape_before_a_secret_takes_none_of_its_letters(monkeypatch):
    """And the twin."""

    def unmarked() -> list[str]:
        matchers = {value: Matcher([Secret(value.encode(), "a.b")]) for value, _note in cases}
        return [n for v, n in cases if not matchers[v].hits(n.encode())]

    cases = behind_what_seems_an_escape()
    assert unmarked() == [] and len(cases) > 150
    monkeypatch.setattr(views, "_EACH_KIND", ())
    assert unmarked()


def test_what_the_proof_would_find_the_marker_replaces_however_it_is_written(monkeypatch):
    """Else whoever writes it into a text would end every Safe backup. In lines of programs as JSON has them;
    digits that are a secret are bytes, too."""
    key = "3f8a91c04bd27e65aa0193bcdf2e4770"
    marking = Marking([Secret(TOKEN.encode(), "a.b"), Secret(key.encode(), "a.key")])
    rows = [
        line(note=f"{TOKEN[:9]}\\\n{TOKEN[9:]}"),
        line(raw="\\x00" + key),
        line(raw="\\x" + TOKEN.encode("utf-16-le").hex()),
    ]
    for row in rows:
        assert marking.leaks(row) and not marking.leaks(marking.rows(row))
    monkeypatch.setattr(SectionMarker, "_still_held", lambda *_, **__: [])
    assert [row for row in rows if marking.leaks(marking.rows(row))] == rows[1:]


def test_a_key_of_digits_is_found_as_an_authenticator_s_address_has_it():
    key = "3f8a91c04bd27e65aa0193bcdf2e47708591ab3c"
    marking = Marking([Secret(key.encode(), "device.key")])
    known = bytes.fromhex(key)
    for code in (base64.b32encode(known), base64.b64encode(known), base64.urlsafe_b64encode(known)):
        note = f"otpauth://totp/a?secret={code.decode().rstrip('=')}&digits=6"
        assert marking.leaks(line(note=note))
        assert marking.row(note=note)["note"].startswith(
            "otpauth://totp/a?secret=[redacted:device."
        )


def test_blanks_around_a_secret_are_no_part_of_it():
    """Unless nothing is left without them."""
    known = Hunt([("a.b", f" {TOKEN}\n".encode()), ("a.c", b"7 letter ")], {})
    assert [secret.value for secret in known._secrets] == [TOKEN.encode(), b"7 letter"]
    (short,) = Hunt([("a.d", b"seven 7 ")], {})._secrets
    assert short.value == b"seven 7 "


def test_digits_that_are_the_secret_are_found_in_either_case_and_not_within_another_number():
    marking = Marking([Secret(b"9f86d081884c7d659a2feaa0c55ad015", "people.hash")])
    note = "9F86D081884C7D659A2FEAA0C55AD015 9f86d081884c7d659a2feaa0c55ad01"
    assert (
        marking.row(note=note)["note"] == "[redacted:people.hash] 9f86d081884c7d659a2feaa0c55ad01"
    )
    marking = Marking([Secret(b"1234567890123456789", "people.card")])
    assert marking.row(note="012345678901234567890")["note"] == "012345678901234567890"
    assert marking.row(note="n 1234567890123456789")["note"] == "n [redacted:people.card]"


@pytest.mark.parametrize("size", [8, 9, 11, 12, 13, 17, 18, 19, 43, 200])
@pytest.mark.parametrize("letters", ["etaoin", "ETAOIN019", "qxzjkvQXZJKV", "0123456789abcdef"])
def test_values_of_any_length_and_letters_are_found(size, letters):
    value = "".join(letters[n * n % len(letters)] for n in range(size))
    marking = Marking([Secret(value.encode(), "people.c0")])
    for form in ("raw", "JSON", "base64, place 1", "hexadecimal", "address, lower"):
        row = marking.row(note=f"<{FORMS[form](value)}>")
        assert "[redacted:people.c0]" in row["note"], form


def test_without_the_views_escaped_forms_would_leave(monkeypatch):
    marking = Marking()
    monkeypatch.setattr("backups.hunting.matcher.Glimpses.of", lambda *_, **__: b"")
    block = line(note=FORMS["address, upper"](TOKEN))
    assert marking.rows(block) == block


ESCAPES = {
    "JSON": "\\u{:04x}",
    "JSON in JSON": "\\\\u{:04X}",
    "program": "\\x{:02x}",
    "HTML": "&#x{:X};",
    "HTML, many noughts": "&#{:07d};",
    "HTML in HTML": "&amp;#{};",
    "address": "%{:02X}",
    "address in addresses": "%252525{:02x}",
    "JSON in an address": "%5Cu{:04x}",
    "digits of it in an address": "%u00%3{0[0]}{0[1]}",
}


@pytest.mark.parametrize("escape", ESCAPES)
def test_one_letter_that_is_escaped_hides_nothing_whichever_it_is(marking, escape):
    form, missed = ESCAPES[escape], []
    for secret in (TOKEN, HASH, UUID):
        for at, letter in enumerate(secret):
            digits = f"{ord(letter):02x}"
            if "[" in form and not digits[0].isdigit():
                continue
            hidden = form.format(digits if "[" in form else ord(letter))
            text = f"{secret[:at]}{hidden}{secret[at + 1 :]}"
            if secret in marking.row(note=f"before {text} after")["note"].replace(hidden, letter):
                missed.append(text)
    assert missed == []


@pytest.mark.parametrize("fold", ["\n", "\r\n", "\r\n> ", "\r\n            ", "=\r\n"], ids=ascii)
def test_wherever_mail_folds_a_secret_it_is_found(marking, fold):
    texts = [HASH[:at] + fold + HASH[at:] for at in range(len(HASH) - 40, len(HASH) - 3)]
    notes = [marking.row(note=f"before {text} after")["note"] for text in texts]
    assert all("[redacted:people.c1]" in note for note in notes), notes


TEXTS = [
    f"see https://a.example/{TOKEN}?x=1",
    f'<a href="https://a.example/{TOKEN}">{TOKEN}</a>\n{UUID.upper()} \u0001{TOKEN}',
    f"{TOKEN}{TOKEN}x{HASH}",
    TOKEN,
    f"n{UUID}\n{TOKEN}\t{TOKEN}\\{TOKEN}",
    f"{FORMS['base64, place 1'](TOKEN)} {FORMS['hexadecimal'](HASH)}",
    f"{TOKEN[:9]}{TOKEN}{TOKEN[9:]}",
    f"{FORMS['address, lower'](TOKEN)} {TOKEN}",
    "nothing",
]


def in_text(column: str, text: str) -> object:
    shaped = {"tags": lambda t: ["a", t], "doc": lambda t: {t: [t]}, "short": lambda t: t[:40]}
    return shaped.get(column, str)(text)


@pytest.mark.parametrize("column", ["note", "short", "tags", "doc", "id"])
def test_what_is_marked_quickly_is_what_is_marked_with_care(monkeypatch, column):
    block = b"".join([line(NO_BYTES, **{column: in_text(column, text)}) for text in TEXTS])
    seen = []
    for careful in (False, True):
        if careful:
            monkeypatch.setattr(TextMarker, "marked", lambda *_: None)
        marking = Marking(columns=NO_BYTES)
        seen.append((marking.rows(block), marking.altered, marking.found))
    assert seen[0] == seen[1]
    assert b"[redacted:people.c0]" in seen[0][0] or column == "id"


def test_rows_of_texts_are_not_taken_apart(monkeypatch):
    monkeypatch.setattr(SectionMarker, "_row_with", lambda *_: pytest.fail("taken apart"))
    marking = Marking(columns=NO_BYTES)
    block = marking.rows(b"".join([line(NO_BYTES, note=f"see {TEXTS[0]} {n}") for n in range(5)]))
    assert block.count(b"[redacted:people.c0]") == len(marking.altered) == 5


def test_halves_that_a_marker_brings_together_are_marked_too(monkeypatch):
    secrets = [Secret(TOKEN.encode(), "c"), Secret(b"qx-[redacted:c]-zj-0", "people.c1")]
    block = line(NO_BYTES, note=f"qx-{TOKEN}-zj-0", made="b")
    assert json.loads(Marking(secrets, columns=NO_BYTES).rows(block))["note"] == (
        "[redacted:people.c1]"
    )


def test_what_stands_as_it_is_beside_an_escape_is_behind_none(monkeypatch):
    monkeypatch.setattr(SectionMarker, "_row", lambda *_: pytest.fail("taken apart"))
    block = Marking(columns=NO_BYTES).rows(line(NO_BYTES, note=f"x%41{TOKEN}%42&#65;"))
    assert json.loads(block)["note"] == "x%41[redacted:people.c0]%42&#65;"


def test_of_two_in_one_cell_the_one_behind_escapes_is_marked_too():
    for hidden in ("address, lower", "HTML in HTML", "quoted-printable, soft break"):
        marking = Marking(columns=NO_BYTES)
        note = f"{TOKEN} {FORMS[hidden](TOKEN)} {HASH}"
        row = json.loads(marking.rows(line(NO_BYTES, note=note)))
        assert row["note"].count("[redacted:people.c0]") == 2, hidden
        assert marking.altered == [("k1", "note")]
        assert marking.found.cells == {"people.c0": 1, "people.c1": 1}


def test_among_rows_with_escapes_only_those_that_hide_one_are_taken_apart(monkeypatch):
    apart = []

    def row(_self, given):
        apart.append(given)
        return given

    monkeypatch.setattr(SectionMarker, "_row", row)
    hidden, other = (line(NO_BYTES, note=n) for n in (FORMS["address, lower"](TOKEN), "a%20b"))
    Marking(columns=NO_BYTES).rows(other * 100 + hidden + other * 100)
    assert apart == [hidden[:-1]]
