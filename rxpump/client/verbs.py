"""What all verbs of a client work with."""

from __future__ import annotations

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.filters import EventFilter
from rxpump.model.new_events import UNSET
from rxpump.settings import Settings
from rxpump.transport import Transport

READ_BATCH = 500


class Verbs:
    """A family of verbs, over what their client has.

    Every verb gives a cold Observable: nothing is sent before it is awaited, iterated or subscribed to, and
    each subscription asks anew. Arguments that the server could only refuse are refused at the call, with
    InvalidArgument. What the server refuses arrives as an error of `rxpump.errors`.

    A call has a deadline, `timeout` seconds after it was made (by default that of the settings, 10 seconds), whether
    or not there is a connection; then it raises OperationTimedOut. With `timeout=None` it waits for ever.
    """

    _settings: Settings
    _runtime: BackgroundTasks
    _transport: Transport
    """For what goes on for ever: it waits for a connection as long as the reconnect policy allows."""
    _calls: Transport
    """For calls: each request has the deadline of the settings."""

    def _within(self, timeout: float | None) -> Transport:
        """Return the transport for a call with this timeout, or with that of the settings if it is UNSET."""
        return self._calls if timeout is UNSET else self._transport.with_timeout(checks.timeout(timeout))


def checked_filter(where: object) -> EventFilter | None:
    """Take what a caller gives as `where`. Raises InvalidArgument."""
    if where is not None and not isinstance(where, EventFilter):
        raise InvalidArgument("where", where, "what ops.where(...) gives, or an EventFilter")
    return where
