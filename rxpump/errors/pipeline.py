"""What can go wrong on our own side of the connection, with events and with what works on them."""

from __future__ import annotations

from dataclasses import dataclass

from rxpump.errors.root import RxPumpError


@dataclass(eq=False)
class BufferOverflow(RxPumpError):
    """A bounded buffer of `capacity` items was full, and its source cannot be asked to wait."""

    buffer: str
    capacity: int

    def __str__(self) -> str:
        return (
            f"{self.buffer} holds {self.capacity} items and its source is not one that waits; let an on_backpressure "
            "operator decide what is dropped, or make it of an (async) iterable"
        )


@dataclass(eq=False)
class NotJson(RxPumpError, ValueError):
    """The `part` (data or metadata) of event `number` of `stream` is not JSON, for `reason`."""

    stream: str
    number: int
    part: str
    reason: str

    def __str__(self) -> str:
        return f"the {self.part} of event {self.number}@{self.stream} is not JSON: {self.reason}"


@dataclass(eq=False)
class NotDecodable(RxPumpError, ValueError):
    """Event `number` of `stream`, of type `type`, is no model that it was asked for as, for `reason`."""

    stream: str
    number: int
    type: str
    reason: str

    def __str__(self) -> str:
        return f"event {self.number}@{self.stream} of type {self.type!r} cannot be decoded: {self.reason}"


@dataclass(eq=False)
class WorkCancelled(RxPumpError):
    """The work of `operator` was cancelled by something that is not its pipeline, as when the loop shuts down."""

    operator: str

    def __str__(self) -> str:
        return f"the work of {self.operator} was cancelled from outside its pipeline"
