"""The page of all settings, each with its form in a connection string."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, Final

from rxpump.backoff import Backoff
from rxpump.settings import Settings
from rxpump.uri.addresses import EmbeddedAddress, GrpcAddress
from rxpump.uri.embedded import SERVER_OPTIONS
from rxpump.uri.grpc import ADDRESS_OPTIONS, OPTIONS_BY_FIELD
from rxpump.uri.options import OPTIONS
from tools.docs_site.citations import linked
from tools.docs_site.docstrings import attributes
from tools.docs_site.tables import code, table

_INTRODUCTION: Final = """\
# Settings

A program passes settings as `rxpump.connect(uri, settings=rxpump.Settings(timeout=30))`. A connection string
contains them as options: `tcp://localhost?timeout=30`. An option in the connection string overrides the setting of
the program. Times are in seconds, except for options whose accepted values are milliseconds. `memory://` and
`sqlite:///` accept the options of `tcp://`. `esdb://` and `kdb://` mean the same as `kurrentdb://`, where `tls` is
true by default.

`InvalidUri` is raised for an unknown option or a value that is not allowed. Its message lists the allowed ones.

One class has the settings of all protocols, so that a program can change the protocol by changing only the connection
string. Most of them apply to TCP and gRPC. Those that apply [over TCP only](#over-tcp-only) have no effect over gRPC,
and `kurrentdb://` refuses them as options. [Options that only gRPC has](#options-of-servers-over-grpc) belong to the
connection string.
"""

GROUPS: Final = {
    "The client and its requests": ("name", "timeout", "max_in_flight", "require_leader", "retry", "encoder"),
    "Connecting": ("connect_timeout", "connect_within", "reconnect"),
    "Subscriptions and consumer groups": ("watchdog", "ack_interval"),
    "TLS": ("tls", "tls_ca", "tls_verify", "tls_server_name"),
    "Clusters": (
        "node_preference",
        "node_timeout",
        "node_check_interval",
        "gossip_timeout",
        "gossip_interval",
        "gossip_attempts",
        "host_overrides",
    ),
    "Over TCP only": (
        "heartbeat_interval",
        "heartbeat_timeout",
        "max_frame_bytes",
        "live_buffer_events",
        "live_buffer_bytes",
        "http_port",
        "gossip_tls",
    ),
}
"""Names of the settings in each section of the page. A test compares the last section with the connection strings."""

_ONLY_IN_A_PROGRAM: Final = "Only a program can set it."
_PARTS: Final = {"reconnect": "A connection string sets its parts: see [Reconnecting](#reconnecting)."}

_EXAMPLES: Final = {
    "name": ("billing", "billing"),
    "tls": ("true", "true"),
    "tls_ca": ("/etc/ca.pem", "/etc/ca.pem"),
    "tls_verify": ("false", "false"),
    "tls_server_name": ("db.example.com", "db.example.com"),
    "node_preference": ("follower", "follower"),
    "gossip_attempts": ("5", "5"),
    "gossip_tls": ("true", "true"),
    "host_overrides": ("10.0.0.1=a.example.com", "10.0.0.1=a.example.com"),
    "reconnect_attempts": ("5", "5"),
    "timeout": ("30", "30000"),
    "gossip_interval": ("2", "2000"),
    "gossip_timeout": ("2", "2"),
    "certificate_file": ("", "/etc/user.pem"),
    "key_file": ("", "/etc/user.key"),
    "keepalive_interval": ("", "10000"),
    "keepalive_timeout": ("", "10000"),
    "is_cluster": ("", "true"),
    "sends_credentials_in_clear": ("", "true"),
    "strictness": ("real", ""),
    "projections": ("true", ""),
}
"""Texts of an option over TCP and over gRPC, for options whose default value is no good example."""

_REQUIRED: Final = {
    "tcp": {"tls_ca": "tls=true", "tls_verify": "tls=true", "tls_server_name": "tls=true"},
    "kurrentdb": {"certificate_file": "userKeyFile=/etc/user.key", "key_file": "userCertFile=/etc/user.pem"},
}
"""Options without which another one is refused."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting of the page.

    Attributes:
        name: Name of the setting.
        type: Its type as source text.
        default: Its default as source text.
        text: Description.
        examples: Connection strings that set it, with the values they accept; empty if a program alone can set it.
    """

    name: str
    type: str
    default: str
    text: str
    examples: tuple[tuple[str, str], ...]


def render() -> str:
    """Return the page in Markdown."""
    page = "\n".join(
        [
            _INTRODUCTION,
            *_grouped(),
            "## Reconnecting\n",
            "`reconnect` and `retry` are a `Backoff`. The options of `reconnect` in a connection string begin with "
            "`reconnect_`.\n",
            *map(_section, reconnecting()),
            "## Options of servers over gRPC\n",
            "These options of `kurrentdb://` have no setting, because they belong to the address of the server.\n",
            *map(_section, of_grpc()),
            "## Options of embedded servers\n",
            *map(_section, of_embedded()),
        ]
    )
    return linked(page, "../")


def _grouped() -> Iterator[str]:
    """Yield the sections of the groups, each with the sections of its settings."""
    entries = {entry.name: entry for entry in settings()}
    for title, names in GROUPS.items():
        yield f"## {title}\n"
        yield from (_section(entries[name]) for name in names)


def settings() -> Iterator[Entry]:
    """Yield the fields of Settings."""
    described = attributes(Settings)
    for field in fields(Settings):
        yield Entry(field.name, str(field.type), _default(field), described[field.name], _examples(field.name, field))


def reconnecting() -> Iterator[Entry]:
    """Yield the fields of Backoff, with the options of the setting `reconnect`."""
    described = attributes(Backoff)
    for field in fields(Backoff):
        examples = _examples(f"reconnect_{field.name}", field)
        yield Entry(f"reconnect.{field.name}", str(field.type), _default(field), described[field.name], examples)


def of_grpc() -> Iterator[Entry]:
    """Yield the options of kurrentdb:// that are no settings."""
    described = attributes(GrpcAddress)
    of_address = {field.name: field for field in fields(GrpcAddress)}
    for option in ADDRESS_OPTIONS:
        field = of_address[option.field]
        example = (_uri("kurrentdb", option.name, option.field, field), option.reader[1])
        yield Entry(option.name, "", "", described[option.field], (example,))


def of_embedded() -> Iterator[Entry]:
    """Yield the options of memory:// and sqlite:/// that are no settings."""
    described = attributes(EmbeddedAddress)
    for field in fields(EmbeddedAddress):
        if field.name in SERVER_OPTIONS:
            uri = f"memory://?{field.name}={_EXAMPLES[field.name][0]}"
            yield Entry(field.name, "", "", described[field.name], ((uri, SERVER_OPTIONS[field.name][1]),))


def _section(entry: Entry) -> str:
    kind = f"Type `{entry.type}`, default `{entry.default}`.\n\n" if entry.type else ""
    uris = (
        table(["Connection string", "Accepted"], [[code(uri), accepted] for uri, accepted in entry.examples])
        if entry.examples
        else _PARTS.get(entry.name, _ONLY_IN_A_PROGRAM)
    )
    return f"### {entry.name}\n\n{kind}{entry.text}\n\n{uris}\n"


def _examples(option: str, field: Field[Any]) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    if option in OPTIONS:
        found.append((_uri("tcp", option, option, field), OPTIONS[option][1]))
    if option in OPTIONS_BY_FIELD:
        common = OPTIONS_BY_FIELD[option]
        found.append((_uri("kurrentdb", common.name, option, field), common.reader[1]))
    return tuple(found)


def _uri(scheme: str, option: str, name: str, field: Field[Any]) -> str:
    default = "" if field.default is MISSING else str(field.default).lower()
    text = _EXAMPLES.get(name, (default, default))[scheme == "kurrentdb"]
    required = _REQUIRED[scheme].get(name)
    return f"{scheme}://localhost?" + (f"{required}&" if required else "") + f"{option}={text}"


def _default(field: Field[Any]) -> str:
    if field.default_factory is not MISSING:
        return repr(field.default_factory())
    return repr(str(field.default)) if isinstance(field.default, str) else repr(field.default)
