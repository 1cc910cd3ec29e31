"""A lock that prevents a second server from using a store.

A store is locked by the identity of its file and not by its name, because a file can have several names (hard
links) and can be renamed. No file is made beside the store. Two locks together keep everybody out:

- Other processes: a lock of the operating system on one byte of the file, far behind the end of any database. It
  belongs to the open file (fcntl(2), "open file description locks"), since SQLite releases all ordinary POSIX locks
  of the process on the file whenever it releases its own. The operating system releases it when the process ends.
- The same process: the set of files that this process has locked. It is looked up before the file is opened,
  because POSIX releases the locks of SQLite as soon as the process closes any descriptor of the file. For the same
  reason a lock is released only after the connections to the database are closed.
"""

from __future__ import annotations

import os
import struct
import sys
from contextlib import suppress
from errno import EACCES, EAGAIN, EDEADLK, ENOTSUP
from threading import Lock
from typing import Final

from rxpump.server.errors import StoreInUse, StoreNotFound

_BYTE: Final = 2**62  # after the end of any SQLite database, which has at most 2**48 bytes
_IS_LOCKED: Final = (EACCES, EAGAIN, EDEADLK)
_IN_USE: Final = "another server has it open"

_Identity = tuple[int, int, int]
"""Process, device and number of a file. The process is in it because a forked child inherits no locks."""

_locked: Final[set[_Identity]] = set()
_guard: Final = Lock()

if sys.platform == "win32":
    import msvcrt

    def _lock_byte(descriptor: int) -> None:
        os.lseek(descriptor, _BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _unlock_byte(descriptor: int) -> None:
        os.lseek(descriptor, _BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock_byte(descriptor: int) -> None:
        _set_lock(descriptor, fcntl.F_WRLCK)

    def _unlock_byte(descriptor: int) -> None:
        _set_lock(descriptor, fcntl.F_UNLCK)

    def _set_lock(descriptor: int, kind: int) -> None:
        set_lock = getattr(fcntl, "F_OFD_SETLK", None)
        if set_lock is None:
            raise OSError(ENOTSUP, "this system has no locks of open files")
        if sys.platform == "darwin":
            flock = struct.pack("qqihh", _BYTE, 1, 0, kind, os.SEEK_SET)
        else:
            flock = struct.pack("hhqqi4x", kind, os.SEEK_SET, _BYTE, 1, 0)
        fcntl.fcntl(descriptor, set_lock, flock)


class StoreLock:
    """The lock on one store, held until `close`."""

    def __init__(self, path: str, descriptor: int, identity: _Identity) -> None:
        self.path = path
        self._descriptor = descriptor
        self._identity = identity
        self._is_held = True

    def close(self) -> None:
        """Release the lock. Close every connection to the database before. A second call does nothing."""
        with _guard:
            if self._is_held:
                self._is_held = False
                _unlock_byte(self._descriptor)  # A forked child may have the file open, too.
                os.close(self._descriptor)
                _locked.discard(self._identity)

    def __repr__(self) -> str:
        return f"<StoreLock {self.path}, {'held' if self._is_held else 'released'}>"


def lock(path: str) -> StoreLock:
    """Lock a store.

    Args:
        path: Path of its file. An empty file is made there if there is none.

    Returns:
        The lock.

    Raises:
        StoreInUse: A server in this process or in another one has locked the file, by this name or another one.
        StoreNotFound: The file cannot be opened for writing, or made.
    """
    with _guard:
        with suppress(OSError):
            if _identity(os.stat(path)) in _locked:
                raise StoreInUse(path, _IN_USE)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreNotFound(path, error.strerror or str(error)) from error
        try:
            _lock_byte(descriptor)
            identity = _identity(os.fstat(descriptor))
        except OSError as error:
            os.close(descriptor)
            if error.errno in _IS_LOCKED:
                raise StoreInUse(path, _IN_USE) from error
            raise StoreNotFound(path, f"it cannot be locked: {error.strerror}") from error
        _locked.add(identity)
        return StoreLock(path, descriptor, identity)


def _identity(found: os.stat_result) -> _Identity:
    return os.getpid(), found.st_dev, found.st_ino
