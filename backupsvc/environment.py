"""Reading the process's environment for the settings; no Django in here."""

import os
import secrets
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit


def database_from_url(url: str) -> dict[str, object]:
    """Turn ``postgresql://user:password@host:port/name?option=value`` into a DATABASES entry.

    Without an address the entry points nowhere: commands that need no database still work, the
    others say that they cannot connect.
    """
    parts = urlsplit(url or "postgresql://nobody@127.0.0.1:1/none")
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError("DATABASE_URL must start with postgresql://")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
        "CONN_HEALTH_CHECKS": True,
    }


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
