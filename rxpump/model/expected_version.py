"""What a writer believes of a stream before its write."""

from enum import IntEnum


class ExpectedVersion(IntEnum):
    """The named expectations; a number >= 0 expects that the stream's last event has this number.

    See docs/protocol/tcp.md, section 4.2. With an exact number or NO_STREAM the server recognises a repeated write by
    its event ids for ever; with ANY and STREAM_EXISTS it does so as best effort.
    """

    ANY = -2
    NO_STREAM = -1
    STREAM_EXISTS = -4

    Any = ANY
    StreamMustNotExist = NO_STREAM
    StreamMustExist = STREAM_EXISTS
