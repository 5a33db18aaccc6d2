"""docs/operating.md lists every setting with its default; README and docs name only what exists."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.test import override_settings

from backups import conf

ROOT = Path(__file__).resolve().parents[2]
SETTING = re.compile(r'"((?:BACKUPS|RESTORE)_[A-Z_]+)"')
CONF = ROOT / "backups" / "conf.py"
SOURCE = CONF.read_text(encoding="utf-8")
OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def documented() -> dict[str, str]:
    row = r"^\| `((?:BACKUPS|RESTORE)_[A-Z_]+)` \| ([^|]+) \|"
    return dict(re.findall(row, OPERATING, re.MULTILINE))


def test_the_table_has_every_setting_and_no_other() -> None:
    assert set(SETTING.findall(SOURCE)) == documented().keys()


def read_elsewhere(source: str) -> list[str]:
    """Settings of ours that are read where the table does not look."""
    read = r"settings\.((?:BACKUPS|RESTORE)_[A-Z_]+)|settings, \"((?:BACKUPS|RESTORE)_[A-Z_]+)\""
    return ["".join(found) for found in re.findall(read, source)]


def test_no_setting_is_read_elsewhere() -> None:
    sources = [p for app in ("backups", "restore") for p in (ROOT / app).rglob("*.py") if p != CONF]
    assert [f"{p}: {n}" for p in sources for n in read_elsewhere(p.read_text("utf-8"))] == []
    assert read_elsewhere('getattr(settings, "RESTORE_NEW", 1) + settings.BACKUPS_NEW') == [
        "RESTORE_NEW",
        "BACKUPS_NEW",
    ]


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("BACKUPS_FILE_LIMIT_BYTES", conf.file_limit_bytes),
        ("BACKUPS_FETCH_WORKERS", conf.fetch_workers),
        ("BACKUPS_FETCH_PER_HOST", conf.fetch_per_host),
        ("BACKUPS_FETCH_CONNECT_SECONDS", conf.fetch_connect_seconds),
        ("BACKUPS_FETCH_READ_SECONDS", conf.fetch_read_seconds),
        ("BACKUPS_FETCH_TOTAL_SECONDS", conf.fetch_total_seconds),
        ("BACKUPS_FETCH_ATTEMPTS", conf.fetch_attempts),
        ("BACKUPS_LOCK_WAIT_SECONDS", conf.lock_wait_seconds),
        ("BACKUPS_DRAIN_SECONDS", conf.drain_seconds),
        ("BACKUPS_JOB_SECONDS", conf.job_seconds),
        ("BACKUPS_ROW_LIMIT_BYTES", conf.row_limit_bytes),
        ("BACKUPS_DOCUMENT_LIMIT_BYTES", conf.document_limit_bytes),
        ("BACKUPS_PROGRESS_SECONDS", conf.progress_seconds),
        ("BACKUPS_SAFETY_DAYS", conf.safety_backup_days),
        ("BACKUPS_SAFE_REMINDER_DAYS", lambda: conf.reminder_days("safe")),
        ("BACKUPS_COMPLETE_REMINDER_DAYS", lambda: conf.reminder_days("complete")),
        ("BACKUPS_UPLOAD_LIMIT_BYTES", conf.upload_limit_bytes),
    ],
)
def test_the_documented_default_is_the_real_one(name: str, read) -> None:
    with override_settings():
        from django.conf import settings

        if hasattr(settings, name):
            delattr(settings, name)
        assert float(documented()[name]) == float(read())


def test_the_documented_defaults_in_words_are_the_real_ones() -> None:
    with override_settings(BASE_DIR="/srv/shop"):
        from django.conf import settings

        for name in documented():
            if hasattr(settings, name):
                delattr(settings, name)
        assert [conf.root(), conf.key_file()] == [
            Path("/srv/shop/var/backups"),
            Path("/srv/shop/var/installation.key"),
        ]
        assert documented()["BACKUPS_ROOT"] == '`BASE_DIR / "var" / "backups"`'
        assert documented()["BACKUPS_KEY_FILE"] == '`BASE_DIR / "var" / "installation.key"`'
        assert documented()["RESTORE_OPEN_PATHS"] == ", ".join(f"`{p}`" for p in conf.open_paths())
        assert ".smtp." in conf.email_backend() and documented()["BACKUPS_EMAIL_BACKEND"] == "SMTP"
        assert documented()["BACKUPS_QUEUE"] == f"`{conf.queue()}`"
        assert documented()["BACKUPS_APPLICATION"] == f"`{conf.application()}`"
        assert not conf.fetch_plain_http() and not conf.fetch_allowed_hosts()


def test_every_command_that_the_pages_name_exists() -> None:
    named = {
        command
        for page in PAGES
        for command in re.findall(r"manage\.py ([a-z_]+)", page.read_text(encoding="utf-8"))
    }
    assert named - get_commands().keys() == set()


def test_every_command_of_ours_is_in_the_readme() -> None:
    ours = {
        name
        for name, app in get_commands().items()
        if app in {"backups", "restore", "backupsvc.studio"}
    }
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {name for name in ours if f"manage.py {name}" not in readme} == set()


def test_every_target_of_make_that_the_pages_name_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for page in PAGES
        for target in re.findall(r"^(?:EMPTY=1 )?`?make ([a-z]+)", page.read_text(), re.MULTILINE)
    }
    assert named - targets == set()


def test_every_link_between_the_pages_leads_somewhere() -> None:
    broken = [
        f"{page.name}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []
