"""One number for one thing: what a backup holds, on every page and in every command of its life."""

import html
import json
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backups.models import BackupRun, State
from backups.registry import COMPLETE, SAFE, Scope, registry
from backups.services import vault
from backupsvc.studio.models import Organization, User
from restore.models import Rehearsal, RestoreRun, Upload
from restore.services.planning import plan_runs
from tests.restore.conftest import OWNER
from tests.roundtrip.engine import back_up, stored

# Rows and tables as any page or command says them, Django's own apart, and those that the file lacks.
NUMBER = r"([\d,]+)"
PUT = re.compile(rf"{NUMBER}(?: rows?)? in {NUMBER} tables(?! that)")
DJANGO = re.compile(rf"(?:[aA]nd |, ){NUMBER} in {NUMBER} of Django itself")
NOW = re.compile(rf"Rows: {NUMBER} (?:now|before), {NUMBER} (?:afterwards|now), in {NUMBER} tables")
NOW_DJANGO = re.compile(rf"And {NUMBER} \w+, {NUMBER} \w+, in {NUMBER} of Django itself")
NOW_OTHER = re.compile(rf"And {NUMBER} \w+, {NUMBER} \w+, in {NUMBER} tables? that")

Numbers = tuple[int, ...]


def numbers(form: re.Pattern[str], text: str) -> Numbers:
    """What a text says in this form: nothing, or the same wherever it says it."""
    plain = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", text)))
    found = {tuple(int(n.replace(",", "")) for n in one.groups()) for one in form.finditer(plain)}
    assert len(found) <= 1, found
    return found.pop() if found else ()


def held(text: str) -> tuple[Numbers, Numbers]:
    return numbers(PUT, text), numbers(DJANGO, text)


def said(command: str, *arguments: Any) -> str:
    out = StringIO()
    call_command(command, *map(str, arguments), stdout=out, stderr=StringIO())
    return out.getvalue()


def page(name: str, *arguments: Any) -> str:
    browser = Client()
    browser.force_login(User.objects.get(email=OWNER))
    answer = browser.get(reverse(f"admin:{name}", args=arguments))
    assert answer.status_code == 200, (name, answer.status_code)
    return answer.content.decode()


def part(text: str, beginning: str, end: str) -> str:
    """From one mark to another: a page counts other things too."""
    return text[text.index(beginning) :].split(end, 1)[0]


def upload_of(run: BackupRun) -> Upload:
    """With a plan."""
    browser = Client()
    browser.force_login(User.objects.get(email=OWNER))
    browser.post(reverse("admin:restore_stored", args=[run.pk]))
    upload = Upload.objects.get(backup=run.pk)
    made = plan_runs.latest(upload)
    assert made
    plan_runs.carry_out(made)
    return upload


def places(run: BackupRun) -> Iterator[tuple[str, str]]:
    """Where the page or command of a backup says what it holds."""
    yield "page", part(page("backups_run", run.pk), "What is in it", "</dd>")
    yield "inspect", said("backup_inspect", stored(run))
    told = said("restore_plan", run.pk, "--as", OWNER).split("\n")
    yield "restore_plan", next(line for line in told if line.startswith(f"A {run.scope} backup"))


def table_by_table(text: str) -> tuple[Numbers, Numbers, Numbers]:
    return numbers(NOW, text), numbers(NOW_DJANGO, text), numbers(NOW_OTHER, text)


@pytest.mark.parametrize("scope", [COMPLETE, pytest.param(SAFE, marks=pytest.mark.battery)])
def test_what_a_backup_holds_is_one_number_from_its_card_to_its_report(
    studio, scope: Scope
) -> None:
    run = back_up(scope)
    tables = [s.key for s in registry.of_project if scope in s.scopes]
    known = {key: one["rows"] for key, one in run.statistics["sections"].items()}
    rows, of_all = sum(known[key] for key in tables), len(registry.of_project)
    own, django = (rows, len(tables)), (sum(known.values()) - rows, len(registry.of_framework))
    # Of a Safe file the tables of Django are a dictionary: read, and not written.
    written = django if scope is COMPLETE else ()

    # The backup: its card, its page, its progress, and what commands say of it.
    assert {name: held(text) for name, text in places(run)} == dict.fromkeys(
        ("page", "inspect", "restore_plan"), (own, django)
    )
    assert (run.rows_done, run.sections_done) == own
    listed = json.loads(said("backup_list", "--json"))[0]
    assert (listed["rows"], listed["tables"], listed["framework_rows"]) == (*own, django[0])
    assert f" {rows:,} " in said("backup_list")
    dashboard = page("backups_backuprun_changelist")
    card = f"All {of_all} tables" if scope is COMPLETE else f"{len(tables)} of {of_all} tables"
    verdict = {
        COMPLETE: f"holds all {of_all} tables",
        SAFE: f"brings back {len(tables)} of {of_all} tables",
    }[scope]
    assert card in dashboard and verdict in dashboard

    # The plan, with a row that would be lost, and its confirmation.
    Organization.objects.create(id="new", name="New since", slug="new-since")
    upload = upload_of(run)
    shown = page("restore_plan", upload.pk)
    assert held(part(shown, 'id="rs-file-title"', "</dl>")) == (own, django)
    section = part(shown, 'id="rs-tables-title"', "</section>")
    mine, djangos, others = table_by_table(section)
    assert mine == (rows + 1, *own)
    assert djangos == ((written[0], *written) if written else ())
    listed_tables = section.count('<tr role="row" id="table-')
    assert listed_tables == len(tables) + (djangos or (0,))[-1] + (others or (0,))[-1]
    folded = part(section, "<summary>", "</summary>")
    assert numbers(re.compile(rf"{NUMBER} tables of which"), folded) == (len(tables) - 1,)
    assert numbers(re.compile(rf"and {NUMBER} of Django"), folded) == written[1:]
    assert numbers(re.compile(rf"and {NUMBER} that"), folded) == others[-1:]
    confirm = page("restore_confirm", upload.pk)
    assert f"<dd>{rows + 1:,} <small>in {len(tables)} tables" in confirm
    assert table_by_table(confirm)[1:] == (djangos, others)

    # The restore: what the command says, its progress, its report, its undo, and a test restore.
    done = said("restore_apply", run.pk, "--confirm=REPLACE ALL DATA", "--as", OWNER)
    assert held(part(done, "Restored:", "read back")) == (own, written)
    restored = RestoreRun.objects.get()
    assert (restored.rows_done, restored.sections_done) == own
    report = page("restore_report", restored.pk)
    assert held(part(report, "The restore succeeded", "</p>")) == (own, written)
    assert table_by_table(report) == (mine, djangos, others)
    safety = BackupRun.objects.get(pk=restored.safety_backup)
    undo = part(page("restore_undo", restored.pk), "<dl", "</dl>")
    assert held(undo) == held(part(page("backups_run", safety.pk), "What is in it", "</dd>"))
    tested = Rehearsal.objects.create(
        backup=run.pk,
        state=State.SUCCEEDED,
        finished_at=timezone.now(),
        report=restored.report | {"seconds": 1.0},
    )
    for text in (page("restore_rehearsal", tested.pk), page("backups_run", run.pk)):
        assert numbers(PUT, part(text, "Proven", "equal to their hashes")) == own


def test_the_card_says_when_a_table_came_after_the_backup(studio) -> None:
    sections = {s.key: {"rows": 1, "bytes": 1} for s in registry.of_project if s.key != "tags"}
    (vault.folder() / "a.json").write_bytes(b"")
    BackupRun.objects.create(
        scope=COMPLETE, state=State.SUCCEEDED, artifact="a.json", statistics={"sections": sections}
    )
    of_all = len(registry.of_project)
    assert f"holds {of_all - 1} of today\N{RIGHT SINGLE QUOTATION MARK}s {of_all} tables" in page(
        "backups_backuprun_changelist"
    )
