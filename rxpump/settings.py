"""What can be tuned on a connection, with its defaults."""

from __future__ import annotations

from dataclasses import dataclass, field

from rxpump.backoff import Backoff
from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.json_forms import Encoder
from rxpump.model.limits import MAX_FRAME_BYTES


@dataclass(frozen=True, slots=True)
class Settings:
    """One connection's settings; all times in seconds.

    name:                how the connection calls itself in the server's log and statistics.
    timeout:             seconds from a call to its deadline, all its attempts together, whether or not there is a
                         connection; each call can have its own (`timeout=`). None: a call waits for ever. What goes
                         on for ever (subscriptions, publishers, relays) is not bounded by it: that waits for a
                         connection as long as `reconnect` says. There it bounds each single request, on any one
                         connection.
    connect_timeout:     one attempt to connect: dial, authenticate, identify. `connect()` itself gives
                         up after `connect_within`.
    connect_within:      how long `connect()` keeps trying to reach the server for the first time, and to be accepted
                         by a server that is starting.
    heartbeat_interval:  silence after which the other side is asked for a sign of life.
    heartbeat_timeout:   silence after that which means that the connection is dead.
    max_in_flight:       requests on the wire at once; more wait their turn in the client.
    max_frame_bytes:     the largest reply taken, 1 KiB or more. Where a page would be larger, iterations ask
                         for fewer events at a time.
    http_port:           port on which the node answers HTTP. Only `replay_parked` needs it, because servers offer
                         that over HTTP alone.
    require_leader:      whether a follower may answer (False), or must send us to the leader (True).
    live_buffer_events,
    live_buffer_bytes:   how much a live subscription keeps for a consumer that is busy; beyond that it
                         leaves live mode, and reads on from where it was once there is demand.
    watchdog:            how long a live subscription may hear nothing before it looks whether it missed something.
    ack_interval:        how long an acknowledgement of a persistent subscription's event may wait for others to go
                         with it.
    tls:                 whether the connection is encrypted, from its first byte on.
    tls_ca:              file with the certificates (PEM) of the authorities that are trusted; without it, those
                         that the system trusts.
    tls_verify:          whether the server has to prove who it is. False: anybody may answer, and read along.
    tls_server_name:     the name that is looked for in the server's certificate, where that is not the host that
                         is connected to.
    reconnect:           the waits between attempts to come back after a lost connection.
    retry:               the waits before repeating a request that the server refused for now.
    encoder:             function that `publish_event` calls with each object in data or metadata that has no JSON
                         form, and that returns what to write in its place. A NewEvent has an `encoder` of its own.
    """

    name: str = "rxpump"
    timeout: float | None = 10.0
    connect_timeout: float = 5.0
    connect_within: float = 10.0
    heartbeat_interval: float = 0.75
    heartbeat_timeout: float = 1.5
    max_in_flight: int = 1024
    max_frame_bytes: int = MAX_FRAME_BYTES
    http_port: int = 2113
    require_leader: bool = True
    live_buffer_events: int = 4096
    live_buffer_bytes: int = 4 * 1024 * 1024
    watchdog: float = 30.0
    ack_interval: float = 0.005
    tls: bool = False
    tls_ca: str | None = None
    tls_verify: bool = True
    tls_server_name: str | None = None
    reconnect: Backoff = field(default_factory=Backoff)
    retry: Backoff = field(default_factory=lambda: Backoff(min_delay=0.05, max_delay=1.0))
    encoder: Encoder | None = None

    def __post_init__(self) -> None:
        checks.text("name", self.name)
        checks.timeout(self.timeout)
        for name in (
            "connect_timeout",
            "connect_within",
            "heartbeat_interval",
            "heartbeat_timeout",
            "watchdog",
            "ack_interval",
        ):
            checks.seconds(name, getattr(self, name))
        checks.port("http_port", self.http_port)
        for name in ("max_in_flight", "live_buffer_events", "live_buffer_bytes"):
            checks.count(name, getattr(self, name))
        checks.count("max_frame_bytes", self.max_frame_bytes, least=1024)
        if self.encoder is not None and not callable(self.encoder):
            raise InvalidArgument("encoder", self.encoder, "a function of an object, or None")
        for name in ("require_leader", "tls", "tls_verify"):
            checks.flag(name, getattr(self, name))
        for name in ("reconnect", "retry"):
            if not isinstance(getattr(self, name), Backoff):
                raise InvalidArgument(name, getattr(self, name), "a Backoff")
        self._check_tls()

    def _check_tls(self) -> None:
        for name in ("tls_ca", "tls_server_name"):
            if getattr(self, name) is not None:
                checks.text(name, getattr(self, name))
        is_about_tls = self.tls_ca is not None or self.tls_server_name is not None or not self.tls_verify
        if is_about_tls and not self.tls:
            raise InvalidArgument("tls", self.tls, "True, where anything else is said of TLS")
        if self.tls_ca is not None and not self.tls_verify:
            raise InvalidArgument("tls_ca", self.tls_ca, "None where tls_verify is False: nobody is asked then")
