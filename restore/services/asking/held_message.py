"""A message in the form in which it waits: what would have been sent, byte for byte, and its parts.

A mail server takes bytes and an envelope; the services of other backends take subject, body, attachments
and attributes of their own. Both are kept, so that whichever backend sends it one day finds what it would
have found at once. The bytes are made when the application sends: ``Date`` and ``Message-ID`` say when that
was (RFC 5322, 3.6.1), and what was lazy is read in the language of that moment.

Knows no folder and no hold.
"""

import base64
import datetime
import decimal
import email.policy
import hashlib
import json
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from email.charset import Charset
from email.message import Message
from email.mime.base import MIMEBase
from email.policy import Policy, compat32
from typing import Any, cast

from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.message import EmailAlternative, EmailAttachment, MIMEMixin
from django.utils.functional import Promise

FORMAT = "held-mail/2"
_PARTS = (
    *("subject", "body", "from_email", "to", "cc", "bcc", "reply_to", "extra_headers", "encoding"),
    *("attachments", "alternatives", "content_subtype", "mixed_subtype", "alternative_subtype"),
)
_NO_PARTS = frozenset({"connection"})
_TEXTS: dict[str, tuple[type, Callable[[Any], str], Callable[[str], object]]] = {
    # A datetime is a date too, so it comes first.
    "datetime": (datetime.datetime, lambda v: v.isoformat(), datetime.datetime.fromisoformat),
    "date": (datetime.date, lambda v: v.isoformat(), datetime.date.fromisoformat),
    "decimal": (decimal.Decimal, str, decimal.Decimal),
    "uuid": (uuid.UUID, str, uuid.UUID),
}
_LISTS: dict[str, tuple[Any, Callable[[list[Any]], object]]] = {
    "attachment": (EmailAttachment, lambda items: EmailAttachment(*items)),
    "alternative": (EmailAlternative, lambda items: EmailAlternative(*items)),
    "tuple": (tuple, tuple),
    "set": (set, set),
}
log = logging.getLogger(__name__)


class DamagedMessage(ValueError):
    """What is stored is no message, or not all of one."""


class _Unwritable(TypeError):
    """A value that has no form outside this process."""


@dataclass(frozen=True)
class Held:
    """``options`` are those that the application gave to its connection."""

    message: EmailMessage
    options: dict[str, Any] = field(default_factory=dict)


class HeldMessage(EmailMultiAlternatives):
    """Sends the bytes that would have been sent, as long as nobody changes a part of it.

    A backend may rewrite what passes through it (other recipients on a test server, a mark in the
    subject): then its word counts, and the bytes are made again.
    """

    def __init__(self, wire: bytes, recipients: list[str], parts: Mapping[str, Any]) -> None:
        super().__init__()
        methods = {name for name in dir(EmailMultiAlternatives) if callable(getattr(self, name))}
        vars(self).update({name: parts[name] for name in parts if name not in methods})
        self._wire = wire
        self._recipients = recipients
        self._as_held = _parts_of(self)

    def recipients(self) -> list[str]:
        return list(self._recipients) if self._is_as_held() else list(super().recipients())

    def message(self) -> Any:  # type: ignore[override]
        held = sealed(self._wire)
        if self._is_as_held():
            return held
        made = super().message()
        for name in ("Date", "Message-ID"):
            if name in held and name.lower() not in {n.lower() for n in self.extra_headers}:
                del made[name]
                made[name] = held[name]
        return made

    def _is_as_held(self) -> bool:
        """A backend may note something of its own on a message; that changes no part of it."""
        now = dict(_parts_of(self)["of"])
        return all(now.get(name) == part for name, part in self._as_held["of"])


class SealedMessage(MIMEMixin, Message):  # type: ignore[misc]
    """A parsed message that gives back the bytes it came from, until somebody changes it."""

    _wire = b""
    _as_parsed = b""

    def as_bytes(self, unixfrom: bool = False, linesep: str = "\n") -> bytes:  # type: ignore[override]
        made: bytes = super().as_bytes(unixfrom=unixfrom, linesep=linesep)
        if unixfrom or not self._wire or super().as_bytes() != self._as_parsed:
            return made
        return self._wire.replace(b"\r\n", linesep.encode("ascii"))


def sealed(wire: bytes) -> SealedMessage:
    """``wire`` as a message whose ``as_bytes`` is ``wire``."""
    message = message_from_bytes(wire, _class=SealedMessage)
    message._as_parsed = message.as_bytes()
    message._wire = wire
    return message


class _Part(MIMEBase):
    """An attachment out of its bytes; backends ask whether an attachment is a MIMEBase."""

    def __init__(self, policy: "Policy[Any]" = compat32) -> None:
        Message.__init__(self, policy)


def dump(message: EmailMessage, options: Mapping[str, Any]) -> bytes:
    """The file of a message. Raises what ``message.message()`` raises: it could not be sent either."""
    mail = _mail(message)
    mail["options"] = _written(options, "option of the connection")
    document = {"format": FORMAT, "sha256": _digest(mail), "mail": mail}
    return json.dumps(document).encode("ascii")


def load(content: bytes) -> Held:
    """The message of a file, of this form or of the one before. Raises DamagedMessage."""
    try:
        document = json.loads(content)
        if "format" not in document:
            return Held(_of_the_first_form(document))
        mail = document["mail"]
        if document["format"] != FORMAT or document["sha256"] != _digest(mail):
            raise DamagedMessage("another format, or damaged")
        return Held(_message(mail), dict(_read(mail["options"])))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedMessage("no message") from error


def _of_the_first_form(content: dict[str, Any]) -> EmailMessage:
    """The first form had seven parts and the alternatives, and no bytes."""
    lists = ("to", "cc", "bcc", "reply_to")
    if not all(isinstance(content[name], list) for name in lists) or not content["to"] + (
        content["cc"] + content["bcc"]
    ):
        raise DamagedMessage("no recipients")
    return EmailMultiAlternatives(
        subject=str(content["subject"]),
        body=str(content["body"]),
        from_email=content["from_email"],
        alternatives=[(text, kind) for text, kind in content["alternatives"]],
        **{name: content[name] for name in lists},
    )


def _mail(message: EmailMessage) -> dict[str, Any]:
    # First: a message may make its parts as it is written.
    wire = _wire_of(message)
    return {
        "wire": base64.b64encode(wire).decode("ascii"),
        "recipients": [str(recipient) for recipient in message.recipients()],
        "parts": _parts_of(message),
    }


def _message(mail: dict[str, Any]) -> HeldMessage:
    wire = base64.b64decode(mail["wire"], validate=True)
    return HeldMessage(wire, list(mail["recipients"]), _read(mail["parts"]))


def _wire_of(message: EmailMessage) -> bytes:
    """The bytes as Django's SMTP backend asks for them."""
    made: Any = message.message()
    try:
        return bytes(made.as_bytes(linesep="\r\n"))
    except TypeError:  # a message of the standard library, which a subclass may make
        return bytes(made.as_bytes(policy=made.policy.clone(linesep="\r\n")))


def _digest(mail: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(mail, sort_keys=True).encode("ascii")).hexdigest()


def _parts_of(message: EmailMessage) -> dict[str, Any]:
    names = dict.fromkeys((*_PARTS, *_declared(type(message)), *vars(message)))
    values = {
        name: getattr(message, name)
        for name in names
        if not name.startswith("_") and name not in _NO_PARTS and hasattr(message, name)
    }
    return _written(values, "part of the message")


def _declared(kind: type) -> Iterator[str]:
    """What a subclass says for all its messages, such as its tags."""
    for parent in kind.__mro__:
        if parent in (EmailMultiAlternatives, EmailMessage, HeldMessage, object):
            continue
        for name, value in vars(parent).items():
            if not callable(value) and not hasattr(value, "__get__"):
                yield name


def _written(values: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Each value that has a form outside this process; the names of the others go to the log."""
    written = []
    for name, value in values.items():
        try:
            written.append([name, _write(value)])
        except _Unwritable:
            log.warning("Held mail: the %s %r (%s) is not kept.", what, name, type(value).__name__)
    return {"is": "dict", "of": written}


def _write(value: Any) -> Any:
    """``value`` as JSON; what JSON has no word for is ``{"is": kind, "of": ...}``."""
    if isinstance(value, str | Promise):
        return str(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list):
        return [_write(item) for item in value]
    kind, content = _kind_of(value)
    return {"is": kind, "of": content}


def _kind_of(value: Any) -> tuple[str, Any]:
    if isinstance(value, bytes | bytearray | memoryview):
        return "bytes", _base64(bytes(value))
    if isinstance(value, Mapping):
        return "dict", [[_write(key), _write(item)] for key, item in value.items()]
    for kind, (of_type, _make) in _LISTS.items():
        if isinstance(value, of_type):
            return kind, [_write(item) for item in value]
    for kind, (of_type, as_text, _make_one) in _TEXTS.items():
        if isinstance(value, of_type):
            return kind, as_text(value)
    if isinstance(value, EmailMessage):
        return "mail", _mail(value)
    if isinstance(value, Message):
        modern = not isinstance(value.policy, type(compat32))
        kind = "part" if isinstance(value, MIMEBase) else "modern" if modern else "parsed"
        return kind, _base64(value.as_bytes())
    if isinstance(value, Charset):
        names = (value.input_charset, value.header_encoding, value.body_encoding)
        return "charset", [*names, value.output_charset]
    raise _Unwritable


def _read(value: Any) -> Any:
    if isinstance(value, list):
        return [_read(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind, content = value["is"], value["of"]
    if kind == "dict":
        return {_read(key): _read(item) for key, item in content}
    if kind in _LISTS:
        return _LISTS[kind][1]([_read(item) for item in content])
    if kind in _TEXTS:
        return _TEXTS[kind][2](content)
    if kind == "mail":
        return _message(content)
    if kind == "charset":
        return _charset(*content)
    return _read_bytes(kind, base64.b64decode(content, validate=True))


def _read_bytes(kind: str, content: bytes) -> Any:
    if kind == "bytes":
        return content
    if kind == "part":
        return message_from_bytes(content, _class=_Part)
    policies: dict[str, Policy[Any]] = {"parsed": compat32, "modern": email.policy.default}
    return message_from_bytes(content, policy=policies[kind])


def _charset(name: str, headers: int | None, body: int | None, output: str | None) -> Charset:
    charset = Charset(name)
    charset.header_encoding, charset.body_encoding = cast(Any, headers), cast(Any, body)
    charset.output_charset = cast(Any, output)
    return charset


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
