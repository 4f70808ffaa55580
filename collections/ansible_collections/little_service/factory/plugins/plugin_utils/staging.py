# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Folders and files that appear whole or not at all, whenever the writer is killed.

What is written stands in a hidden sibling and is renamed into place. The sibling is its own lock (flock on the folder):
the kernel frees it when the last process that writes dies, so a dead one's leftovers can be told from a live one's.
Ansible's workers outlive a killed ansible-playbook, which is why the lock belongs to what writes.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pathlib
import shutil
import time
from collections.abc import Iterator

SUFFIX = ".little-service-new"
PATIENCE = 60.0  # seconds; a whole run takes about two


class Busy(Exception):
    """Another run holds the lock and has not let go in time."""


def sibling(path: pathlib.Path) -> pathlib.Path:
    """Where a file or folder stands before it is whole."""
    return path.with_name(f".{path.name}{SUFFIX}")


@contextlib.contextmanager
def locked(folder: pathlib.Path) -> Iterator[int]:
    """Hold an exclusive lock on an existing folder; yields its file descriptor.

    :raises Busy: after a minute.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _wait_for_lock(descriptor, folder)
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def staged_folder(final: pathlib.Path) -> Iterator[tuple[pathlib.Path, int] | None]:
    """Yield an empty sibling of ``final`` to fill and the descriptor of its lock; on leaving it becomes ``final``.

    Yields None where ``final`` was made by another run meanwhile. When the block raises, the sibling is removed.
    """
    staging = sibling(final)
    with contextlib.ExitStack() as stack:
        descriptor = _claim(staging, stack)
        if final.is_dir() and any(final.iterdir()):
            staging.rmdir()
            yield None
            return
        try:
            yield staging, descriptor
            staging.rename(final)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise


@contextlib.contextmanager
def beside(folder: pathlib.Path) -> Iterator[tuple[pathlib.Path, int]]:
    """Yield an empty sibling of ``folder`` to work in, and the descriptor of its lock. It is removed at the end.

    One run at a time has it, so it is the lock of ``folder`` as well.
    """
    staging = sibling(folder)
    with contextlib.ExitStack() as stack:
        descriptor = _claim(staging, stack)
        try:
            yield staging, descriptor
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def sweep(folder: pathlib.Path) -> list[pathlib.Path]:
    """Remove what killed runs left in ``folder``, and return it; what a live run holds stays."""
    swept = []
    for staging in folder.glob(f".*{SUFFIX}"):
        with contextlib.suppress(OSError), locked_now(staging):
            shutil.rmtree(staging)
            swept.append(staging)
    return swept


@contextlib.contextmanager
def locked_now(folder: pathlib.Path) -> Iterator[None]:
    """As `locked`, without waiting. :raises OSError: where another process holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def write_file(file: pathlib.Path, text: str) -> None:
    """Write a file whole or not at all. Its temporary sibling is hidden: Ansible reads no hidden inventory file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    staging = sibling(file)
    try:
        staging.write_text(text, encoding="utf-8")
        staging.rename(file)
    except BaseException:
        staging.unlink(missing_ok=True)
        raise


def reason(error: OSError, what: str) -> str:
    """An error of the file system in words that say what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full: {what} could not be written. Nothing half-written is left; make room and run it again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{what} could not be written: {error.strerror} ({error.filename}). Choose a folder that you may write to."
    return f"{what} could not be written: {error.strerror} ({error.filename or 'no file named'})."


def _wait_for_lock(descriptor: int, folder: pathlib.Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise Busy(
                    f"Another run has been writing to {folder} for over {PATIENCE:.0f} s. Run it again when that has ended."
                ) from None
            time.sleep(0.05)


def _claim(staging: pathlib.Path, stack: contextlib.ExitStack) -> int:
    """Make, lock and empty the staging folder; the lock lasts as long as ``stack``."""
    while True:
        staging.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = stack.enter_context(locked(staging))
        except FileNotFoundError:
            continue
        # Its former holder may have renamed or removed it while we waited: then this lock is on something else.
        if _is(staging, descriptor):
            _empty(staging)
            return descriptor
        stack.close()


def _is(path: pathlib.Path, descriptor: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    return False


def _empty(folder: pathlib.Path) -> None:
    for child in folder.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()
