"""The browser that the journeys are clicked in: found, or installed where that may be done.

``python -m tests.browser.finding`` (``make browser``) does both, and says in one line what came of
it. The tests only look. Without a browser they are left out and the run says so at its end; in CI
(``CI=true``) they fail, for what is skipped proves nothing.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from backupsvc.environment import var_dir

# A program of the browser's family, or "none" to go without.
CHOICE = "BACKUPSVC_BROWSER"
ADVICE = "install Chromium or Chrome (`apt-get install chromium`), or run `make browser`"
_NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "microsoft-edge-stable",
)
_APPLICATIONS = (
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Chromium.app/Contents/MacOS/Chromium",
    "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
_DOWNLOADED = (
    "chromium_headless_shell-*/chrome-*/*headless*shell",
    "chromium-*/chrome-linux*/chrome",
    "chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
)
_LOOK_SECONDS = 30
_DOWNLOAD_SECONDS = 300
_PACKAGE_SECONDS = 400
# What failed is not tried again at each run: without a network an attempt takes minutes.
_AGAIN_AFTER_SECONDS = 24 * 3600


def find() -> str | None:
    """The first browser here that runs; None where there is none, or none is wanted."""
    chosen = os.environ.get(CHOICE, "")
    if chosen == "none":
        return None
    candidates = iter([chosen]) if chosen else _candidates()
    return next((program for program in candidates if _runs(program)), None)


def is_ci() -> bool:
    """Whether this is a machine that has to prove, where a missing browser is a failure."""
    return os.environ.get("CI", "").lower() not in {"", "0", "false", "no"}


def install() -> None:
    """Try Playwright's own installer, then the system's packages; never raises, and ends in time."""
    playwright = [sys.executable, "-m", "playwright", "install", "chromium-headless-shell"]
    if _run(playwright, _DOWNLOAD_SECONDS) and find():
        return
    if shutil.which("apt-get") and os.geteuid() == 0:
        packages = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
        if _run(["apt-get", "update", "-qq"], _PACKAGE_SECONDS):
            _run(packages, _PACKAGE_SECONDS)


def main() -> None:
    """Never a failure: whether the tests may do without is theirs to say."""
    tried = var_dir() / "browser-tried"
    if find() is None and os.environ.get(CHOICE) != "none" and (is_ci() or _is_time(tried)):
        print("No browser is here; trying to install one, which may take minutes.", flush=True)
        install()
        tried.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
        tried.touch()
    if find() is None:
        fate = "fail" if is_ci() else "are left out"
        print(f"The tests in a browser {fate}, as none was found: {ADVICE}.")


def _is_time(tried: Path) -> bool:
    return not tried.exists() or time.time() - tried.stat().st_mtime > _AGAIN_AFTER_SECONDS


def _candidates() -> Iterator[str]:
    yield from (found for name in _NAMES if (found := shutil.which(name)))
    yield from (str(Path("/Applications", name)) for name in _APPLICATIONS)
    for cache in _caches():
        for pattern in _DOWNLOADED:
            yield from map(str, sorted(cache.glob(pattern), reverse=True))


def _caches() -> list[Path]:
    """Where Playwright puts what it downloads."""
    if named := os.environ.get("PLAYWRIGHT_BROWSERS_PATH"):
        return [Path(named)]
    home = Path.home()
    return [home / ".cache" / "ms-playwright", home / "Library" / "Caches" / "ms-playwright"]


def _runs(program: str) -> bool:
    """A name may be a stub, and a download may miss libraries of the system."""
    return Path(program).is_file() and _run([program, "--version"], _LOOK_SECONDS)


def _run(command: list[str], seconds: float) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    nothing = subprocess.DEVNULL
    try:
        outcome = subprocess.run(
            command, env=environment, stdin=nothing, stdout=nothing, stderr=nothing, timeout=seconds
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return outcome.returncode == 0


if __name__ == "__main__":
    main()
