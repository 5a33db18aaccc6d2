"""Dashboard, history, coverage and audit: what they show, and at what cost."""

import csv
import io
import statistics as figures
import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backups.findings import Finding, Severity
from backups.models import AuditEvent, BackupRun, State
from backups.registry import COMPLETE, SAFE, registry
from backups.services import audit_head, audit_proof, coverage, readiness
from backups.wording import _
from tests.pages.conftest import PAGES, RULES, statistics

MANY = 10_000


def page(browser, path=""):
    return browser.get(PAGES + path).content.decode()


def queries_of(browser, path):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert browser.get(PAGES + path).status_code == 200
    return len(queries)


def make_runs(count):
    now = timezone.now()
    BackupRun.objects.bulk_create(
        BackupRun(
            scope=("safe", "complete")[n % 2],
            state=(State.SUCCEEDED, State.FAILED)[n % 3 == 0],
            artifact="gone.json.zst" if n % 3 else "",
            requested_by_email=f"person-{n % 7}@studio.example",
            requested_at=now - timezone.timedelta(hours=n),
            statistics=statistics(),
        )
        for n in range(count)
    )


@pytest.mark.parametrize("path", ["", "history/"])
def test_the_number_of_queries_does_not_grow_with_the_runs(owner, path):
    make_runs(10)
    few = queries_of(owner, path)
    make_runs(MANY)

    assert queries_of(owner, path) == few < 15


@pytest.mark.battery
@pytest.mark.parametrize("path", ["", "history/", "history/?page=400", "history/?scope=safe"])
def test_a_page_over_ten_thousand_runs_takes_less_than_a_tenth_of_a_second(owner, path):
    make_runs(MANY)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    owner.get(PAGES + path)
    taken = []
    for _turn in range(11):
        begun = time.perf_counter()
        owner.get(PAGES + path)
        taken.append(time.perf_counter() - begun)

    assert figures.median(taken) < 0.1


def test_the_dashboard_says_plainly_what_only_complete_backups_hold(admin, backup):
    backup("safe")
    shown = page(admin)

    tables = len(registry.in_scope(COMPLETE)) - len(registry.in_scope(SAFE))
    assert f"{tables} tables, which are in Complete Backups only" in shown
    assert "7 local files are in Complete Backups only" in shown


def test_without_a_backup_the_answer_is_no(owner):
    shown = " ".join(page(owner).split())
    assert "Could you restore today? No." in shown
    assert "There is no backup yet." in shown


def test_with_a_safe_backup_alone_the_answer_is_in_part(owner, backup):
    backup("safe")
    shown = " ".join(page(owner).split())
    assert "Could you restore today? Only in part." in shown
    assert "everybody needs a new password" in shown


def test_with_a_complete_backup_the_answer_is_yes(owner, backup):
    backup("complete")
    assert readiness.today().verdict == "yes"
    assert "Could you restore today? Yes." in " ".join(page(owner).split())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"statistics": statistics(gaps=3)}, "3 files are missing in it"),
        ({"requested_at": timezone.now() - timezone.timedelta(days=40)}, "It is overdue"),
    ],
)
def test_what_is_missing_is_said(owner, backup, fields, said):
    backup("complete", **fields)

    shown = " ".join(page(owner).split())

    assert "Yes, but not everything." in shown
    assert said in shown


def test_rows_that_break_rules_are_said_and_those_that_cannot_come_back_first(owner, backup):
    backup("complete", statistics=statistics() | RULES)
    shown = " ".join(page(owner).split())
    assert "Yes, but not everything." in shown
    assert "2 rows in it stand twice or more where a unique index allows one" in shown
    assert "8 times a row in it breaks a rule of its table" in shown


def test_of_a_safe_backup_alone_they_are_said_too(owner, backup):
    backup("safe", statistics=statistics() | RULES)
    assert "2 rows in it stand twice or more" in " ".join(page(owner).split())


def test_rows_that_only_break_rules_come_back_so_the_answer_is_yes(owner, backup):
    rules = [one for one in RULES["rules_broken"] if one["kind"] != "duplicate"]
    backup("complete", statistics=statistics() | {"rules_broken": rules})
    shown = " ".join(page(owner).split())
    assert "Could you restore today? Yes." in shown
    assert "8 times a row in it breaks a rule of its table" in shown


def test_a_backup_whose_file_is_gone_does_not_count(owner, backup):
    backup("complete", artifact="gone.json.zst")
    assert readiness.today().verdict == "no"

    backup("complete", requested_at=timezone.now() - timezone.timedelta(days=1))
    assert "1 newer Complete Backup cannot be used" in " ".join(page(owner).split())


def test_the_next_backup_is_sized_by_the_last_one(backup):
    last = backup("safe", plain_bytes=1000)
    last.statistics["rows"] = max(readiness.next_backup(SAFE, None).rows, 1)

    assert readiness.next_backup(SAFE, last).measured


@pytest.mark.parametrize(
    ("query", "count"),
    [("", 30), ("scope=safe", 15), ("state=failed", 10), ("person=person-0@studio.example", 5)],
)
def test_the_history_is_filtered(owner, query, count):
    make_runs(30)
    assert f"{count} backups" in page(owner, f"history/?{query}")


def test_an_empty_history_shows_the_way_to_the_first_backup(owner):
    assert "Make the first one" in page(owner, "history/")


@pytest.mark.parametrize("wrong", ["0", "-1", "999", "x"])
def test_a_page_that_is_not_there_is_the_nearest(owner, wrong):
    make_runs(30)
    assert owner.get(f"{PAGES}history/?page={wrong}").status_code == 200


def test_the_coverage_page_names_every_table(owner):
    shown = page(owner, "coverage/")

    for section in registry.sections:
        assert f"<code>{section.key}</code>" in shown
    for exclusion in registry.exclusions:
        assert exclusion.table in shown


def test_the_report_is_downloaded_as_markdown(owner):
    response = owner.get(PAGES + "coverage/report.md")

    assert response.content.decode().startswith("# Backup System Coverage Report")
    assert "attachment" in response["Content-Disposition"]


def event(**fields):
    values = {"action": "backup.safe", "outcome": "requested", "person_name": "Olivia"}
    return AuditEvent.objects.create(**(values | fields))


def rows_of(response):
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_the_audit_trail_is_filtered(owner):
    event(person_email="one@studio.example")
    event(person_email="two@studio.example", action="backup.delete")

    assert "1 event" in page(owner, "audit/?person=one@studio.example")
    assert "1 event" in page(owner, "audit/?action=backup.delete")
    assert "Nothing was written down" in page(owner, "audit/?until=2000-01-01")
    assert owner.get(PAGES + "audit/?since=2025-13-99").status_code == 200


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_of_the_export_is_a_formula(owner, start):
    event(person_name=f"{start}cmd|' /C calc'!A0")

    [row] = rows_of(owner.get(PAGES + "audit/events.csv?action=backup.safe"))

    assert row["name"].startswith("'" + start)


def test_the_export_follows_the_filters(owner):
    event(action="backup.delete", details={"scope": "safe"})
    event()

    [row] = rows_of(owner.get(PAGES + "audit/events.csv?action=backup.delete"))

    assert (row["action"], row["details"]) == ("backup.delete", '{"scope":"safe"}')


def test_names_out_of_rows_are_text_and_never_markup(owner):
    event(person_name="<script>alert(1)</script>", person_email="x@studio.example")

    assert "<script>alert(1)" not in page(owner, "audit/")


def test_every_answer_carries_the_policy(owner):
    for path in ("", "history/", "coverage/", "audit/"):
        policy = owner.get(PAGES + path)["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy


def test_drift_is_shown_in_words_with_what_to_do(owner, monkeypatch):
    finding = Finding(
        "backups.E101", Severity.ERROR, _("Nobody owns it."), _("Declare it."), "stray"
    )
    monkeypatch.setattr(coverage, "drift", lambda *_: [finding])

    shown = page(owner, "coverage/")

    for said in ["NOT COMPLETE", "1 finding needs attention", "Nobody owns it.", "Declare it."]:
        assert said in shown


def test_local_files_are_those_that_the_newest_backup_of_either_kind_counted(owner, backup):
    assert "the first backup counts them" in page(owner)
    counted = {"counted_files": {"places": 70, "local": 60, "in_rows": 0}}
    backup("complete", statistics=statistics() | counted)
    assert "60 local files are in Complete Backups only" in page(owner)
    counted = {"counted_files": {"places": 70, "local": 61, "in_rows": 0}}
    run = backup("safe", statistics=statistics() | counted)
    assert "61 local files are in Complete Backups only" in page(owner)
    assert "61 of them local" in page(owner, f"runs/{run.pk}/")


def test_the_audit_page_says_up_to_where_it_was_verified_and_verifies(
    owner, settings, tmp_path, monkeypatch
):
    settings.BACKUPS_AUDIT_HEAD_FILE = tmp_path / "head"
    assert "never verified" in page(owner, "audit/")
    head = audit_head.Head(1234, "x")
    whole = audit_proof.Proof(1234, 0, head, head, ())
    monkeypatch.setattr(audit_proof, "verify", lambda **limits: whole)
    said = owner.post(PAGES + "audit/verify/", follow=True).content.decode()
    assert "1234 events were read, and are as they were written" in said
    assert "just now by owner@studio.example, up to event 1,234." in said


def test_one_that_is_not_whole_says_so_there(owner, settings, tmp_path, monkeypatch):
    settings.BACKUPS_AUDIT_HEAD_FILE = tmp_path / "head"
    found = Finding("audit.gap", Severity.ERROR, _("Events are missing."), _("Look."))
    broken = audit_proof.Proof(7, 0, audit_head.Head(7, "x"), None, (found,))
    monkeypatch.setattr(audit_proof, "verify", lambda **limits: broken)
    said = owner.post(PAGES + "audit/verify/", follow=True).content.decode()
    assert "Events are missing. Look. (audit.gap)" in said
    assert "not whole" in page(owner, "audit/") and "audit.gap" in page(owner, "audit/")
    assert (tmp_path / "head.verified").stat().st_mode & 0o777 == 0o600
