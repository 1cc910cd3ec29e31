"""Settings of a client and its connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rxpump.backoff import Backoff
from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.json_forms import Encoder
from rxpump.model.nodes import NodePreference, split_host


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a client and its connection. Times are in seconds.

    One class has the settings of all protocols, because nearly all of them have a meaning in each, and so that a
    program can change the protocol by changing only the connection string.

    Settings of the TCP protocol only, which have no effect over gRPC: `heartbeat_interval`, `heartbeat_timeout`,
    `max_frame_bytes`, `http_port`, `live_buffer_events`, `live_buffer_bytes` and `gossip_tls`. Settings of gRPC only
    (pings of HTTP/2, a client certificate) are options of the connection string and not of this class.

    Attributes:
        name: Name of the client in the log and the statistics of the server.
        timeout: Time from a call to its deadline. The deadline covers all attempts, and also runs while there is no
            connection. None: no deadline. The argument `timeout` of a call replaces this value. Subscriptions,
            publishers and relays as a whole have no deadline: they wait for a connection as long as `reconnect`
            allows, and `timeout` bounds each of their requests while there is a connection. This time begins again
            whenever a part of a large message is sent or arrives, because a connection can be slow.
        connect_timeout: Time limit of one attempt to connect to a node, and again of the handshake with it, which
            includes the authentication.
        connect_within: Time for which `connect()` repeats attempts to connect, for example while a server starts.
        heartbeat_interval: Time without received bytes after which the client sends a heartbeat. TCP only.
        heartbeat_timeout: Time for the reply to a heartbeat. If nothing arrives in that time, the client closes the
            connection, and connects again. TCP only.
        max_in_flight: Largest number of requests in flight. Further requests wait in the client. Over gRPC it counts
            appended batches only.
        max_frame_bytes: Largest number of bytes of a reply, at least 1,024. If a page would be larger, the client
            requests fewer events at once. TCP only.
        http_port: Port on which the server serves HTTP. `replay_parked` uses it. The client also requests there the
            state of a node that refuses a login, and of a node that serves reads without being the leader. TCP only.
        require_leader: Whether only the leader may serve requests. If False, followers serve them too, and may lack
            the newest events.
        live_buffer_events: Largest number of events that a live subscription buffers for a slow consumer. If the
            buffer is full, the subscription unsubscribes, and reads on when the consumer is ready for more. TCP only.
        live_buffer_bytes: Largest number of bytes in that buffer. TCP only.
        watchdog: Time without events after which a live subscription reads the end of its stream, to check whether it
            has missed an event. Over gRPC, a subscription that has not caught up subscribes again after this time.
        ack_interval: Time for which an acknowledgement waits for others, so that one message contains all of them.
        tls: Whether the connection is encrypted.
        tls_ca: File with the trusted certificates in PEM format. None: the certificates that the system trusts.
        tls_verify: Whether the client verifies the certificate of the server. If False, anyone on the network can
            pretend to be the server, and read all data.
        tls_server_name: Name that the certificate must contain. None: the host.
        reconnect: Delays between attempts to connect after the connection was lost.
        retry: Delays before a request is repeated that the server could not serve.
        node_preference: Kind of node of a cluster to which the client connects: leader, follower, read_only_replica
            or random. This node serves reads and subscriptions. If it is not the leader, writes and consumer groups
            use a second connection, which is one to the leader.
        node_timeout: The same time limit as `connect_timeout`, for a node of a cluster. It is shorter, because the
            client can connect to another node instead.
        node_check_interval: Time between two requests for gossip while the client is connected to a node of a
            cluster. If the gossip shows that another node fits better, the client changes to it.
        gossip_timeout: Time in which a node must answer a request for gossip. After a round without an answer it is
            twice as long, up to `connect_timeout`, because all nodes can be far away.
        gossip_interval: Time between two rounds of requests for gossip while no node can be used.
        gossip_attempts: Number of rounds without a usable node after which the client gives up. None: no limit but
            those of `connect_within` and `reconnect`.
        gossip_tls: Whether gossip is requested over HTTPS. None: if `tls` is True. TCP only.
        host_overrides: Addresses that the gossip contains and the client cannot reach, for example because of NAT.
            The values are the addresses to use instead. All of them have the form `host` or `host:port`.
        encoder: Function that `publish_event` calls with each object in data or metadata that has no JSON form, and
            that returns the value to write in its place. A NewEvent has an `encoder` of its own.

    Raises:
        InvalidArgument: A value is not allowed.
    """

    name: str = "rxpump"
    timeout: float | None = 10.0
    connect_timeout: float = 5.0
    connect_within: float = 10.0
    heartbeat_interval: float = 0.75
    heartbeat_timeout: float = 1.5
    max_in_flight: int = 1024
    max_frame_bytes: int = 64 * 1024 * 1024
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
    node_preference: NodePreference | str = NodePreference.LEADER
    node_timeout: float = 1.5
    node_check_interval: float = 5.0
    gossip_timeout: float = 1.0
    gossip_interval: float = 1.0
    gossip_attempts: int | None = None
    gossip_tls: bool | None = None
    host_overrides: Mapping[str, str] = field(default_factory=dict, hash=False)  # A dict has no hash.
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
            "node_timeout",
            "node_check_interval",
            "gossip_timeout",
            "gossip_interval",
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
        self._check_cluster()
        self._check_tls()

    @property
    def reads_from_leader(self) -> bool:
        """Whether reads and subscriptions are served only by the leader."""
        return self.require_leader and self.node_preference == NodePreference.LEADER

    @property
    def is_gossip_encrypted(self) -> bool:
        """Whether gossip is requested over HTTPS."""
        return self.tls if self.gossip_tls is None else self.gossip_tls

    def _check_cluster(self) -> None:
        if self.node_preference not in tuple(NodePreference):
            raise InvalidArgument("node_preference", self.node_preference, ", ".join(NodePreference))
        if self.gossip_attempts is not None:
            checks.count("gossip_attempts", self.gossip_attempts)
        if self.gossip_tls is not None:
            checks.flag("gossip_tls", self.gossip_tls)
        if not isinstance(self.host_overrides, Mapping):
            raise InvalidArgument("host_overrides", self.host_overrides, "a dict from addresses to addresses")
        for address in (*self.host_overrides, *self.host_overrides.values()):
            try:
                split_host(address)
            except (ValueError, AttributeError, TypeError):
                raise InvalidArgument("host_overrides", address, "addresses as host or host:port") from None

    def _check_tls(self) -> None:
        for name in ("tls_ca", "tls_server_name"):
            if getattr(self, name) is not None:
                checks.text(name, getattr(self, name))
        is_about_tls = self.tls_ca is not None or self.tls_server_name is not None or not self.tls_verify
        if is_about_tls and not (self.tls or self.gossip_tls):
            raise InvalidArgument("tls", self.tls, "True if another setting of TLS is given")
        if self.tls_ca is not None and not self.tls_verify:
            raise InvalidArgument(
                "tls_ca", self.tls_ca, "None if tls_verify is False, because the certificate is not verified then"
            )
