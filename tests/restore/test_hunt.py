"""No secret leaves in a Safe file, wherever it stands and however it is written; and no marker comes back
over what is there now."""

import itertools
import json
import secrets
from io import StringIO

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.db.models import F, UniqueConstraint
from django.db.models.functions import Lower
from django.utils import timezone
from psycopg2 import sql

from backups.artifact.tail import AlteredCell
from backups.database import introspection
from backups.database.connection import connected
from backups.database.introspection import LiveColumn
from backups.errors import ArtifactError
from backups.models import BackupRun
from backups.registry import COMPLETE, SAFE, registry
from backups.services import vault, withholding
from backupsvc.studio.models import (
    ActivityLog,
    ChatMessage,
    ClientAccessToken,
    ClientApprovalEmailLog,
    EmailLog,
    FFEChangeLog,
    FFETemplate,
    FloorplanApprovalEmailLog,
    User,
)
from restore.database import altered
from restore.services.planning import staging
from restore.services.planning.matching import match
from tests.hunting_forms import FORMS
from tests.restore.steps import codes, plan_as, restore_as
from tests.restore.tables import changed_tables, rows_of_database
from tests.roundtrip import independent
from tests.roundtrip.engine import back_up, document, stored

TEXTS = [
    (ChatMessage, "content"),
    (ChatMessage, "image_file_name"),
    (FFEChangeLog, "old_value"),
    (FFEChangeLog, "new_value"),
    (EmailLog, "html"),
    (ClientApprovalEmailLog, "html_content"),
    (FloorplanApprovalEmailLog, "html_content"),
]
DOCUMENTS = [(ActivityLog, "details"), (FFEChangeLog, "metadata"), (EmailLog, "metadata")]


def secret_columns() -> list:
    with connected(purpose="test") as live:
        return withholding.secret_columns(introspection.live_tables(live))


@pytest.fixture
def canaries(studio) -> list[str]:
    """A fresh secret in a row of every secret column, pasted into texts, documents, arrays in all forms."""
    Session.objects.create(session_key="to be", session_data="x", expire_date=timezone.now())
    found = []
    for column in secret_columns():
        value = f"Canary.{secrets.token_urlsafe(9)}/{secrets.token_hex(4)}"[:40]
        table, name = column.table.name, column.column.name
        with connection.cursor() as cursor:
            cursor.execute(
                f'UPDATE "{table}" SET "{name}" = %s'
                f' WHERE ctid = (SELECT ctid FROM "{table}" ORDER BY ctid LIMIT 1)',
                [value],
            )
            assert cursor.rowcount == 1, column.name
        found.append(value)
    written = [write(value) for value in found for write in FORMS.values()]
    for model, field in TEXTS:
        assert model.objects.filter(pk=first(model)).update(**{field: "\n".join(written)})
    nested = {"a": [{"b": {text: [text, 1.50]}} for text in written]}
    for model, field in DOCUMENTS:
        assert model.objects.filter(pk=first(model)).update(**{field: nested})
    assert FFETemplate.objects.filter(pk=first(FFETemplate)).update(tags=written)
    return found


def first(model) -> str:
    return model.objects.order_by("pk").first().pk


def texts_of(value) -> list[str]:
    """All strings of a document, names of members too."""
    if isinstance(value, dict):
        return [*value, *itertools.chain.from_iterable(map(texts_of, value.values()))]
    if isinstance(value, list):
        return [*itertools.chain.from_iterable(map(texts_of, value))]
    return [value] if isinstance(value, str) else []


def found_in(run: BackupRun, values: list[str]) -> list[str]:
    """The forms of the values that stand in the rows."""
    plain = document(run)
    text = "\n".join(texts_of(json.loads(plain)["data"]))
    written = {write(value) for value in values for write in FORMS.values()}
    return [form for form in written if form in text] + [v for v in values if v.encode() in plain]


def test_no_canary_leaves_in_any_form_from_any_column(canaries):
    columns = secret_columns()
    assert len(columns) >= 14 and any("session" in column.name for column in columns)
    run = back_up(SAFE)
    assert found_in(run, canaries) == []
    counted = run.statistics["secrets"]
    assert counted["forms"] == "all" and counted["hunted"] > len(canaries)
    assert set(counted["found"]) >= {"users.password", "clientAccessTokens.token"}
    assert counted["cells"] == len(json.loads(document(run))["altered"]) >= len(TEXTS)
    assert independent.read(document(run))["data"]["chatMessages"]


def test_without_the_hunt_they_would_leave(canaries, monkeypatch):
    monkeypatch.setattr(withholding.Hunt, "marker", lambda *_: lambda block: block)
    monkeypatch.setattr(withholding.Proof, "rows", lambda *_: None)
    assert len(found_in(back_up(SAFE), canaries)) > len(canaries) * len(FORMS) * 0.8


def test_the_proof_fails_the_backup_and_says_where_and_never_what(canaries, monkeypatch):
    monkeypatch.setattr(withholding.Hunt, "marker", lambda *_: lambda block: block)
    with pytest.raises(ArtifactError, match="still held a secret of") as caught:
        back_up(SAFE)
    assert caught.value.code == "artifact.secret"
    assert not any(value in str(caught.value) for value in canaries)
    assert not list(vault.folder().glob("*.json.zst")) and not list(vault.folder().glob(".p*"))
    run = BackupRun.objects.latest("requested_at")
    assert (run.state, run.error_code) == ("failed", "artifact.secret")


def test_the_proof_reads_what_stands_around_the_rows_too(studio, settings):
    token = ClientAccessToken.objects.order_by("pk").first().token
    settings.BACKUPS_APPLICATION = f"Studio {FORMS['base64, place 1'](token)}"
    with pytest.raises(ArtifactError, match=r"outside of its rows \(under manifest\)") as caught:
        back_up(SAFE)
    assert caught.value.code == "artifact.secret" and token not in str(caught.value)


def test_without_that_look_it_would_leave(studio, settings, monkeypatch):
    settings.BACKUPS_APPLICATION = ClientAccessToken.objects.order_by("pk").first().token
    monkeypatch.setattr(withholding.Proof, "texts", lambda *_: None)
    assert settings.BACKUPS_APPLICATION.encode() in document(back_up(SAFE))


def test_names_of_tables_are_no_secrets(studio):
    ClientAccessToken.objects.filter(pk=first(ClientAccessToken)).update(token="chatMessages")
    assert back_up(SAFE).statistics["secrets"]["hunted"]


def test_beyond_so_many_the_rarer_forms_are_the_proof_s(studio, monkeypatch):
    monkeypatch.setattr(withholding, "MOST_SECRETS", 30)
    token = ClientAccessToken.objects.order_by("pk").first().token
    message = ChatMessage.objects.filter(pk=first(ChatMessage))
    message.update(content=FORMS["address, lower"](token))
    run = back_up(SAFE)
    assert run.statistics["secrets"]["forms"] == "common" and found_in(run, [token]) == []
    message.update(content=FORMS["hexadecimal"](token))
    with pytest.raises(ArtifactError, match=r"clientAccessTokens\.token"):
        back_up(SAFE)


def test_a_complete_file_holds_them_and_says_nothing_of_a_hunt(canaries):
    run = back_up(COMPLETE)
    assert found_in(run, canaries)
    assert "secrets" not in json.loads(document(run))["statistics"]


def test_a_restore_writes_no_marker_over_what_is_there(canaries):
    file = stored(back_up(SAFE))
    before = rows_of_database()
    plan = plan_as(file)
    assert codes(plan)["restore.secret_kept"] == "warning"
    assert "restore.secret_marked" not in codes(plan)
    assert sum(table.changed for table in plan.tables) == 0
    restore_as(file, confirmed=plan)
    marked = {model._meta.db_table for model, _ in (*TEXTS, *DOCUMENTS)}
    assert changed_tables(before, rows_of_database()).keys() & marked == set()


def test_the_mail_of_now_stays_and_what_is_beside_it_comes_back(studio):
    log = ClientApprovalEmailLog.objects.order_by("pk").first()
    assert log.tracking_pixel_id in log.html_content
    file = stored(back_up(SAFE))
    ClientApprovalEmailLog.objects.filter(pk=log.pk).update(html_content="of now", subject="of now")
    restore_as(file)
    now = ClientApprovalEmailLog.objects.get(pk=log.pk)
    assert (now.html_content, now.subject) == ("of now", log.subject)


def test_a_row_that_is_gone_comes_back_with_markers_and_the_plan_says_so(studio):
    log = ClientApprovalEmailLog.objects.order_by("pk").first()
    file = stored(back_up(SAFE))
    ClientApprovalEmailLog.objects.filter(pk=log.pk).delete()
    plan = plan_as(file)
    (count,) = [f.count for f in plan.findings if f.code == "restore.secret_marked"]
    assert count == 1
    restore_as(file, confirmed=plan)
    html = ClientApprovalEmailLog.objects.get(pk=log.pk).html_content
    assert "[redacted:clientApprovalEmailLogs.tracking_pixel_id]" in html
    assert "[redacted:approvals.token]" in html and log.tracking_pixel_id not in html


def test_without_the_list_live_texts_would_be_overwritten(studio, monkeypatch):
    file = stored(back_up(SAFE))
    monkeypatch.setattr(
        staging, "with_altered_cells", lambda _c, _cells, matched, waiting, *_: (matched, waiting)
    )
    restore_as(file)
    html = ClientApprovalEmailLog.objects.order_by("pk").first().html_content
    assert "[redacted:" in html


def test_where_too_many_cells_are_altered_their_columns_are_listed(studio, monkeypatch):
    monkeypatch.setattr(withholding, "ALTERED", 2)
    run = back_up(SAFE)
    listed = json.loads(document(run))["altered"]
    assert {"section": "emailLogs", "key": "", "column": "html", "marked": True} in listed
    before = rows_of_database()
    restore_as(stored(run))
    marked = {EmailLog._meta.db_table, ClientApprovalEmailLog._meta.db_table}
    assert changed_tables(before, rows_of_database()).keys() & marked == set()


def test_of_a_listed_column_a_marker_is_told_whatever_the_column_can_hold(db):
    cells = {
        ("text", "a [redacted:users.password]"): True,
        ("text", "a [reda"): False,
        ("character varying(9)", "a [redact"): True,
        ("character varying(9)", "a [reda"): False,
        ("character(3)", "ab["): True,
        ("bytea", "\\x00" + b"[redacted:users.password]".hex()): True,
        ("bytea", "\\x00"): False,
        ("uuid", None): True,
        ("uuid", "0b8f5c3e-1a2b-4c3d-8e4f-a1b2c3d4e5f6"): False,
        ("text", None): False,
    }
    with connection.cursor() as cursor:
        for (type_, cell), is_marked in cells.items():
            kind = "bpchar" if type_ == "character(3)" else type_.partition("(")[0]
            cursor.execute(
                "SELECT fn.nspname, f.proname FROM pg_type t JOIN pg_proc f ON f.oid = t.typoutput"
                " JOIN pg_namespace fn ON fn.oid = f.pronamespace WHERE t.oid = %s::regtype",
                [kind],
            )
            column = LiveColumn("c", type_, cursor.fetchone(), True, False, False, False)
            asked = altered._looks_altered(sql.Identifier("s", "c"), column)
            cursor.execute(
                sql.SQL(f"SELECT {{}} FROM (SELECT %s::{type_}) AS s(c)").format(asked), [cell]
            )
            assert cursor.fetchone() == (is_marked,), (type_, cell)


def test_a_restored_safe_backup_is_the_same_again(studio):
    run = back_up(SAFE)
    restore_as(stored(run))
    again = back_up(SAFE)
    assert json.loads(document(run))["data"] == json.loads(document(again))["data"]


def test_a_file_of_before_the_hunt_restores(studio, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("backups.services.composing.Composition._look_for_secrets", lambda *_: None)
        run = back_up(SAFE)
    assert json.loads(document(run))["altered"] == []
    before = rows_of_database()
    restore_as(stored(run))
    assert EmailLog._meta.db_table not in changed_tables(before, rows_of_database())


def test_ordinary_words_and_short_values_are_not_hunted_and_counted(studio):
    keys = list(ClientAccessToken.objects.order_by("pk").values_list("pk", flat=True)[:2])
    before = back_up(SAFE).statistics["secrets"]
    for key, value in zip(keys, ("APPROVED", "a1b2c3"), strict=True):
        ClientAccessToken.objects.filter(pk=key).update(token=value)
    run = back_up(SAFE)
    after = run.statistics["secrets"]
    assert after["not_hunted"] == before["not_hunted"] + 2
    rows = json.loads(document(run))["data"]["users"]
    assert any(row["approval_status"] == "APPROVED" for row in rows)


def test_a_secret_that_is_the_key_of_a_row_breaks_nothing_and_is_counted(studio):
    key = ChatMessage.objects.order_by("pk").first().pk
    ClientAccessToken.objects.filter(pk=first(ClientAccessToken)).update(token=key)
    run = back_up(SAFE)
    assert run.statistics["secrets"]["left"]["chatMessages.id"] == 1
    before = rows_of_database()
    restore_as(stored(run))
    assert not changed_tables(before, rows_of_database()).keys() & {ChatMessage._meta.db_table}


def test_unique_texts_stay_unique(studio):
    password = "Pass.word-of/all-9x"
    User.objects.update(password=password)
    for number, user in enumerate(User.objects.order_by("pk")[:2]):
        User.objects.filter(pk=user.pk).update(email=f"{password}@{number}.example")
    run = back_up(SAFE)
    emails = [row["email"] for row in json.loads(document(run))["data"]["users"]]
    assert len(set(emails)) == len(emails)
    assert sum(email.startswith("[redacted:users.password#") for email in emails) == 2


def test_so_do_those_of_which_an_expression_must_be_unique(monkeypatch):
    rules = [
        UniqueConstraint(Lower("subject"), F("type").desc(), name="either_case"),
        UniqueConstraint(fields=["html"], name="plain"),
    ]
    known = withholding._distinct_columns(EmailLog)
    monkeypatch.setattr(EmailLog._meta, "constraints", rules)
    assert withholding._distinct_columns(EmailLog) - known == {"subject", "type", "html"}


def test_who_asked_is_not_named_by_a_secret(studio):
    token = ClientAccessToken.objects.order_by("pk").first().token
    run = back_up(SAFE)
    with connected(purpose="test") as live:
        tables = introspection.live_tables(live)
    hunt = withholding.Hunt([("a.b", token.encode())], tables)
    assert hunt.person(f"x {token}", "a@b.example").name == ""
    assert hunt.person("Noa", "a@b.example").name == "Noa"
    assert run.statistics["secrets"]["credentials_masked"] is False


def inspect(file) -> tuple[int, str]:
    out, status = StringIO(), 0
    try:
        call_command("backup_inspect", str(file), "--secrets", stdout=out)
    except SystemExit as end:
        status = int(end.code)
    return status, out.getvalue()


def test_the_command_finds_later_what_has_become_a_secret_since(studio):
    file = stored(back_up(SAFE))
    assert inspect(file)[0] == 0
    chat = ChatMessage.objects.order_by("pk").first()
    ClientAccessToken.objects.filter(pk=first(ClientAccessToken)).update(token=chat.content[:30])
    status, said = inspect(file)
    assert status == 2
    assert f"chatMessages.content, row {chat.pk}: a secret of clientAccessTokens.token" in said
    assert chat.content[:30] not in said


def test_the_command_looks_around_the_rows_too(studio, settings):
    settings.BACKUPS_APPLICATION = "the studio of Noa"
    file = stored(back_up(SAFE))
    ClientAccessToken.objects.filter(pk=first(ClientAccessToken)).update(token="studio of Noa")
    status, said = inspect(file)
    assert status == 2
    assert "outside of the rows, under manifest: a secret of clientAccessTokens.token" in said


def test_the_list_of_a_file_leads_no_row_astray(studio):
    """Cells of keys, of unknown columns and of other rows say nothing."""
    run = back_up(SAFE)
    with connected(purpose="test") as live:
        tables = introspection.live_tables(live)
    with vault.reader(stored(run)) as reader:
        target = match(reader.manifest, registry, tables).targets[0]
    key = target.head.primary_key[0]
    cells = [
        AlteredCell(target.head.key, "1", key),
        AlteredCell(target.head.key, "1", "no such column"),
        AlteredCell(target.head.key, ["1", "2"], "name"),
    ]
    assert altered.listed(target, cells, frozenset([key])).columns == ()
