"""Two locks of the same versions: a server's, and one with the developers' tools too."""

import re
import tomllib

import pytest

from tests.docs.pages import ROOT

PINNED = re.compile(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", re.MULTILINE)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCKS = ("requirements-runtime.lock", "requirements.lock")


def pinned(lock: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / lock).read_text(encoding="utf-8")))


def names(*extras: str) -> set[str]:
    """What pyproject.toml asks for by itself, in some extras, or without any."""
    lines = [line for e in extras for line in PROJECT["optional-dependencies"][e]]
    wanted = lines if extras else PROJECT["dependencies"]
    return {re.split(r"[\[<>=!; ]", line)[0].lower() for line in wanted}


def test_a_server_gets_what_the_apps_and_the_studio_need_and_no_tool() -> None:
    runtime = pinned("requirements-runtime.lock").keys()
    assert names() | names("studio") <= runtime
    assert names("dev") & runtime == set()


def test_developers_get_the_same_versions_and_the_tools() -> None:
    full = pinned("requirements.lock")
    assert pinned("requirements-runtime.lock").items() <= full.items()
    assert names("dev") <= full.keys()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_file_is_known_by_its_hash(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    parts = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)
    assert [part for part in parts if "==" in part and "--hash=sha256:" not in part] == []


def test_the_apps_need_nothing_that_they_do_not_import() -> None:
    sources = "".join(
        path.read_text(encoding="utf-8")
        for app in ("backups", "restore")
        for path in (ROOT / app).rglob("*.py")
    )
    modules = {name: name.replace("-binary", "").replace("-", "_") for name in names()}
    unused = [
        n
        for n, m in modules.items()
        if not re.search(rf"^\s*(from|import) {m}\b", sources, re.MULTILINE)
    ]
    assert unused == []
