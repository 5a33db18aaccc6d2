"""Which software this is, for people and for the paper of the recovery kit."""

import importlib.metadata
import tomllib
from pathlib import Path

NAME = "backupsvc"
_FOLDER = Path(__file__).resolve().parents[2]
_LETTERS = 12


def version() -> str:
    """Of what is installed; run out of its folder, that of the folder. Empty where nobody knows."""
    try:
        return importlib.metadata.version(NAME)
    except importlib.metadata.PackageNotFoundError:
        return _of_the_folder(_FOLDER)


def in_words() -> str:
    """Such as ``0.1.0``; of a checkout with the commit, as two of them may have the same version."""
    commit = commit_of(_FOLDER)
    return f"{version()} ({commit})" if commit else version()


def _of_the_folder(folder: Path) -> str:
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    except (OSError, ValueError, KeyError):
        return ""
    return str(project.get("version", "")) if project.get("name") == NAME else ""


def commit_of(folder: Path) -> str:
    """The first letters of the commit that is checked out there; empty where it is no checkout. Asked of the
    files alone, as a server may have no git.
    https://git-scm.com/docs/gitrepository-layout
    """
    try:
        place = folder / ".git"
        if place.is_file():
            place = folder / place.read_text().removeprefix("gitdir:").strip()
        head = (place / "HEAD").read_text().strip()
        if head.startswith("ref: "):
            head = _of_reference(place, head.removeprefix("ref: "))
    except (OSError, ValueError):
        return ""
    return head[:_LETTERS] if head.isalnum() else ""


def _of_reference(place: Path, name: str) -> str:
    shared = place / "commondir"
    common = place / shared.read_text().strip() if shared.is_file() else place
    for folder in (place, common):
        if (folder / name).is_file():
            return (folder / name).read_text().strip()
    packed = (common / "packed-refs").read_text().splitlines()
    return next((line.split()[0] for line in packed if line.endswith(f" {name}")), "")
