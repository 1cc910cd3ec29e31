"""Errors inside the client, which occur in pipelines or concern the contents of events."""

from __future__ import annotations

from dataclasses import dataclass

from rxpump.errors.root import RxPumpError


@dataclass(eq=False)
class BufferOverflow(RxPumpError):
    """A bounded buffer is full, and the source that fills it cannot be paused.

    Attributes:
        buffer: Name of the operator or consumer that the buffer belongs to.
        capacity: Items that fit into the buffer.
    """

    buffer: str
    capacity: int

    def __str__(self) -> str:
        return (
            f"the buffer of {self.buffer} is full with {self.capacity} items, and its source cannot be paused; "
            "put an on_backpressure operator before it, or make the source from an iterable or async iterable"
        )


@dataclass(eq=False)
class NotJson(RxPumpError, ValueError):
    """The data or metadata of an event are not JSON.

    Attributes:
        stream: Name of the stream.
        number: Number of the event.
        part: "data" or "metadata".
        reason: Description of the fault in the text.
    """

    stream: str
    number: int
    part: str
    reason: str

    def __str__(self) -> str:
        return f"the {self.part} of event {self.number}@{self.stream} is not JSON: {self.reason}"


@dataclass(eq=False)
class NotDecodable(RxPumpError, ValueError):
    """The data of an event do not fit the model that they were decoded as.

    Attributes:
        stream: Name of the stream.
        number: Number of the event.
        type: Type of the event.
        reason: Description of the data that do not fit.
    """

    stream: str
    number: int
    type: str
    reason: str

    def __str__(self) -> str:
        return f"event {self.number}@{self.stream} of type {self.type!r} cannot be decoded: {self.reason}"


@dataclass(eq=False)
class WorkCancelled(RxPumpError):
    """A task of an operator was cancelled from outside its pipeline, for example by the end of the event loop.

    Attributes:
        operator: Name of the operator.
    """

    operator: str

    def __str__(self) -> str:
        return f"a task of {self.operator} was cancelled from outside its pipeline"
