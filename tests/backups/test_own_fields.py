"""What is written down of files and people, in a database that has not every letter."""

import pytest

from backups import own_fields
from backups.own_fields import codec_of
from restore.models import RestoreRun


@pytest.mark.django_db
def test_letters_that_the_database_lacks_are_written_as_escapes(monkeypatch) -> None:
    """By a save and by an update, in texts and documents. Others stay as they are."""
    name, plan = "日本é.json", {"é": ["日", {"本": 1}], "n": None}
    run = RestoreRun.objects.create(source=name, plan=plan)
    run.refresh_from_db()
    assert (run.source, run.plan) == (name, plan)
    monkeypatch.setattr(own_fields, "_codec", lambda _connection: codec_of("LATIN1"))
    run.save()
    run.refresh_from_db()
    assert run.source == r"\u65e5\u672cé.json"
    assert run.plan == {"é": [r"\u65e5", {r"\u672c": 1}], "n": None}
    RestoreRun.objects.update(error_message="本", report={"a": ("本",)})
    run.refresh_from_db()
    assert (run.error_message, run.report) == (r"\u672c", {"a": [r"\u672c"]})


def test_each_encoding_of_the_server_is_one_of_python_or_the_letters_that_all_have() -> None:
    names = {"WIN1252": "cp1252", "KOI8R": "koi8-r", "EUC_CN": "gb2312", "EUC_TW": "ascii"}
    assert {name: codec_of(name) for name in names} == names
