"""A call with one result, as a value: the messages to send, and the function that reads the response."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from google.protobuf.message import DecodeError

from rxpump.errors import MalformedReply
from rxpump.grpc.errors.call_context import CallContext

T_co = TypeVar("T_co", covariant=True)

Answer = Callable[[Sequence[Any], CallContext], T_co]
"""Function that returns the result of a call.

It is called with the messages of the server, decoded and in the order of arrival, when the call has ended with the
status OK. It raises an RxPumpError if the messages are a refusal, and MalformedReply if they have no result.
"""


@dataclass(frozen=True, slots=True)
class Operation(Generic[T_co]):
    """A call with one result. It ends without a request of the client to end it.

    Attributes:
        context: Description of the call for its errors. Each attempt sets its login and timeout.
        requests: Messages of the client, all of which are sent at once.
        answer: Function that returns the result.
    """

    context: CallContext
    requests: tuple[Any, ...]
    answer: Answer[T_co]

    def __str__(self) -> str:
        return self.context.operation


def parse(context: CallContext, message_class: Any, encoded: bytes) -> Any:
    """Parse a message of a response.

    Raises:
        MalformedReply: The bytes are not such a message.
    """
    try:
        return message_class.FromString(encoded)
    except DecodeError as error:
        raise MalformedReply(context.operation, str(error)) from error


def no_result(messages: Sequence[Any], context: CallContext) -> None:
    """Return None, because the response has no content."""
