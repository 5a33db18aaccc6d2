"""Which software it is, told without git and without an installation."""

import importlib.metadata
import subprocess
from pathlib import Path

import pytest

from backups.services import software

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def missing(_name: str) -> str:
    raise importlib.metadata.PackageNotFoundError


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        ('[project]\nname = "backupsvc"\nversion = "1.2.3"', "1.2.3"),
        ('[project]\nname = "of somebody else"\nversion = "1.2.3"', ""),
        ("nothing of it", ""),
        (None, ""),
    ],
)
def test_out_of_its_folder_it_has_the_folder_s_version(monkeypatch, tmp_path, project, expected):
    monkeypatch.setattr(importlib.metadata, "version", missing)
    monkeypatch.setattr(software, "_FOLDER", tmp_path)
    if project:
        (tmp_path / "pyproject.toml").write_text(project)
    assert software.in_words() == software.version() == expected


def test_installed_it_has_that_of_the_installation(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: f"{name} 2")
    assert software.version() == "backupsvc 2"


def checkout(folder: Path, head: str, **files: str) -> Path:
    for name, text in {".git/HEAD": head, **files}.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("head", "files"),
    [
        (COMMIT, {}),
        ("ref: refs/heads/main\n", {".git/refs/heads/main": f"{COMMIT}\n"}),
        ("ref: refs/heads/main", {".git/packed-refs": f"# packed\n{COMMIT} refs/heads/main\n"}),
    ],
)
def test_of_a_checkout_the_commit_is_told(tmp_path, head, files):
    assert software.commit_of(checkout(tmp_path, head, **files)) == COMMIT[:12]


def test_of_a_worktree_beside_another_too(tmp_path):
    checkout(tmp_path, "ref: refs/heads/main", **{".git/refs/heads/side": COMMIT})
    place = tmp_path / ".git" / "worktrees" / "side"
    place.mkdir(parents=True)
    (place / "HEAD").write_text("ref: refs/heads/side")
    (place / "commondir").write_text("../..\n")
    beside = tmp_path / "beside"
    beside.mkdir()
    (beside / ".git").write_text(f"gitdir: {place}\n")
    assert software.commit_of(beside) == COMMIT[:12]


@pytest.mark.parametrize("head", ["", "ref: refs/heads/gone", "no commit", "\x00"])
def test_what_is_no_checkout_has_none(tmp_path, head):
    assert software.commit_of(tmp_path) == ""
    assert software.commit_of(checkout(tmp_path, head)) == ""


def test_it_says_what_git_says(tmp_path):
    def git(*arguments: str) -> str:
        command = [
            "git",
            "-C",
            str(tmp_path),
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            *arguments,
        ]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "a")
    assert software.commit_of(tmp_path) == git("rev-parse", "HEAD")[:12]
    git("pack-refs", "--all")
    assert software.commit_of(tmp_path) == git("rev-parse", "HEAD")[:12]
