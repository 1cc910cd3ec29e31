"""Metadata of calls as header fields, and the encodings of their values."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

from rxpump.errors import InvalidArgument
from rxpump.grpc.http2.http2_events import Header

Metadata = tuple[tuple[str, str | bytes], ...]
"""Names and values. The value of a name that ends in `-bin` is bytes, and any other is text."""

_NAME: Final = re.compile(r"[0-9a-z_.-]+").fullmatch
_TEXT: Final = re.compile(r"([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?").fullmatch
_RESERVED: Final = ("grpc-", ":")
_NOT_RESERVED: Final = frozenset({"grpc-status-details-bin", "grpc-retry-pushback-ms", "grpc-accept-encoding"})
"""Names that begin with `grpc-` and are not reserved for the protocol: they are part of a status."""

_OF_THE_PROTOCOL: Final = frozenset({"te", "content-type", "content-length", "user-agent", "date", "server"})


def encode_metadata(metadata: Iterable[tuple[str, str | bytes]]) -> list[Header]:
    """Return metadata as header fields.

    Args:
        metadata: Names and values.

    Raises:
        InvalidArgument: A name or a value cannot be sent.
    """
    return [(_checked_name(name), _encode_value(name, value)) for name, value in metadata]


def decode_metadata(headers: Iterable[Header]) -> Metadata:
    """Return the metadata among header fields.

    Fields of the protocol (pseudo-headers, `content-type`, `grpc-status` and the like) are left out, except for
    those that belong to a status. A binary field can hold several values, which are returned one by one. A value that
    is not Base64 is left out.
    """
    return tuple(
        (name, value) for name, text in headers if not _is_reserved(name) for value in _decode_values(name, text)
    )


def encode_message(text: str) -> str:
    """Return a text percent-encoded, as the value of `grpc-message`.

    A space at either end is encoded, too, because a header value cannot have it (RFC 9113, section 8.2.1).
    """
    encoded = "".join(map(_escape, text.encode("utf-8", "replace")))
    if encoded.startswith(" "):
        encoded = f"%20{encoded[1:]}"
    return f"{encoded[:-1]}%20" if encoded.endswith(" ") else encoded


def decode_message(value: str) -> str:
    """Return the text of a `grpc-message` value. Malformed parts are kept as they are."""
    return unquote(value, errors="replace")


def encode_binary(value: bytes) -> str:
    """Return bytes as the value of a field whose name ends in `-bin`: Base64 without padding."""
    return base64.b64encode(value).decode().rstrip("=")


def decode_binary(text: str) -> bytes | None:
    """Return the bytes of a value in Base64, with or without padding, or None if it is not Base64."""
    stripped = text.strip().rstrip("=")
    try:
        return base64.b64decode(stripped + "=" * (-len(stripped) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def _escape(octet: int) -> str:
    return chr(octet) if 0x20 <= octet <= 0x7E and octet != 0x25 else f"%{octet:02X}"


def _is_reserved(name: str) -> bool:
    return name not in _NOT_RESERVED and (name.startswith(_RESERVED) or name in _OF_THE_PROTOCOL)


def _checked_name(name: str) -> str:
    if not _NAME(name) or _is_reserved(name):
        allowed = "lower-case letters, digits and _.- but no name of the protocol, such as grpc-timeout"
        raise InvalidArgument("the name of metadata", name, allowed)
    return name


def _encode_value(name: str, value: str | bytes) -> str:
    if name.endswith("-bin"):
        if not isinstance(value, bytes):
            raise InvalidArgument(name, value, "bytes, because the name ends in -bin")
        return encode_binary(value)
    if not isinstance(value, str) or not _TEXT(value):
        raise InvalidArgument(name, value, "printable ASCII text without spaces at the ends")
    return value


def _decode_values(name: str, text: str) -> Iterable[str | bytes]:
    if not name.endswith("-bin"):
        return [text]
    return [value for part in text.split(",") if (value := decode_binary(part)) is not None]
