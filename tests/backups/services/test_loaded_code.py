"""The digest of what a process has loaded: equal everywhere for the same code, another for any other."""

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from backups.registry import SAFE, Registry, RenamedColumn, Section, registry
from backups.registry.files import StoragePath
from backups.registry.redaction import Omit, random_token
from backups.registry.sections import Exclusion
from backups.services import loaded_code

SCRIPT = "import django; django.setup(); from backups.services import loaded_code as l; print(l.digest())"


def _changed(**values: Any) -> Registry:
    """The declarations with one section's changed."""
    other = Registry()
    for section in registry.sections:
        other.add_section(
            dataclasses.replace(section, **values) if section.key == "users" else section
        )
    for exclusion in registry.exclusions:
        other.add_exclusion(exclusion)
    for move in registry.moves:
        other.add_move(move)
    return other


def _users() -> Section:
    return registry.by_key()["users"]


def _and(change: Callable[[Registry], None]) -> Registry:
    other = _changed()
    change(other)
    return other


def test_every_process_with_the_same_code_has_the_same() -> None:
    other = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert other.stdout.strip() == loaded_code.digest() == loaded_code.digest(_changed())


CHANGES = {
    "scopes": lambda: _changed(scopes=frozenset({SAFE})),
    "columns": lambda: _changed(safe_columns=_users().safe_columns[:-1]),
    "redacted": lambda: _changed(redact={**_users().redact, "phone_number": Omit()}),
    "refill": lambda: _changed(redact={**_users().redact, "password": Omit(refill=random_token)}),
    "secret": lambda: _changed(secret=("name",)),
    "natural key": lambda: _changed(natural_key=()),
    "files": lambda: _changed(files=(StoragePath("image"),)),
    "accounts": lambda: _changed(accounts=None),
    "key": lambda: _changed(key="people"),
    "exclusion": lambda: _and(lambda r: r.add_exclusion(Exclusion("other", "because"))),
    "move": lambda: _and(lambda r: r.add_move(RenamedColumn("users", "a", "name", "2.0"))),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_any_other_declaration_has_another(change: Callable[[], Registry]) -> None:
    assert loaded_code.digest(change()) != loaded_code.digest()


def test_so_has_another_version_and_another_column(monkeypatch: pytest.MonkeyPatch) -> None:
    now = loaded_code.digest()
    monkeypatch.setattr(loaded_code, "_VERSIONS", ("0", "0"))
    other = loaded_code.digest()
    monkeypatch.setattr(_users().model._meta.get_field("email"), "null", True)
    assert len({now, other, loaded_code.digest()}) == 3


def test_a_heading_in_other_words_is_the_same_code() -> None:
    assert loaded_code.digest(_changed(group="People")) == loaded_code.digest()
