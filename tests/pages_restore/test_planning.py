"""The plan's page: what it shows, what its choices change, and when there is no way on."""

import json

import pytest
from django.test import Client
from django.urls import reverse

from backups import jobs as backup_jobs
from backups.errors import WorkerFailure
from backups.models import AuditEvent, State
from backups.registry import registry
from backups.wording import _
from backupsvc.studio.models import User
from restore.models import PlanRun, Upload
from restore.services.planning import plan_runs
from restore.views import table_rows
from tests.pages_restore.conftest import as_json, begin, bring, planned


def page_of(browser: Client, upload: Upload) -> str:
    return browser.get(reverse("admin:restore_plan", args=[upload.pk])).content.decode()


def again(browser: Client, upload: Upload, **choices) -> PlanRun:
    browser.post(reverse("admin:restore_plan_again", args=[upload.pk]), choices)
    return planned(upload)


@pytest.fixture
def away(monkeypatch):
    """Redis cannot be reached."""
    error = WorkerFailure("worker.redis_away", _("The queue is away."), hint=_("Start Redis."))

    def refuse(*args):
        raise error

    monkeypatch.setattr(backup_jobs, "workers_listening", refuse)
    return refuse


def test_a_plan_shows_what_would_be_lost(live_studio, files):
    upload = bring(live_studio, files.complete)
    planned(upload)
    page = page_of(live_studio, upload)
    assert "1 row that is here now would be lost." in page
    assert "data-loses" in page and "<rect" in page
    assert reverse("admin:restore_confirm", args=[upload.pk]) in page
    assert "this installation" in page


def test_a_plan_says_who_can_sign_in_and_with_which_password(live_studio, files):
    upload = bring(live_studio, files.complete)
    planned(upload)
    assert "3 of 3 accounts" in page_of(live_studio, upload)
    safe = bring(live_studio, files.safe)
    planned(safe)
    assert "owner@studio.example stays an owner" in page_of(live_studio, safe)


def test_the_acting_owner_is_who_is_signed_in_whatever_was_posted(live_studio, files):
    upload = bring(live_studio, files.safe)
    planned(upload)
    run = again(live_studio, upload, acting="designer@studio.example")
    assert run.choices["acting"] == "owner@studio.example"


def test_a_foreign_file_has_no_way_on_until_it_is_accepted(live_studio, files):
    upload = bring(live_studio, files.foreign)
    planned(upload)
    page = page_of(live_studio, upload)
    confirm = reverse("admin:restore_confirm", args=[upload.pk])
    assert confirm not in page
    assert "cannot be restored as it is" in page and "under “Choices”" in page
    assert "--accept-foreign" not in page
    assert live_studio.get(confirm).status_code == 302
    again(live_studio, upload, accept_foreign="on")
    assert confirm in page_of(live_studio, upload)


def test_a_foreign_file_gives_a_role_only_where_it_was_ticked(live_studio, files):
    User.objects.filter(role=User.Role.ADMIN).update(role=User.Role.VIEWER)
    upload = bring(live_studio, files.foreign)
    planned(upload)
    assert 'value="admin@studio.example"' in page_of(live_studio, upload)
    run = again(live_studio, upload, accept_foreign="on", grant_roles=["admin@studio.example"])
    new = run.plan["accounts"]["privileged_new"]
    assert [account["email"] for account in new] == ["admin@studio.example"]
    page = page_of(live_studio, upload)
    assert 'value="admin@studio.example" checked' in page
    assert "would be able to do more than now" in page


def test_rows_that_let_people_in_come_only_where_their_table_was_ticked(live_studio, files):
    upload = bring(live_studio, files.foreign)
    planned(upload)
    page = page_of(live_studio, upload)
    box = '<input type="checkbox" name="let_in" value="passwordResetTokens"'
    assert f"{box}>" in page and "Rows of this file that let people in" in page
    run = again(live_studio, upload, accept_foreign="on", let_in=["passwordResetTokens"])
    assert [one["taken"] for one in run.plan["access"]] == [True]
    assert f"{box} checked>" in page_of(live_studio, upload)
    confirm = live_studio.get(reverse("admin:restore_confirm", args=[upload.pk])).content.decode()
    assert "come as you chose" in confirm and "Password reset tokens: 1 row" in confirm
    again(live_studio, upload, accept_foreign="on")
    assert "come as you chose" not in page_of(live_studio, upload)


def test_no_other_table_can_be_ticked(live_studio, files):
    upload = bring(live_studio, files.foreign)
    planned(upload)
    before = PlanRun.objects.count()
    live_studio.post(reverse("admin:restore_plan_again", args=[upload.pk]), {"let_in": "users"})
    assert PlanRun.objects.count() == before


def test_a_role_cannot_be_given_to_an_account_that_the_page_does_not_offer(live_studio, files):
    upload = bring(live_studio, files.foreign)
    planned(upload)
    before = PlanRun.objects.count()
    live_studio.post(
        reverse("admin:restore_plan_again", args=[upload.pk]), {"grant_roles": "x@y.example"}
    )
    assert PlanRun.objects.count() == before


def test_files_of_other_servers_are_kept_here_only_where_that_is_chosen(live_studio, files):
    upload = bring(live_studio, files.complete)
    assert planned(upload).plan["choices"]["host_files"] is False
    live_studio.post(reverse("admin:restore_plan_again", args=[upload.pk]), {"host_files": "on"})
    assert planned(upload).plan["choices"]["host_files"] is True


def test_a_new_plan_stops_the_one_that_was_being_made(live_studio, files):
    upload = bring(live_studio, files.complete)
    first = plan_runs.latest(upload)
    live_studio.post(reverse("admin:restore_plan_again", args=[upload.pk]), {"keep_revoked": "on"})
    first.refresh_from_db()
    assert first.state == State.CANCELLED
    assert planned(upload).plan["choices"]["keep_revoked"] is True


def test_a_damaged_file_is_said_so_with_what_to_do(live_studio, files):
    broken = bytearray(files.complete_plain)
    broken[-400] ^= 1
    upload = bring(live_studio, bytes(broken), "backup.json")
    with pytest.raises(Exception, match="damaged"):
        planned(upload)
    page = page_of(live_studio, upload)
    assert "There is no plan of this file" in page and "another copy" in page
    assert "Nothing was changed." in page


def test_while_a_plan_is_made_its_part_of_the_page_is_polled(live_studio, files):
    upload = bring(live_studio, files.complete)
    assert 'hx-trigger="every 1s"' in page_of(live_studio, upload)
    part = live_studio.get(reverse("admin:restore_progress", args=[upload.pk]))
    assert part.status_code == 200 and "HX-Refresh" not in part
    planned(upload)
    part = live_studio.get(reverse("admin:restore_progress", args=[upload.pk]))
    assert part["HX-Refresh"] == "true"


def test_where_nobody_works_the_page_says_how_to_start_somebody(live_studio, files):
    upload = bring(live_studio, files.complete)
    page = page_of(live_studio, upload)
    assert "Nobody is there to do the work" in page and "manage.py backup_worker" in page


def test_a_queue_that_is_away_is_said_and_the_file_stays(live_studio, files, away, monkeypatch):
    monkeypatch.setattr(backup_jobs.conf, "queue", lambda: "backups")
    upload = bring(live_studio, files.complete)
    assert "The queue (Redis) cannot be reached" in page_of(live_studio, upload)
    import_page = live_studio.get(reverse("admin:restore_import")).content.decode()
    assert "The queue (Redis) cannot be reached" in import_page and upload.name in import_page


def test_the_plan_of_a_dead_worker_ends_at_the_next_look(live_studio, files):
    upload = bring(live_studio, files.complete)
    PlanRun.objects.update(state=State.RUNNING)
    part = live_studio.get(reverse("admin:restore_progress", args=[upload.pk]))
    assert part["HX-Refresh"] == "true"
    assert "died before the end" in page_of(live_studio, upload)


def test_the_plan_can_be_downloaded_and_that_is_written_down(live_studio, files):
    upload = bring(live_studio, files.complete)
    run = planned(upload)
    answer = live_studio.get(reverse("admin:restore_plan_download", args=[upload.pk]))
    run.refresh_from_db()
    assert as_json(answer.content) == run.plan
    assert "attachment" in answer["Content-Disposition"]
    assert AuditEvent.objects.filter(action="plan", outcome="downloaded").exists()


def test_an_unfinished_upload_leads_back_to_the_import(owner, files):
    upload_id = begin(owner, 9, "x").json()["id"]
    assert owner.get(reverse("admin:restore_plan", args=[upload_id])).status_code == 302


def test_names_out_of_the_file_are_text_and_nothing_else(live_studio, files):
    evil = files.complete_plain.replace(
        b'"created_by":{"name":"command line"', b'"created_by":{"name":"<script>alert(1)</script>"'
    )
    assert evil != files.complete_plain
    upload = bring(live_studio, evil, "<img src=x onerror=alert(1)>.json")
    page = page_of(live_studio, upload)
    assert "<script>alert" not in page and "<img src=x" not in page


def test_a_reformatted_file_is_planned_once_that_was_accepted(live_studio, files):
    content = json.dumps(json.loads(files.complete_plain), indent=2).encode()
    upload = bring(live_studio, content, "pretty.json")
    with pytest.raises(Exception, match="reformatted"):
        planned(upload)
    assert 'name="accept_altered"' in page_of(live_studio, upload)
    again(live_studio, upload, accept_altered="on")
    page = page_of(live_studio, upload)
    assert "another installation, or altered" in page
    assert 'name="accept_altered" checked' in page


def test_tables_of_django_and_those_that_a_file_lacks_are_counted_apart():
    def table(name: str, key: str, now: int, fate: str = "replaced", lost: int = 0) -> dict:
        rest = dict.fromkeys(("set_null", "kept", "refilled"), 0)
        same = {"table": name, "key": key, "now": now, "after": now - lost, "lost": lost}
        return {**same, "group": "", "fate": fate, **rest}

    framework = registry.of_framework[0]
    own, lacking, following = registry.of_project[:3]
    tables = [
        table(own.table, own.key, 50, lost=1),
        table(framework.table, framework.key, 5),
        table(lacking.table, lacking.key, 7, "emptied"),
        table(following.table, following.key, 8, "follows"),
        table("django_admin_log", "", 3, "follows"),
        table("unknown", "", 0, "follows"),
    ]
    counted = table_rows.sums(tables)
    assert (counted.now, counted.after, counted.tables) == (50, 49, 1)
    assert (counted.framework_now, counted.framework_tables) == (5, 1)
    assert (counted.other_now, counted.other_after, counted.other_tables) == (18, 18, 3)
    shown = table_rows.apart(tables)
    unharmed = shown["unharmed_count"]
    assert (unharmed.tables, unharmed.framework_tables, unharmed.other_tables) == (0, 1, 3)
    listed = [len(group.tables) for name in ("losing", "unharmed") for group in shown[name]]
    assert sum(listed) == 5, "nobody looks for an empty table that no file ever has"
