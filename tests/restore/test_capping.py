"""However many findings a file makes, a plan stays readable."""

from collections import namedtuple

import pytest

from backups.errors import StorageFailure
from backups.findings import Finding, Severity
from backups.wording import _
from restore.plan import Choices
from restore.services.planning import capping, opening
from restore.services.planning.capping import capped, capped_differences
from restore.services.planning.watching import NOBODY
from tests.backups.artifact.documents import document


def _finding(code: str, severity: Severity = Severity.WARNING) -> Finding:
    return Finding(code, severity, _("Something is odd."), _("Nothing to do."), table="t")


def test_so_many_of_a_kind_are_shown_and_the_rest_is_counted() -> None:
    many = [_finding("a")] * (capping.SHOWN + 7) + [_finding("b")]
    found = capped(many)
    assert len(found) == capping.SHOWN + 2
    assert (found[-1].code, found[-1].count) == ("a", 7)
    assert "7 more" in str(found[-1].message)


def test_an_error_among_warnings_of_its_kind_still_blocks() -> None:
    many = [_finding("a")] * 100 + [_finding("a", Severity.ERROR)]
    assert any(finding.blocking for finding in capped(many))


def test_few_are_as_they_are() -> None:
    few = [_finding("a"), _finding("b")]
    assert capped(few) == tuple(few)


def test_differences_are_counted_too() -> None:
    one = _("A column is new.")
    assert capped_differences((one, one)) == (one, one)
    found = capped_differences((one,) * (capping.DIFFERENCES + 3))
    assert len(found) == capping.DIFFERENCES + 1
    assert "3 more" in str(found[-1])


def test_the_disk_is_asked_before_it_is_used(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(
        opening.shutil, "disk_usage", lambda _: usage(0, 0, opening.SPARE_BYTES + 10)
    )
    opening._require_room(tmp_path / "plain", 10)
    with pytest.raises(StorageFailure) as refused:
        opening._require_room(tmp_path / "plain", 11)
    assert refused.value.hint


def test_an_altered_file_is_not_unpacked_onto_a_full_disk(
    settings, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BACKUPS_ROOT = tmp_path / "backups"
    file = tmp_path / "altered.json"
    file.write_bytes(document({"people": [b'{"id":"1","name":"a"}']}).replace(b"{", b"{ ", 1))
    choices = Choices(accept_altered=True)
    with opening.opened(file, choices, NOBODY) as copy:
        assert copy != file
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(opening.shutil, "disk_usage", lambda _: usage(0, 0, 1))
    with pytest.raises(StorageFailure), opening.opened(file, choices, NOBODY):
        pass
    monkeypatch.setattr(opening, "_require_room", lambda path, needed: None)  # the twin
    with opening.opened(file, choices, NOBODY) as copy:
        assert copy != file
