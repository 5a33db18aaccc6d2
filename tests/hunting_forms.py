"""How a secret may be written, made by the standard library alone: what the hunt is measured by."""

import base64
import json
import quopri
import urllib.parse
from collections.abc import Callable

Write = Callable[[str], str]


def _each(form: str) -> Write:
    return lambda value: "".join(form.format(letter) for letter in value.encode())


def _quoted_printable(value: str) -> str:
    return quopri.encodestring(f"token={value} {'ab ' * 40}".encode()).decode()


def _escaped_once(value: str) -> str:
    return f"{value[:5]}%{ord(value[5]):02X}{value[6:]}"


FORMS: dict[str, Write] = {
    "raw": str,
    "in a link": lambda v: f"https://a.example/x?token={v}&y=1",
    "JSON": lambda v: json.dumps({"a": v}),
    "JSON in JSON": lambda v: json.dumps(json.dumps([v])),
    "JSON, each letter": _each("\\u{:04x}"),
    "JSON in JSON, each letter": lambda v: json.dumps(_each("\\u{:04X}")(v)),
    "program, braces": _each("\\u{{{:x}}}"),
    "program, eight digits": _each("\\U{:08x}"),
    "program, octal": _each("\\{:03o}"),
    "program, line goes on": lambda v: f"{v[:9]}\\\n    {v[9:]}",
    "header of a mail": lambda v: f"=?utf-8?q?Code_{v[:9]}?=\r\n =?utf-8?Q?{v[9:]}_ok?=",
    "HTML, decimal": _each("&#{};"),
    "HTML, hexadecimal": _each("&#x{:X};"),
    "HTML in HTML": _each("&amp;#x{:x};"),
    "address": lambda v: urllib.parse.quote(v, safe=""),
    "address, lower": _each("%{:02x}"),
    "address, upper": _each("%{:02X}"),
    "address in address": lambda v: urllib.parse.quote(_each("%{:02X}")(v)),
    "address, one letter": _escaped_once,
    "quoted-printable": _quoted_printable,
    "quoted-printable, each letter": _each("={:02X}"),
    "quoted-printable, soft break": lambda v: f"{v[:7]}=\r\n{v[7:]}",
    "base64, place 0": lambda v: base64.b64encode(v.encode()).decode(),
    "base64, place 1": lambda v: base64.b64encode(f"x{v}yz".encode()).decode(),
    "base64, place 2": lambda v: base64.b64encode(f"xy{v}z".encode()).decode(),
    "base64url, place 0": lambda v: base64.urlsafe_b64encode(v.encode()).decode().rstrip("="),
    "base64url, place 1": lambda v: base64.urlsafe_b64encode(f"x{v}".encode()).decode(),
    "base64url, place 2": lambda v: base64.urlsafe_b64encode(f"xy{v}".encode()).decode(),
    "base64, folded": lambda v: base64.encodebytes(f"{'a' * 41}{v} and more".encode()).decode(),
    "hexadecimal": lambda v: v.encode().hex(),
    "hexadecimal, upper": lambda v: v.encode().hex().upper(),
}
