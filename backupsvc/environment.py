"""Reading the process's environment for the settings; no Django in here."""

import os
import re
import secrets
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

_DEMO_FILES = "demo-files"
_LOOPBACK = re.compile(r"127\.0\.0\.1:[0-9]{1,5}")


def database_from_url(url: str) -> dict[str, object]:
    """Turn ``postgresql://user:password@host:port/name?option=value`` into a DATABASES entry.

    Without an address the entry points nowhere: what needs no database still works, all else says
    what is missing.
    """
    parts = urlsplit(url or "postgresql://nobody@127.0.0.1:1/none")
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError("DATABASE_URL must start with postgresql://")
    return {
        "ENGINE": "django.db.backends.postgresql" if url else "backupsvc.nowhere",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
        "CONN_HEALTH_CHECKS": True,
    }


def note_demo_files(address: str) -> None:
    """Remember where `make run` serves the files that the demo's rows name, for commands beside it."""
    var_dir().mkdir(parents=True, exist_ok=True)
    (var_dir() / _DEMO_FILES).write_text(address, encoding="ascii")


def point_at_noted_demo_files() -> None:
    """Let a command fetch the demo's files as `make run` does. Only beside the private servers: where an
    address of a database is set, nothing inside the network is allowed that was not asked for."""
    noted = var_dir() / _DEMO_FILES
    if os.environ.get("DATABASE_URL") or not noted.is_file():
        return
    address = noted.read_text(encoding="ascii", errors="replace").strip()
    if _LOOPBACK.fullmatch(address):
        os.environ.setdefault("STUDIO_DEMO_FILES_URL", f"http://{address}/files/")
        os.environ.setdefault("BACKUPS_FETCH_INTERNAL_HOSTS", address)


def var_dir() -> Path:
    """Where everything lives that is made at run time: ``BACKUPSVC_VAR``, else ``var/``."""
    beside = Path(__file__).resolve().parent.parent / "var"
    return Path(os.environ.get("BACKUPSVC_VAR") or beside).resolve()


def secret_from_file(path: Path) -> str:
    """The secret in ``path``; made at the first call, readable by its owner alone."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    # Others may pass through: the private database's account may have to reach its own directory.
    path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(48))
    try:
        # A link, not a rename: of two processes that start at once the first one's secret stays.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()
