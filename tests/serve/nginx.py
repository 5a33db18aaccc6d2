"""A real nginx with the example of ``deploy/``, and what listens behind it."""

import datetime
import ipaddress
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from requests.adapters import HTTPAdapter

from tests.browser.finding import is_ci
from tests.docs.pages import ROOT
from tests.second_installation import Installation

EXAMPLE = ROOT / "deploy" / "nginx.conf"
NAME = "127.0.0.1"
# Whoever is on this machine may have it as an address; that of nginx is 127.0.0.1.
VISITOR = "127.0.0.9"
_UNTIL_SECONDS = 20


def program() -> str:
    """Where nginx is. A test without it is left out, in CI it fails."""
    found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found:
        return found
    advice = "needs nginx, and none was found: install it (`apt-get install nginx-light`)"
    if is_ci():
        pytest.fail(advice, pytrace=False)
    pytest.skip(advice)


@contextmanager
def in_front_of(upstream: str, folder: Path) -> Iterator[tuple[str, str, Path]]:
    """nginx before ``upstream``. Yields its address, that without HTTPS, and the certificate by which it
    is known."""
    nginx = program()
    certificate = _certificate(folder)
    plain, secure = _free_port(), _free_port()
    replaced = {
        "server 127.0.0.1:8000;": f"server {upstream};",
        "listen 80; ": f"listen {NAME}:{plain}; ",
        "listen 443 ssl; ": f"listen {NAME}:{secure} ssl; ",
        "server_name studio.example; ": f"server_name {NAME}; ",
        "/etc/ssl/studio.example.pem": str(certificate),
        "/etc/ssl/studio.example.key": str(certificate),
    }
    (folder / "site.conf").write_text(_replaced(EXAMPLE.read_text(), replaced))
    main = folder / "nginx.conf"
    places = "".join(
        f"{name}_temp_path {folder / name}; "
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main.write_text(
        f"daemon off; master_process off; pid {folder / 'pid'}; error_log {folder / 'errors'};"
        f" events {{}} http {{ access_log off; {places} include {folder / 'site.conf'}; }}"
    )
    process = subprocess.Popen([nginx, "-e", folder / "errors", "-c", main, "-p", folder])
    try:
        until(lambda: _answers(secure))
        yield f"https://{NAME}:{secure}", f"http://{NAME}:{plain}", certificate
    finally:
        process.terminate()
        process.wait()


def _replaced(text: str, values: dict[str, str]) -> str:
    for old, new in values.items():
        assert old in text, f"the example lacks {old!r}"
        text = text.replace(old, new)
    return text


@contextmanager
def gunicorn(made: Installation) -> Iterator[str]:
    """The application as gunicorn serves it, on a socket file. Yields where."""
    place = made.folder / "web.sock"
    command = [sys.executable, "-m", "gunicorn", "--bind", f"unix:{place}", "--threads", "4"]
    process = subprocess.Popen(
        [*command, "--log-level", "error", "backupsvc.wsgi"],
        env=os.environ | made.environment,
        cwd=ROOT,
    )
    try:
        until(place.exists)
        yield f"unix:{place}"
    finally:
        process.terminate()
        process.wait()


class _From(HTTPAdapter):
    """Connects from another address of this machine."""

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, source_address=(VISITOR, 0), **kwargs)


def visitor(address: str, certificate: Path) -> requests.Session:
    """A client that believes the certificate and comes from ``VISITOR``."""
    session = requests.Session()
    session.mount("https://", _From())
    session.verify = str(certificate)
    session.trust_env = False
    session.headers["Referer"] = f"{address}/"
    return session


def until(done: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    end = time.monotonic() + _UNTIL_SECONDS
    while not done():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def _answers(port: int) -> bool:
    try:
        socket.create_connection((NAME, port), timeout=1).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.create_server((NAME, 0)) as listener:
        return int(listener.getsockname()[1])


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "studio")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(NAME))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "studio.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    path.chmod(0o600)
    return path
