"""Files and folders that nobody but the application may read, and that outlive a loss of power.

One maker for all of them: the mode is 0600 from the first moment, whatever the umask; what is called
written has reached the disk; and a name never means half a file.
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

FILE_MODE, FOLDER_MODE = 0o600, 0o700


def create(path: Path) -> BinaryIO:
    """A new file, open for reading and writing. Raises FileExistsError, OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, FILE_MODE)
    return os.fdopen(descriptor, "r+b")


def make_folder(path: Path) -> Path:
    """The folder, made where it is not there yet, its parents too. Raises OSError."""
    path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    return path


def sync(file: BinaryIO) -> None:
    """Let what was written reach the disk. Raises OSError."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Let names that were given or taken in a folder reach the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write(path: Path, content: bytes) -> None:
    """Give ``path`` this content, whole or not at all, in place of what was there. Raises OSError."""
    draft = _draft(path, content)
    try:
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def replace(path: Path, content: bytes) -> None:
    """``write`` for what may be lost with the power, and is cheap for that: whole or not at all while the
    machine runs. Raises OSError."""
    draft = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
    try:
        with create(draft) as out:
            out.write(content)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def write_once(path: Path, content: bytes) -> bool:
    """``write``, where nothing is there yet; of several at once one wins. Returns whether it was us."""
    draft = _draft(path, content)
    try:
        # A link, not a rename: it fails where the name is taken.
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    sync_folder(path.parent)
    return True


def _draft(path: Path, content: bytes) -> Path:
    draft = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
    try:
        with create(draft) as out:
            out.write(content)
            sync(out)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return draft


def create_locked(path: Path) -> BinaryIO:
    """``create``, locked while it is open. A sweep may see it before that and remove it: then once more."""
    while True:
        stream = create(path)
        fcntl.flock(stream, fcntl.LOCK_EX)
        if os.fstat(stream.fileno()).st_nlink:
            return stream
        stream.close()


def create_locked_folder(path: Path) -> int:
    """A new folder, and a descriptor that holds its lock until it is closed."""
    while True:
        path.mkdir(mode=FOLDER_MODE)
        descriptor = os.open(path, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)


@contextlib.contextmanager
def shared(path: Path) -> Iterator[None]:
    """Mark a file as being read, by as many as like. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def is_shared(path: Path) -> bool:
    """Whether somebody is within ``shared``. Of what is not there nobody is. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """One process, and one thread of it, after the other. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def alone_if_free(path: Path) -> Iterator[bool]:
    """``alone`` where nobody is: whether that was so. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        is_free = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            is_free = False
        yield is_free
    finally:
        os.close(descriptor)


def is_abandoned(path: Path) -> bool:
    """Whether a file or folder that its maker would hold locked is held by nobody."""
    try:
        # Whatever it is, opening it must not wait, as it would for a named pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return path.is_symlink()  # to nowhere
    try:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False
    finally:
        os.close(descriptor)
