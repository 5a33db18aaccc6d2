"""What a process that tries a restore is kept from: the network, files, other programs.

Python itself asks before it connects, writes or starts something (audit hooks, PEP 578), whoever's code
wants to, and a hook cannot be taken off again. The database driver speaks in C, past them:
``restore.database.confined`` sees to that one. No Django in here.
"""

import os
import sys
from pathlib import Path
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {
    "os.remove": 1,
    "os.rmdir": 1,
    "os.mkdir": 1,
    "os.truncate": 1,
    "os.rename": 2,
    "os.link": 2,
    "os.symlink": 2,
}
_OUTSIDE = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_PROGRAMS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork"}
_DEVICES = ("/dev/null", "/dev/tty")


class Fence:
    """Two gates, each open until it is shut for good. ``folder`` is where files may be written."""

    def __init__(self, folder: Path) -> None:
        self._folder = os.path.realpath(folder)
        self._no_network = False
        self._no_traces = False

    def put_up(self) -> None:
        sys.addaudithook(self._asked)

    def shut_network(self) -> None:
        """Nothing is connected to any more: mail, queues, caches and storages elsewhere."""
        self._no_network = True

    def shut_files_and_programs(self) -> None:
        """Nothing outside the folder is written, and no other program started."""
        self._no_traces = True

    def _asked(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _OUTSIDE:
            if self._no_network:
                raise ConnectionRefusedError("a test restore reaches nothing outside")
        elif not self._no_traces:
            return
        elif event == "open":
            self._ask_to_open(*arguments)
        elif event in _CHANGES:
            for path in arguments[: _CHANGES[event]]:
                self._ask_to_change(event, path)
        elif event in _PROGRAMS:
            raise PermissionError("a test restore starts no other program")

    def _ask_to_open(self, path: Any, _mode: Any, flags: Any) -> None:
        # A number is a file that is open already.
        if not isinstance(path, int) and isinstance(flags, int) and flags & _WRITING:
            self._ask_to_change("open", path)

    def _ask_to_change(self, event: str, path: Any) -> None:
        name = os.path.realpath(os.fsdecode(path))
        if name in _DEVICES or name.startswith(self._folder + os.sep):
            return
        if event == "os.mkdir" and os.path.isdir(name):  # noqa: PTH112
            return  # it says so itself, and callers count on that
        raise PermissionError("a test restore writes no file")
