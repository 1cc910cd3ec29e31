"""What can go wrong with a server of our own, as one branch of the tree in rxpump.errors.

RxPumpError
├── CannotListen            the address is taken, or not ours to take
├── BadCertificate          TLS cannot be served with these files
├── DamagedRecord           the store's file holds something else than was written
└── StoreError              a store that cannot be opened or used
    ├── StoreNotFound       no file can be made at that path
    ├── StoreUnreadable     a file is there that may not be read, or a directory
    ├── StoreReadOnly       the file, or its directory, may not be written to
    ├── NotAStore           a file is there, and it is something else
    ├── DamagedStore        a store that is damaged so that it cannot be opened
    ├── StoreTooNew         a store that a later rxpump wrote
    ├── StoreTooOld         a store that an earlier rxpump wrote, where it is not upgraded
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
class DamagedRecord(RxPumpError):
    """A record of a store is not what was written, or is missing; the rest of the store is served.

    Attributes:
        record: Description of the record.
        stream: Name of its stream; None if it belongs to no stream, or if that is not known.
        number: Number of the event in its stream; None if that is not known.
        position: Position of the event in the log; None if that is not known.
    """

    record: str
    stream: str | None = None
    number: int | None = None
    position: int | None = None

    def __str__(self) -> str:
        return f"{self.record} is damaged in the server's store; `rxpump check` lists everything that is damaged"


def damaged_event(stream: str, number: int | None) -> DamagedRecord:
    """Return the error for an event of a stream; without a number, it is not known for which."""
    event = "an event" if number is None else f"event {number}"
    return DamagedRecord(f"{event} of stream {stream!r}", stream=stream, number=number)


def damaged_position(position: int | None) -> DamagedRecord:
    """Return the error for an event of the log; without a position, it is not known for which."""
    event = "an event of the log" if position is None else f"the event at position {position}"
    return DamagedRecord(event, position=position)


def damaged_stream(stream: str) -> DamagedRecord:
    """Return the error for what the store keeps about a stream."""
    return DamagedRecord(f"the entry of stream {stream!r}", stream=stream)


@dataclass(eq=False)
class StoreError(RxPumpError):
    """The store at `path` cannot be used, for `reason`."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"the store {self.path!r} cannot be used: {self.reason}"


class StoreNotFound(StoreError):
    """There is no file at that path, and none can be made there."""


class StoreUnreadable(StoreError):
    """The file cannot be read: its permissions do not allow it, or it is a directory."""


class StoreReadOnly(StoreError):
    """The file, or the directory that it is in, cannot be written to, which a store needs."""


class NotAStore(StoreError):
    """The file is no rxpump store."""


class DamagedStore(StoreError):
    """The file is a store that is damaged so that it cannot be opened."""


class StoreTooNew(StoreError):
    """The file was written by a later version of rxpump."""


class StoreTooOld(StoreError):
    """The file was written by an earlier version of rxpump, and is not upgraded by what was asked for."""


class StoreInUse(StoreError):
    """Another server has the file open; a store belongs to one server at a time."""
