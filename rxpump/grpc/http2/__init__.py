"""HTTP/2 without input or output: bytes and the time go in; events, bytes and the next deadline come out.

One class, `Http2Connection`, plays both roles. Its parts, from the wire inwards:

| module | job |
|---|---|
| `frame_reader` | Split the received bytes into frames. |
| `frame_rules` | Check the stream and the size of each frame. |
| `header_decoder` | Join the fragments of header blocks and decode them. |
| `receiver` | Apply each frame, and report events. |
| `stream`, `stream_table` | Hold the state of each stream, and store how the latest streams closed. |
| `sender` | Order frames on their way out, within the windows of the peer. |
| `http2_connection` | Join the parts, and watch the deadlines. |
"""

from rxpump.grpc.http2.error_codes import ErrorCode
from rxpump.grpc.http2.http2_connection import Http2Connection
from rxpump.grpc.http2.http2_limits import Http2Limits
from rxpump.grpc.http2.stream_table import Role

__all__ = ["ErrorCode", "Http2Connection", "Http2Limits", "Role"]
