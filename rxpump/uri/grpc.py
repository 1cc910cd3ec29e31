"""Connection strings of servers over gRPC.

    kurrentdb://[login[:password]@]host[:port][?option=value&...]
    kurrentdb+discover://[login[:password]@]host[:port][,host[:port]...][?option=value&...]

`esdb` and `kdb` mean the same as `kurrentdb`. Several hosts are a cluster also without `+discover`. The names of
options are not case-sensitive. Options with the names that all clients of the protocol have:

    tls                 whether the connection is encrypted; true by default
    tlsVerifyCert       whether the certificate of the server is verified
    tlsCaFile           file with the trusted certificates, in PEM format; ignored if tlsVerifyCert is false
    userCertFile        file with the certificate of the user, in PEM format; needs userKeyFile
    userKeyFile         file with the private key of that certificate
    connectionName      name of the client in the log and the statistics of the server
    nodePreference      leader, follower, readOnlyReplica or random
    maxDiscoverAttempts rounds of requests to all nodes after which the client gives up; -1 for no limit
    discoveryInterval   milliseconds between two such rounds
    gossipTimeout       seconds in which a node must answer, at most 300 (some other clients count milliseconds)
    keepAliveInterval   milliseconds of silence after which a PING is sent to the server; -1 for never
    keepAliveTimeout    milliseconds of further silence after which the connection is closed; -1 for never
    defaultDeadline     milliseconds from a call to its deadline; -1 for no deadline
    dnsDiscover         whether the host is a name for the nodes of a cluster
    throwOnAppendFailure  only true, because a write that fails always raises
    feature             ignored

`credentialsInClear` (true or false) sends the credentials also without TLS. All other options are the fields of
Settings that do not belong to TCP.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import SplitResult

from rxpump.errors import InvalidUri
from rxpump.model.nodes import NodePreference
from rxpump.settings import Settings
from rxpump.uri.addresses import DEFAULT_HTTP_PORT, GrpcAddress
from rxpump.uri.authority import check_end, read_credentials, read_hosts
from rxpump.uri.options import OPTIONS, Options, Reader, read_bool, read_option, with_values

_OF_TCP: Final = {
    "heartbeat_interval",
    "heartbeat_timeout",
    "max_frame_bytes",
    "http_port",
    "live_buffer_events",
    "live_buffer_bytes",
    "gossip_tls",
}
"""Settings that have no meaning over gRPC."""

_LONGEST_GOSSIP_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Option:
    """An option with the name that all clients of the protocol use.

    Attributes:
        name: Name of the option.
        field: Field of Settings or of GrpcAddress that it sets.
        reader: Function that converts its text, and the values that it accepts.
    """

    name: str
    field: str
    reader: Reader


def _milliseconds(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError(text)
    return value / 1000


def _milliseconds_or_none(text: str) -> float | None:
    return None if text == "-1" else _milliseconds(text)


def _milliseconds_or_forever(text: str) -> float:
    return math.inf if text == "-1" else _milliseconds(text)


def _gossip_seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= _LONGEST_GOSSIP_SECONDS:
        raise ValueError(text)
    return value


def _attempts(text: str) -> int | None:
    value = int(text)
    if value == -1:
        return None
    if value < 1:
        raise ValueError(text)
    return value


def _preference(text: str) -> NodePreference:
    return {name.replace("_", ""): name for name in NodePreference}[text.lower().replace("_", "")]


def _true(text: str) -> bool:
    if not read_bool(text):
        raise ValueError(text)
    return True


_MILLISECONDS: Final[Reader] = (_milliseconds, "a number of milliseconds over 0")
_MILLISECONDS_OR_NONE: Final[Reader] = (_milliseconds_or_none, "a number of milliseconds over 0, or -1 for none")
_BOOL: Final[Reader] = (read_bool, "true or false")
_FILE: Final[Reader] = (str, "the name of a file")

_SETTINGS: Final = (
    Option("tls", "tls", _BOOL),
    Option("tlsVerifyCert", "tls_verify", _BOOL),
    Option("tlsCaFile", "tls_ca", _FILE),
    Option("connectionName", "name", (str, "text")),
    Option("nodePreference", "node_preference", (_preference, "leader, follower, readOnlyReplica or random")),
    Option("maxDiscoverAttempts", "gossip_attempts", (_attempts, "a whole number from 1, or -1 for no limit")),
    Option("discoveryInterval", "gossip_interval", _MILLISECONDS),
    Option("gossipTimeout", "gossip_timeout", (_gossip_seconds, "a number of seconds over 0, up to 300")),
    Option("defaultDeadline", "timeout", _MILLISECONDS_OR_NONE),
)
ADDRESS_OPTIONS: Final = (
    Option("userCertFile", "certificate_file", _FILE),
    Option("userKeyFile", "key_file", _FILE),
    Option("keepAliveInterval", "keepalive_interval", _MILLISECONDS_OR_NONE),
    Option("keepAliveTimeout", "keepalive_timeout", (_milliseconds_or_forever, _MILLISECONDS_OR_NONE[1])),
    Option("dnsDiscover", "is_cluster", _BOOL),
    Option("credentialsInClear", "sends_credentials_in_clear", _BOOL),
)
"""Options that are fields of GrpcAddress."""

_IGNORED: Final = (
    Option("throwOnAppendFailure", "", (_true, "true, because a write that fails always raises")),
    Option("feature", "", (str, "text")),
)
_BY_NAME: Final = {option.name.lower(): option for option in (*_SETTINGS, *ADDRESS_OPTIONS, *_IGNORED)}
_OTHERS: Final = {
    name: Option(name, name, reader) for name, reader in OPTIONS.items() if name not in _OF_TCP | {"tls"}
}
"""Options that are fields of Settings. If one of them is also an option above, both have the same meaning."""

OPTIONS_BY_FIELD: Final = {option.field: option for option in (*_OTHERS.values(), *_SETTINGS)}
"""Options of Settings by the name of their field. A name that all clients have takes precedence."""


def read_grpc(parts: SplitResult, options: Options, settings: Settings) -> tuple[GrpcAddress, Settings]:
    """Return the address and the settings of a connection string with `kurrentdb://` or an alias of it.

    Raises:
        InvalidUri: A part is malformed; an option is unknown, occurs twice, or has a wrong value.
    """
    scheme, _, discover = parts.scheme.partition("+")
    check_end(parts, f"{scheme}://host:port")
    hosts = read_hosts(parts, DEFAULT_HTTP_PORT)
    of_settings, of_address = _values(options)
    is_dns_name = bool(of_address.pop("is_cluster", False))
    is_cluster = bool(discover) or len(hosts) > 1 or is_dns_name
    address = GrpcAddress(hosts, is_cluster, read_credentials(parts), **of_address)
    of_settings.setdefault("tls", True)
    if not of_settings["tls"]:
        for name in ("tls_verify", "tls_ca", "tls_server_name"):
            of_settings.pop(name, None)  # Like other clients, accept them without TLS, where they have no effect.
        settings = replace(settings, tls=False, tls_verify=True, tls_ca=None, tls_server_name=None)
    elif not of_settings.get("tls_verify", settings.tls_verify):
        of_settings["tls_ca"] = None  # Likewise, because the certificate of the server is not verified.
    return address, with_values(settings, of_settings)


def _values(options: Options) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the values of the options by field, those for Settings and those for GrpcAddress."""
    of_settings: dict[str, Any] = {}
    of_address: dict[str, Any] = {}
    seen: set[str] = set()
    for name, text in options:
        option = _BY_NAME.get(name.lower()) or _OTHERS.get(name.lower())
        if option is None:
            allowed = [each.name for each in (*_BY_NAME.values(), *_OTHERS.values())]
            raise InvalidUri("option", name, ", ".join(sorted(allowed, key=str.lower)))
        value = read_option(option.name, text, option.reader)
        if option.name in seen:
            raise InvalidUri("option", name, "each option once")
        seen.add(option.name)
        if option in ADDRESS_OPTIONS:
            of_address[option.field] = value
        elif option.field:
            if option.field in of_settings:
                raise InvalidUri("option", name, f"one option for {option.field}")
            of_settings[option.field] = value
    return of_settings, of_address
