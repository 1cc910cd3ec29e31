"""What can go wrong with a server of our own, as one branch of the tree in rxpump.errors.

RxPumpError
├── CannotListen            the address is taken, or not ours to take
├── BadCertificate          TLS cannot be served with these files
└── StoreError              a store that cannot be opened or used
    ├── StoreNotFound       no file can be made at that path
    ├── NotAStore           a file is there, and it is something else, or broken
    ├── StoreTooNew         a store that a later rxpump wrote
    └── StoreInUse          another server has it open
"""

from __future__ import annotations

from dataclasses import dataclass

from rxpump.errors import RxPumpError


@dataclass(eq=False)
class CannotListen(RxPumpError):
    """The server cannot listen on `host` and `port`, for `reason`."""

    host: str
    port: int
    reason: str

    def __str__(self) -> str:
        return f"cannot listen on {self.host}:{self.port}: {self.reason}"


@dataclass(eq=False)
class BadCertificate(RxPumpError):
    """TLS cannot be served with the files `certificate` and `key`, for `reason`."""

    certificate: str
    key: str
    reason: str

    def __str__(self) -> str:
        return f"no TLS with the certificate {self.certificate!r} and the key {self.key!r}: {self.reason}"


@dataclass(eq=False)
class StoreError(RxPumpError):
    """The store at `path` cannot be used, for `reason`."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"the store {self.path!r} cannot be used: {self.reason}"


class StoreNotFound(StoreError):
    """There is no file at that path, and none can be made there."""


class NotAStore(StoreError):
    """The file is no rxpump store, or a damaged one."""


class StoreTooNew(StoreError):
    """The file was written by a later version of rxpump."""


class StoreInUse(StoreError):
    """Another server has the file open; a store belongs to one server at a time."""
