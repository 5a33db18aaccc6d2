"""Run a program as "nobody" in a user namespace of its own, where the caller stays root outside.

PostgreSQL refuses to run as root. Where nobody else can reach its files, for example in a project
below a home directory of mode 0700, this lets it see itself as user 65534 while every file stays
root's and no permission is touched. Linux only; run as a script, with the program and its
arguments: it must not depend on anything but the standard library.
"""

import ctypes
import os
import sys
from pathlib import Path

NOBODY = 65534
_CLONE_NEWUSER = 0x10000000


def enter() -> None:
    """Move this process into a new user namespace; raises OSError where that is forbidden."""
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "user namespaces are not available")
    # Without this the kernel accepts no gid_map from an unprivileged writer (user_namespaces(7)).
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")


def main() -> None:
    enter()
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
