"""The errors of the embedded server.

RxPumpError
├── CannotListen            the address cannot be used
├── BadCertificate          the certificate or the key cannot be used
├── DamagedRecord           a record of the store is damaged
└── StoreError              a store that cannot be opened or used
    ├── StoreNotFound       no file can be created at the path
    ├── StoreUnreadable     the file has no read permission, or is a directory
    ├── StoreReadOnly       the file, or its directory, has no write permission
    ├── NotAStore           the file is something else
    ├── DamagedStore        the store is too damaged to be opened
    ├── StoreTooNew         a later version of rxpump wrote the store
    ├── StoreTooOld         an earlier version of rxpump wrote the store, and the command does not upgrade it
    └── StoreInUse          another server has opened the store
"""

from __future__ import annotations

from dataclasses import dataclass

from rxpump.errors import RxPumpError


@dataclass(eq=False)
class CannotListen(RxPumpError):
    """The server cannot listen on an address.

    Attributes:
        host: Host of the address.
        port: Port of the address.
        reason: The error of the operating system.
    """

    host: str
    port: int
    reason: str

    def __str__(self) -> str:
        return f"cannot listen on {self.host}:{self.port}: {self.reason}"


@dataclass(eq=False)
class BadCertificate(RxPumpError):
    """The server cannot use a certificate for TLS.

    Attributes:
        certificate: Path of the certificate.
        key: Path of its private key.
        reason: Description of the fault.
    """

    certificate: str
    key: str
    reason: str

    def __str__(self) -> str:
        return f"cannot use the certificate {self.certificate!r} with the key {self.key!r}: {self.reason}"


@dataclass(eq=False)
class DamagedRecord(RxPumpError):
    """A record of a store is missing or damaged. The rest of the store stays readable.

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
    """Return the error for an event of a stream. The number is None if it is not known."""
    event = "an event" if number is None else f"event {number}"
    return DamagedRecord(f"{event} of stream {stream!r}", stream=stream, number=number)


def damaged_position(position: int | None) -> DamagedRecord:
    """Return the error for an event of the log. The position is None if it is not known."""
    event = "an event of the log" if position is None else f"the event at position {position}"
    return DamagedRecord(event, position=position)


def damaged_stream(stream: str) -> DamagedRecord:
    """Return the error for the row of a stream."""
    return DamagedRecord(f"the entry of stream {stream!r}", stream=stream)


@dataclass(eq=False)
class StoreError(RxPumpError):
    """A store cannot be used.

    Attributes:
        path: Path of the file.
        reason: Reason why the store cannot be used.
    """

    path: str
    reason: str

    def __str__(self) -> str:
        return f"the store {self.path!r} cannot be used: {self.reason}"


class StoreNotFound(StoreError):
    """There is no file at the path, and none can be created there."""


class StoreUnreadable(StoreError):
    """The file has no read permission, or it is a directory."""


class StoreReadOnly(StoreError):
    """The file, or the directory that it is in, has no write permission, which a store needs."""


class NotAStore(StoreError):
    """The file is not a store of rxpump."""


class DamagedStore(StoreError):
    """The store is too damaged to be opened."""


class StoreTooNew(StoreError):
    """A later version of rxpump wrote the store."""


class StoreTooOld(StoreError):
    """An earlier version of rxpump wrote the store, and it must be upgraded first."""


class StoreInUse(StoreError):
    """Another server has opened the store. Only one server at a time can open a store."""
