"""Send a request to the HTTP interface of a node, for requests that it does not accept over TCP."""

from __future__ import annotations

import asyncio
import re
import ssl
from base64 import b64encode
from typing import Final, NamedTuple

from rxpump.errors import MalformedReply
from rxpump.model.credentials import AnyCredentials, Token

_MAX_HEAD_BYTES: Final = 32 * 1024
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: ([^\r\n]*))?\r\n")


class HttpStatusLine(NamedTuple):
    """Status of a response.

    Attributes:
        code: Status code, from 100 to 599.
        reason: Text of the server.
    """

    code: int
    reason: str


async def post(
    host: str,
    port: int,
    path: str,
    *,
    credentials: AnyCredentials | None = None,
    tls: ssl.SSLContext | None = None,
    tls_server_name: str | None = None,
) -> HttpStatusLine:
    """Send a POST request without a body, on a new connection.

    Args:
        host: Name or address of the node.
        port: Its HTTP port.
        path: Path of the resource, percent-encoded.
        credentials: Credentials, or None for an anonymous request.
        tls: Context for HTTPS, or None for HTTP.
        tls_server_name: Name that the certificate must contain, or None for `host`.

    Returns:
        The status of the response. Its body is not read, and a redirection is not followed.

    Raises:
        OSError: There is no connection, or it was lost.
        MalformedReply: The response is not HTTP.
    """
    reader, writer = await asyncio.open_connection(
        host, port, limit=_MAX_HEAD_BYTES, ssl=tls, server_hostname=(tls_server_name or host) if tls else None
    )
    try:
        writer.write(_request(host, port, path, credentials))
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError("the server closed the connection without a response") from error
    except asyncio.LimitOverrunError as error:
        raise MalformedReply(f"POST {path}", f"the headers take more than {_MAX_HEAD_BYTES} bytes") from error
    finally:
        writer.transport.abort()  # The response is not needed any more.
    status = _STATUS_LINE.match(head)
    if status is None:
        raise MalformedReply(f"POST {path}", "the response is not HTTP")
    return HttpStatusLine(int(status[1]), (status[2] or b"").decode("latin-1"))


def _request(host: str, port: int, path: str, credentials: AnyCredentials | None) -> bytes:
    name = f"[{host}]" if ":" in host else host
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {name}:{port}",
        "Accept: application/json",
        "Content-Type: application/json",
        "Content-Length: 0",
        "Connection: close",
    ]
    if credentials is not None:
        lines.append(f"Authorization: {_authorization(credentials)}")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _authorization(credentials: AnyCredentials) -> str:
    if isinstance(credentials, Token):
        return f"Bearer {credentials.text}"
    pair = f"{credentials.login}:{credentials.password}"
    return f"Basic {b64encode(pair.encode()).decode('ascii')}"
