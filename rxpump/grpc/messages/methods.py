"""Methods of services as values: path, kind, messages and the first version of the server that has them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from google.protobuf.message_factory import GetMessageClass

from rxpump.grpc.messages.schema import method_descriptor


class ServerVersion(NamedTuple):
    """Version of a server."""

    major: int
    minor: int
    patch: int = 0

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


class MethodKind(Enum):
    """Kind of a method: whether the client, and the server, can send more than one message in a call."""

    UNARY = (False, False)
    CLIENT_STREAM = (True, False)
    SERVER_STREAM = (False, True)
    DUPLEX = (True, True)


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a service.

    Attributes:
        path: "/package.Service/Method", as a request names it.
        kind: Side, or sides, that can send more than one message.
        request: Class of the messages of the client.
        response: Class of the messages of the server.
        since: First version of the server that has the method.
        is_repeatable: Whether a second execution of a request has the same effect and the same result. A request
            whose execution is unknown is repeated only then.
        names_leader: Whether a follower names the leader when it refuses a request. If not, it answers with another
            error, such as that it is not ready, or not at all.
    """

    path: str
    kind: MethodKind
    request: Any
    response: Any
    since: ServerVersion
    is_repeatable: bool = True
    names_leader: bool = True

    @property
    def feature(self) -> tuple[str, str]:
        """Names of the service and the method in `SupportedMethods`, where they are in lower case."""
        service, _, name = self.path[1:].lower().partition("/")
        return service, name

    @property
    def name(self) -> str:
        """Names of the service and the method, such as "Streams.Read"."""
        service, _, method = self.path.rpartition("/")
        return f"{service.rpartition('.')[2]}.{method}"

    def __str__(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Service:
    """A service.

    Attributes:
        name: Name of the service on the wire, with its package.
        schema_name: Name of the service in the schema, such as "streams.Streams".
    """

    name: str
    schema_name: str

    def method(self, name: str, *since: int, is_repeatable: bool = True, names_leader: bool = True) -> Method:
        """Return a method of the service.

        Args:
            name: Name of the method.
            since: Numbers of the first version of the server that has it.
            is_repeatable: Whether a second execution of a request has the same effect and the same result.
            names_leader: Whether a follower names the leader when it refuses a request.
        """
        descriptor = method_descriptor(self.schema_name, name)
        return Method(
            f"/{self.name}/{name}",
            MethodKind((descriptor.client_streaming, descriptor.server_streaming)),
            GetMessageClass(descriptor.input_type),
            GetMessageClass(descriptor.output_type),
            ServerVersion(*since),
            is_repeatable,
            names_leader,
        )
