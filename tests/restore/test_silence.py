"""No message, log line or run tells what stands in a row."""

import logging

import pytest
from django.core import serializers

from backups.models import AuditEvent, BackupRun
from restore.database import questions
from restore.models import RestoreRun
from restore.services.planning import examining
from restore.services.planning.scanning import SectionScan
from tests.restore.forging import Document, encoded, foreign, ours
from tests.restore.steps import plan_as, restore_as

CANARY = "canary-7f3a"


def fill_with_canaries(document: Document) -> None:
    """Every text of every row that is not a key, a choice or a reference, and each secret key."""
    for section in document.head["sections"]:
        texts = [
            c["name"]
            for c in section["columns"]
            if (section["key"], c["name"]) != ("users", "name")  # a plan names accounts
            and c["name"] in ("name", "content", "password", "title", "token", "message", "notes")
        ]
        for number, row in enumerate(document.read(section["key"])):
            cells = {n: f"{CANARY}-{n}-{number}" for n in texts if row.get(n) is not None}
            document.rows[section["key"]][number] = encoded(row | cells)


def _twice(document: Document, key: str) -> None:
    document.rows[key].append(document.rows[key][-1])


FAULTS = {
    "null": lambda d: d.change_first("verificationTokens", expires=None),
    "malformed": lambda d: d.change_first("verificationTokens", expires=CANARY),
    "repeated": lambda d: _twice(d, "verificationTokens"),
    "dangling": lambda d: d.change_first("comments", author_id=CANARY),
    "choice": lambda d: d.change_first("rooms", status=CANARY),
    "row": lambda d: d.change_first("rooms", order=CANARY),
}


@pytest.mark.battery
@pytest.mark.parametrize("maker", [foreign, ours], ids=["foreign", "ours"])
def test_nothing_tells_what_stands_in_a_row(studio, tmp_path, caplog, monkeypatch, maker) -> None:
    caplog.set_level(logging.DEBUG)
    said = []
    for blind in (False, True):
        if blind:  # the plan lets faults through, and the database itself objects
            monkeypatch.setattr(SectionScan, "_examine", lambda *a: None)
            monkeypatch.setattr(questions, "dangling", lambda *a: 0)
            monkeypatch.setattr(questions, "repeated", lambda *a: 0)
        for fault in FAULTS.values():

            def spoil(document: Document, fault=fault) -> None:
                fill_with_canaries(document)
                fault(document)

            said += _words(maker(studio.complete, tmp_path / "f.json", spoil))
    assert len(said) == 24 and sum(map(bool, said)) >= 20
    assert CANARY not in "".join(said)
    assert CANARY not in caplog.text
    assert CANARY not in _runs()


def _words(file) -> list[str]:
    """What a plan and a restore of the file say."""
    said = []
    for step in (plan_as, restore_as):
        try:
            done = step(file, accept_foreign=True, let_in=("verificationTokens",))
            said.append(str(getattr(done, "findings", "")))
        except Exception as error:
            said.append(f"{error} {getattr(error, 'hint', '')}")
    return said


def _runs() -> str:
    return "".join(
        serializers.serialize("json", model.objects.all())
        for model in (RestoreRun, BackupRun, AuditEvent)
    )


def test_a_secret_key_is_not_shown(studio, tmp_path, monkeypatch) -> None:
    """And the twin: were it not known to be secret, it would be."""

    def spoil(document: Document) -> None:
        fill_with_canaries(document)
        _twice(document, "verificationTokens")

    file = ours(studio.complete, tmp_path / "f.json", spoil)
    assert CANARY not in str(plan_as(file).findings)
    monkeypatch.setattr(examining, "key_is_secret", lambda section: False)
    assert CANARY in str(plan_as(file).findings)
