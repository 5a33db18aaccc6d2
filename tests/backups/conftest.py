"""Folders of a test's own, for this process and for the programs that it starts."""

from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Folders:
    backups: Path
    media: Path
    key: Path


@pytest.fixture
def folders(tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> Folders:
    """Where backups, files and the installation's key lie; nothing is there yet."""
    made = Folders(tmp_path / "backups", tmp_path / "media", tmp_path / "installation.key")
    for name, path in {
        "BACKUPS_ROOT": made.backups,
        "MEDIA_ROOT": made.media,
        "BACKUPS_KEY_FILE": made.key,
    }.items():
        setattr(settings, name, path)
        monkeypatch.setenv(name, str(path))
    return made
