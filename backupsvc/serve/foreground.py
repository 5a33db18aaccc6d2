"""What the foreground commands share: signals, words on the terminal, the demo's addresses."""

import os
import signal
import sys
from types import FrameType

from backupsvc.environment import note_demo_files

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop_on_signals() -> None:
    """Turn the signals that end a command into KeyboardInterrupt.

    SIGINT too: a shell that starts a command in the background has it ignored. An ignored SIGHUP
    stays ignored, which is what nohup is for.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in SIGNALS:
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)


def point_at_demo_files(port: int) -> None:
    """Let this run, and no production, fetch files from the demo's file server: its address is
    inside the network.
    """
    address = f"127.0.0.1:{port}"
    os.environ["STUDIO_DEMO_FILES_URL"] = f"http://{address}/files/"
    allowed = os.environ.get("BACKUPS_FETCH_INTERNAL_HOSTS", "").split()
    os.environ["BACKUPS_FETCH_INTERNAL_HOSTS"] = " ".join([*allowed, address])
    note_demo_files(address)


def prepared(*, demo_data: bool) -> list[str]:
    """Prepare the database, saying so; see ``prepare``."""
    say("Preparing the database …")
    # The settings are read in there, and not earlier: only now do the addresses stand.
    from backupsvc.serve.prepare import prepare

    return prepare(demo_data=demo_data)


def say(text: str) -> None:
    """Tell the person at the terminal, at once even where that is a file."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
