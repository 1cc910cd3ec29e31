"""Connection strings of servers over TCP.

    tcp://[login[:password]@]host[:port][?option=value&...]
    tcp+discover://[login[:password]@]host[:port][,host[:port]...][?option=value&...]

The options are the fields of Settings. Those of its reconnect policy are reconnect_min_delay, reconnect_max_delay,
reconnect_jitter and reconnect_attempts.
"""

from __future__ import annotations

from urllib.parse import SplitResult

from rxpump.settings import Settings
from rxpump.uri.addresses import DEFAULT_HTTP_PORT, DEFAULT_PORT, ClusterAddress, TcpAddress
from rxpump.uri.authority import check_end, read_credentials, read_hosts, read_port
from rxpump.uri.options import Options, with_options


def read_tcp(parts: SplitResult, options: Options, settings: Settings) -> tuple[TcpAddress, Settings]:
    """Return the address and the settings of a tcp:// connection string."""
    port = read_port(parts, DEFAULT_PORT)
    check_end(parts, "tcp://host:port")
    address = TcpAddress(parts.hostname or "", port, read_credentials(parts))
    return address, with_options(settings, options)


def read_cluster(parts: SplitResult, options: Options, settings: Settings) -> tuple[ClusterAddress, Settings]:
    """Return the address and the settings of a tcp+discover:// connection string."""
    check_end(parts, "tcp+discover://host:port")
    address = ClusterAddress(read_hosts(parts, DEFAULT_HTTP_PORT), read_credentials(parts))
    return address, with_options(settings, options)
