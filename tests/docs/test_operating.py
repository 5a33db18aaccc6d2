"""docs/operating.md lists every setting with its default; README and docs name only what exists."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.test import override_settings

from backups import conf

ROOT = Path(__file__).resolve().parents[2]
SETTING = re.compile(r'"(BACKUPS_[A-Z_]+)"')
SOURCE = (ROOT / "backups" / "conf.py").read_text(encoding="utf-8")
OPERATING = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def documented() -> dict[str, str]:
    return dict(re.findall(r"^\| `(BACKUPS_[A-Z_]+)` \| ([^|]+) \|", OPERATING, re.MULTILINE))


def test_every_setting_is_documented() -> None:
    assert set(SETTING.findall(SOURCE)) - documented().keys() == set()


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
        ("BACKUPS_SAFETY_DAYS", conf.safety_backup_days),
    ],
)
def test_the_documented_default_is_the_real_one(name: str, read) -> None:
    with override_settings():
        from django.conf import settings

        if hasattr(settings, name):
            delattr(settings, name)
        assert float(documented()[name]) == float(read())


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
