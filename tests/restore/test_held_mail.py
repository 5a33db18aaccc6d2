"""Held mail comes back whole, and no message keeps another one."""

import datetime
import email.policy
import json
import logging
import os
import stat
import time
from collections.abc import Callable, Iterator
from email.charset import QP, Charset
from email.message import EmailMessage as ModernMessage
from email.mime.application import MIMEApplication
from email.mime.text import MIMEText
from pathlib import Path
from smtplib import SMTPRecipientsRefused
from typing import Any, cast

import pytest
from django.core import mail
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.management import CommandError, call_command
from django.utils.translation import gettext_lazy

from backups.services import vault
from restore.mail import really_send
from restore.models import OutgoingHold
from restore.services.asking import held_message, outgoing
from restore.services.asking.held_message import SealedMessage

TO = ["client@studio.example"]
SENT: list[dict] = []


class Recorder(BaseEmailBackend):
    """Keeps what a mail server would get, and what a service's backend would read."""

    def __init__(self, fail_silently: bool = False, **options) -> None:
        super().__init__(fail_silently=fail_silently)
        self.options = options

    def send_messages(self, email_messages) -> int:
        for message in email_messages:
            if "refused@studio.example" in message.recipients():
                raise SMTPRecipientsRefused({"refused@studio.example": (550, b"the secret text")})
            SENT.append(
                {
                    "bytes": message.message().as_bytes(linesep="\r\n"),
                    "envelope": (message.from_email, message.recipients()),
                    "parts": held_message._parts_of(message),
                    "options": self.options,
                }
            )
        return len(email_messages)


@pytest.fixture(autouse=True)
def hold(db, settings) -> Iterator[OutgoingHold]:
    settings.EMAIL_BACKEND = "restore.mail.HoldingEmailBackend"
    settings.BACKUPS_EMAIL_BACKEND = f"{__name__}.Recorder"
    SENT.clear()
    yield OutgoingHold.objects.create(restore_run="x")
    outgoing.discard_messages()


@pytest.fixture
def fixed(monkeypatch) -> None:
    """The same time, id and boundary in both ways, so that all the bytes can be compared."""
    monkeypatch.setattr("django.core.mail.message.formatdate", lambda **_: "Thu, 26 Nov 2026 20:00")
    monkeypatch.setattr("django.core.mail.message.make_msgid", lambda **_: "<one@studio>")
    monkeypatch.setattr("email.generator.Generator._make_boundary", lambda *_: "=====the-line==")


def folder() -> Path:
    return vault.folder() / "held-mail"


def files() -> list[Path]:
    return sorted(path for path in folder().iterdir())


def send(message, options):
    return really_send([message], **options)


class Tagged(EmailMultiAlternatives):
    """As the messages of mail services are: with attributes of their own, and with those of its class."""

    tags = ["of the class"]
    content_subtype = "html"

    @property
    def body(self):
        return f"<p>{self.name}</p>"

    @body.setter
    def body(self, value):
        self.name = value


class Standard(EmailMessage):
    """Makes a message of the standard library, as those that sign do."""

    def message(self) -> Any:  # type: ignore[override]
        made: Any = ModernMessage(policy=email.policy.SMTP)
        made["Subject"], made["To"] = self.subject, ", ".join(self.to)
        made.set_content(self.body)
        return made


def plain() -> EmailMessage:
    return EmailMessage("subject", "body\nFrom here\n.\nlast", None, TO)


def envelope() -> EmailMessage:
    return EmailMessage(
        "Grüße",
        "äöü" * 500,
        "bounces@studio.example",
        ["Zoë <z@studio.example>"],
        bcc=["hidden@studio.example"],
        cc=["copy@studio.example"],
        reply_to=["a@studio.example", "b@studio.example"],
        headers={
            "From": "Studio Ö <studio@studio.example>",
            "To": "undisclosed-recipients:;",
            "X-Number": cast(str, 7),
            "List-Unsubscribe": "<https://studio.example/u>",
            "Message-ID": "<given@studio.example>",
        },
    )


def html() -> EmailMessage:
    message = plain()
    message.content_subtype = "html"
    return message


def alternatives() -> EmailMessage:
    message = EmailMultiAlternatives("s", "text", None, TO)
    message.attach_alternative("<p>hällo</p>", "text/html")
    message.attach_alternative(b"\x00\xff", "application/x-thing")
    message.alternative_subtype = "related"
    return message


def attachments() -> EmailMessage:
    message = EmailMultiAlternatives("s", "text", None, TO)
    message.attach_alternative("<p>hi</p>", "text/html")
    message.mixed_subtype = "related"
    message.attach("plan.pdf", bytes(range(256)) * 40, "application/pdf")
    message.attach("größe.txt", "Größe", "text/plain")
    message.attach(None, b"nameless", "image/png")
    picture = MIMEApplication(b"\x89PNG", "png")
    picture["Content-ID"] = "<logo>"
    message.attach(picture)
    message.attach(MIMEText("as it is", "calendar", "utf-8"))
    message.attach("mail.eml", plain(), "message/rfc822")
    message.attach("parsed.eml", plain().message(), "message/rfc822")
    return message


def lazy() -> EmailMessage:
    return EmailMessage(
        gettext_lazy("Subject"),
        str(gettext_lazy("Body")),
        cast(str, gettext_lazy("a@studio.example")),
        TO,
    )


def charsets() -> EmailMessage:
    message = EmailMessage("Grüße", "Grüße " * 300, None, ["Zoë <z@studio.example>"])
    message.encoding = Charset("iso-8859-1")
    message.encoding.body_encoding = QP
    return message


def tagged() -> EmailMessage:
    message = Tagged("s", "name", None, TO)
    message.metadata = {"order": 7, "at": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)}
    message.merge_data = {"client@studio.example": {"name": gettext_lazy("you")}}
    return message


def standard() -> EmailMessage:
    return Standard("Grüße", "ä text", None, TO)


MESSAGES = [plain, envelope, html, alternatives, attachments, lazy, charsets, tagged]
every_message = pytest.mark.parametrize("make", MESSAGES, ids=lambda make: make.__name__)


@every_message
def test_what_was_held_is_sent_byte_for_byte_as_if_it_had_not_been(
    make: Callable[[], EmailMessage], fixed
):
    really_send([make()])
    assert make().send() == 1 and len(SENT) == 1
    assert outgoing.send_messages(send) == outgoing.Settled(sent=1)
    at_once, held = SENT
    assert held["bytes"] == at_once["bytes"]
    assert held["envelope"] == at_once["envelope"]
    parts = dict(held["parts"]["of"])
    for name, value in at_once["parts"]["of"]:
        assert comparable(parts[name]) == comparable(value), name
    assert not files()


def comparable(part):
    """An attached message of ours comes back as one that is sealed: its own bytes stand for it."""
    if isinstance(part, dict) and part.get("is") == "mail":
        return part["of"]["wire"]
    if isinstance(part, dict):
        return {"is": part["is"], "of": comparable(part["of"])}
    return [comparable(one) for one in part] if isinstance(part, list) else part


@every_message
def test_the_other_backends_of_django_take_it_too(make, settings, tmp_path):
    make().send()
    (stored,) = files()
    held = held_message.load(stored.read_bytes()).message
    for name in ("locmem", "filebased", "console", "dummy"):
        options = {"file_path": tmp_path} if name == "filebased" else {}
        connection = get_connection(f"django.core.mail.backends.{name}.EmailBackend", **options)
        assert connection.send_messages([held]) == 1
    assert mail.outbox[-1].subject == str(make().subject)
    (written,) = tmp_path.iterdir()
    assert held.message().as_bytes() in written.read_bytes()


def test_a_message_of_the_standard_library_is_held_too():
    standard().send()
    outgoing.send_messages(send)
    assert SENT[0]["bytes"] == standard().message().as_bytes(policy=email.policy.SMTP)


def test_date_and_id_are_those_of_the_moment_when_it_was_sent(fixed, monkeypatch):
    plain().send()
    monkeypatch.setattr("django.core.mail.message.formatdate", lambda **_: "later")
    monkeypatch.setattr("django.core.mail.message.make_msgid", lambda **_: "<two@studio>")
    outgoing.send_messages(send)
    assert b"Date: Thu, 26 Nov 2026 20:00" in SENT[0]["bytes"]
    assert b"Message-ID: <one@studio>" in SENT[0]["bytes"]


def test_the_options_of_the_connection_come_back():
    mail.send_mail("s", "b", None, TO, auth_user="anna", auth_password="word")
    outgoing.send_messages(send)
    assert SENT[0]["options"] == {"username": "anna", "password": "word"}


def test_a_backend_that_changes_what_passes_through_it_has_the_last_word(fixed):
    envelope().send()
    held = held_message.load(files()[0].read_bytes()).message
    held.to, held.cc, held.bcc = ["tester@studio.example"], [], []
    held.subject = "[staging] " + held.subject
    assert held.recipients() == ["tester@studio.example"]
    assert held.message()["Subject"] != envelope().message()["Subject"]
    plain().send()
    held = held_message.load(files()[1].read_bytes()).message
    held.subject = "other"
    assert (held.message()["Message-ID"], held.message()["Subject"]) == ("<one@studio>", "other")


def test_a_note_that_a_backend_makes_on_a_message_changes_nothing():
    standard().send()
    held: Any = held_message.load(files()[0].read_bytes()).message
    held.tracked = True
    assert held.message().as_bytes(linesep="\r\n") == held._wire


def test_a_header_that_a_backend_adds_is_sent():
    message = held_message.sealed(cast(Any, plain().message()).as_bytes(linesep="\r\n"))
    assert isinstance(message, SealedMessage)
    message["DKIM-Signature"] = "signed"
    assert b"DKIM-Signature: signed\r\n" in message.as_bytes(linesep="\r\n")


# Stored safely


def test_a_file_is_private_and_complete_under_its_name():
    plain().send()
    (stored,) = files()
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert json.loads(stored.read_bytes())["format"] == held_message.FORMAT


def test_a_message_whose_writer_dies_is_none_and_is_swept(monkeypatch):
    plain().send()
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        plain().send()
    monkeypatch.undo()
    assert outgoing.held_messages() == 1 and len(files()) == 1
    for name, age in (("young", 0), ("old", 7200)):
        draft = folder() / f".{name}.json.0123"
        draft.write_bytes(b'{"half')
        os.utime(draft, (time.time() - age, time.time() - age))
    assert outgoing.held_messages() == 1
    outgoing.send_messages(send)
    assert [path.name for path in files()] == [".young.json.0123"]


def test_what_is_too_large_is_refused_in_words_and_stores_nothing(monkeypatch):
    monkeypatch.setattr(outgoing, "FILE_BYTES_MAX", 100)
    with pytest.raises(outgoing.StorageFailure) as refusal:
        plain().send()
    assert refusal.value.code == "storage.mail_too_large" and not files()
    assert plain().send(fail_silently=True) == 0


# One keeps no other


def first_form() -> bytes:
    old: dict[str, Any] = {
        "subject": "old",
        "body": "form",
        "from_email": "a@studio.example",
        "to": TO,
    }
    old |= {
        "cc": [],
        "bcc": ["b@studio.example"],
        "reply_to": [],
        "alternatives": [["<p>", "text/html"]],
    }
    return json.dumps(old).encode()


def test_mail_that_the_version_before_held_is_sent():
    outgoing.held_messages()
    (folder() / "20260101.json").write_bytes(first_form())
    assert outgoing.send_messages(send) == outgoing.Settled(sent=1)
    assert SENT[0]["envelope"] == ("a@studio.example", [*TO, "b@studio.example"])
    assert b"text/html" in SENT[0]["bytes"]


def altered(content: bytes) -> bytes:
    document = json.loads(content)
    document["mail"]["recipients"] = ["somebody@else.example"]
    return json.dumps(document).encode()


DAMAGE: dict[str, Callable[[Path, bytes], object]] = {
    "half": lambda path, whole: path.write_bytes(whole[: len(whole) // 2]),
    "empty": lambda path, _: path.write_bytes(b""),
    "altered": lambda path, whole: path.write_bytes(altered(whole)),
    "another_format": lambda path, whole: path.write_bytes(whole.replace(b"mail/2", b"mail/3")),
    "half_of_the_first_form": lambda path, _: path.write_bytes(first_form()[:40]),
    "something_else": lambda path, _: path.write_bytes(b"[1, 2]"),
    "deep": lambda path, _: path.write_bytes(b"[" * 100_000),
    "bytes": lambda path, _: path.write_bytes(b"\xff\xfe\x00"),
    "pipe": lambda path, _: os.mkfifo(path),
    "folder": lambda path, _: path.mkdir(),
    "link": lambda path, _: path.symlink_to("/etc/hostname"),
    "no_recipients": lambda path, _: path.write_bytes(
        first_form()
        .replace(TO[0].encode(), b"")
        .replace(b'[""]', b"[]")
        .replace(b'["b@studio.example"]', b"[]")
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_cannot_be_read_lies_aside_and_the_others_are_sent(damage, caplog):
    plain().send()
    plain().send()
    DAMAGE[damage](folder() / "00000000-first.json", files()[0].read_bytes())
    with caplog.at_level(logging.WARNING):
        assert outgoing.send_messages(send) == outgoing.Settled(sent=2, unreadable=1)
    assert outgoing.held_messages() == 0 and outgoing.unreadable_messages() == 1
    assert "00000000-first.json" in caplog.text
    assert outgoing.discard_messages() == 1 and not files()


def test_what_is_not_taken_stays_and_the_others_are_sent(caplog):
    EmailMessage("secret subject", "secret text", None, ["refused@studio.example"]).send()
    plain().send()
    assert outgoing.send_messages(send) == outgoing.Settled(sent=1, failed=1)
    assert len(files()) == 1 and len(SENT) == 1
    assert "SMTPRecipientsRefused" in caplog.text
    assert "secret" not in caplog.text and "studio.example" not in caplog.text


def test_a_server_that_is_not_there_is_not_asked_for_ever():
    for _ in range(15):
        plain().send()
    asked = []

    def away(message, options):
        asked.append(message)
        raise ConnectionRefusedError

    assert outgoing.send_messages(away) == outgoing.Settled(failed=15)
    assert len(asked) == outgoing._UNREACHABLE_MAX and outgoing.held_messages() == 15


def test_two_that_send_at_once_send_nothing_twice():
    plain().send()
    inner = []

    def sending(message, options):
        inner.append(outgoing.send_messages(send))
        return send(message, options)

    assert outgoing.send_messages(sending).sent == 1
    assert inner == [outgoing.Settled()] and len(SENT) == 1


def test_the_command_says_what_stayed_and_can_be_called_again(capsys, hold):
    EmailMessage("s", "b", None, ["refused@studio.example"]).send()
    plain().send()
    with pytest.raises(CommandError, match="1 messages were not taken"):
        call_command("restore_release", "--send")
    assert "1 messages sent" in capsys.readouterr().out
    assert not outgoing.is_held() and outgoing.held_messages() == 1
    call_command("restore_release", "--discard")
    assert not files()


# Twins: without the guard the damage is done


def test_without_the_bytes_a_message_of_another_class_comes_back_otherwise(monkeypatch):
    monkeypatch.setattr(held_message.HeldMessage, "message", EmailMultiAlternatives.message)
    standard().send()
    outgoing.send_messages(send)
    assert SENT[0]["bytes"] != standard().message().as_bytes(policy=email.policy.SMTP)


def test_without_its_digest_an_altered_file_is_sent_to_somebody_else(monkeypatch):
    plain().send()
    (stored,) = files()
    stored.write_bytes(altered(stored.read_bytes()))
    monkeypatch.setattr(
        held_message, "_digest", lambda _: json.loads(stored.read_bytes())["sha256"]
    )
    outgoing.send_messages(send)
    assert SENT[0]["envelope"][1] == ["somebody@else.example"]
