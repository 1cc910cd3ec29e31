"""What all verbs of a client work with."""

from __future__ import annotations

from rxpump.runtime import Runtime
from rxpump.settings import Settings
from rxpump.transport.base import Transport

READ_BATCH = 500


class Verbs:
    """A family of verbs, over what their client has.

    Every verb gives a cold Observable: nothing is sent before it is awaited, iterated or subscribed to, and
    each subscription asks anew. Arguments that the server could only refuse are refused at the call, with
    InvalidArgument. What the server refuses arrives as an error of `rxpump.errors`.
    """

    _settings: Settings
    _runtime: Runtime
    _transport: Transport
