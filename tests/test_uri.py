from __future__ import annotations

from dataclasses import fields
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.backoff import Backoff
from rxpump.errors import InvalidUri
from rxpump.model.credentials import Credentials
from rxpump.model.nodes import NodePreference
from rxpump.settings import Settings
from rxpump.uri import Address, ClusterAddress, EmbeddedAddress, TcpAddress, parse


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("tcp://localhost:1113", TcpAddress("localhost", 1113)),
        ("tcp://localhost", TcpAddress("localhost", 1113)),
        ("TCP://Host.Example/", TcpAddress("host.example", 1113)),
        ("tcp://10.0.0.1:2113", TcpAddress("10.0.0.1", 2113)),
        ("tcp://[::1]:1113", TcpAddress("::1", 1113)),
        ("tcp://admin:changeit@localhost", TcpAddress(credentials=Credentials("admin", "changeit"))),
        ("tcp://a%40b:p%3A%2F%3F%23%40@h:1", TcpAddress("h", 1, Credentials("a@b", "p:/?#@"))),
        ("tcp://z%C3%B6e:p%C3%A4ss@h", TcpAddress("h", credentials=Credentials("zöe", "päss"))),
        ("tcp://admin:a:b@h", TcpAddress("h", credentials=Credentials("admin", "a:b"))),
        ("tcp://h?name=me@home", TcpAddress("h")),
        ("memory://", EmbeddedAddress()),
        ("memory://?timeout=3", EmbeddedAddress()),
        ("memory://?strictness=real&timeout=3", EmbeddedAddress(strictness="real")),
        ("memory://?projections=true", EmbeddedAddress(projections=True)),
        ("sqlite:///events.db?projections=1&name=x", EmbeddedAddress("events.db", projections=True)),
        ("memory://?projections=false", EmbeddedAddress()),
        ("sqlite:///events.db?strictness=LENIENT", EmbeddedAddress("events.db")),
        ("sqlite:///events.db", EmbeddedAddress("events.db")),
        ("sqlite:///some/events.db", EmbeddedAddress("some/events.db")),
        ("sqlite:////var/lib/events.db", EmbeddedAddress("/var/lib/events.db")),
        ("sqlite:///my%20events%23.db?timeout=3", EmbeddedAddress("my events#.db")),
    ],
)
def test_the_address_is_parsed(uri: str, address: Address) -> None:
    assert parse(uri)[0] == address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (TcpAddress("h", 5, Credentials("admin", "changeit")), "tcp://h:5"),
        (TcpAddress("::1"), "tcp://[::1]:1113"),
        (EmbeddedAddress(), "memory://"),
        (EmbeddedAddress("events.db"), "sqlite:///events.db"),
        (EmbeddedAddress("/var/events.db"), "sqlite:////var/events.db"),
    ],
)
def test_an_address_is_printed_without_credentials(address: Address, shown: str) -> None:
    assert str(address) == shown
    assert "changeit" not in repr(address)


@given(
    host=st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z]{1,5}){0,2}", fullmatch=True),
    port=st.integers(1, 65535),
    login=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    password=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
)
def test_percent_encoded_text_is_decoded(host: str, port: int, login: str, password: str) -> None:
    address, _ = parse(f"tcp://{quote(login, safe='')}:{quote(password, safe='')}@{host}:{port}")
    assert address == TcpAddress(host, port, Credentials(login, password))


def test_options_are_settings() -> None:
    _, settings = parse(
        "tcp://h?name=my%20app&timeout=2.5&max_in_flight=10&require_leader=false&max_frame_bytes=4096"
        "&reconnect_min_delay=0.5&reconnect_max_delay=3&reconnect_jitter=0&reconnect_attempts=4"
    )
    assert settings == Settings(
        name="my app",
        timeout=2.5,
        max_in_flight=10,
        require_leader=False,
        max_frame_bytes=4096,
        reconnect=Backoff(min_delay=0.5, max_delay=3.0, jitter=0.0, attempts=4),
    )


def test_options_of_tls_are_parsed() -> None:
    _, settings = parse("tcp://h?tls=true&tls_ca=/etc/ca%201.pem&tls_server_name=node.example")
    assert settings == Settings(tls=True, tls_ca="/etc/ca 1.pem", tls_server_name="node.example")
    assert parse("tcp://h?tls=true&tls_verify=false")[1] == Settings(tls=True, tls_verify=False)
    with pytest.raises(InvalidUri, match="option tls is False; allowed is True if another setting of TLS is given"):
        parse("tcp://h?tls_ca=/etc/ca.pem")
    with pytest.raises(InvalidUri, match=r"option tls_ca is '/etc/ca\.pem'; allowed is None if"):
        parse("tcp://h?tls=true&tls_verify=false&tls_ca=/etc/ca.pem")


def test_options_override_settings() -> None:
    given = Settings(name="given", timeout=1.0, reconnect=Backoff(max_delay=2.0, attempts=3))
    _, settings = parse("memory://?timeout=9&reconnect_attempts=forever", given)
    assert settings == Settings(name="given", timeout=9.0, reconnect=Backoff(max_delay=2.0))


@pytest.mark.parametrize(("text", "value"), [("true", True), ("1", True), ("False", False), ("0", False)])
def test_boolean_options_are_parsed(text: str, value: bool) -> None:
    assert parse(f"tcp://h?require_leader={text}")[1].require_leader is value


def test_every_setting_is_an_option() -> None:
    """The exceptions are the two `Backoff` policies and the encoder, which are objects."""
    samples = {"str": "x", "str | None": "x", "float": "20", "float | None": "forever", "int": "5000", "bool": "true"}
    samples |= {"int | None": "3", "bool | None": "true", "NodePreference | str": "Follower"}
    samples |= {"Mapping[str, str]": "10.0.0.1=a.example.com,10.0.0.2:1113=b.example.com:1114"}
    for field in fields(Settings):
        if field.name not in ("reconnect", "retry", "encoder"):
            parse(f"tcp://h?tls=true&{field.name}={samples[str(field.type)]}")


@pytest.mark.parametrize(
    ("uri", "argument", "value"),
    [
        (None, "uri", None),
        ("tcp+discover://", "host", ""),
        ("tcp+discover://a,,b", "host", ""),
        ("tcp+discover://a:0", "host", "a:0"),
        ("tcp+discover://a:x,b", "host", "a:x"),
        ("tcp+discover://[::1", "host", "tcp+discover://[::1"),
        ("tcp+discover://::1", "host", "::1"),
        ("tcp+discover://a/path", "path", "/path"),
        ("tcp+discover://a#part", "fragment", "part"),
        ("tcp+discover://admin:p@ss/word@a", "credentials", "(not shown)"),
        ("tcp+discover://:pass@a", "username", ""),
        ("tcp+discover://a?node_preference=best", "option node_preference", "best"),
        ("tcp+discover://a?host_overrides=b", "option host_overrides", "b"),
        ("tcp+discover://a?host_overrides=b=c:x", "option host_overrides", "c:x"),
        ("tcp+discover://a?gossip_attempts=0", "option gossip_attempts", 0),
        ("", "scheme", ""),
        ("localhost:1113", "scheme", "localhost"),
        ("http://localhost", "scheme", "http"),
        ("tcp://", "host", ""),
        ("tcp://:1113", "host", ""),
        ("tcp://admin:changeit@", "host", ""),
        ("tcp://[::1", "host", "tcp://[::1"),
        ("tcp://a[::1]", "host", "tcp://a[::1]"),
        ("tcp://[::1]a", "host", "tcp://[::1]a"),
        ("tcp://[name]:1113", "host", "tcp://[name]:1113"),
        ("tcp://h\n", "host", "tcp://h\n"),
        ("tcp://a b", "host", "tcp://a b"),
        ("tcp://h:0", "port", 0),
        ("tcp://h:65536", "port", "65536"),
        ("tcp://h:-1", "port", "-1"),
        ("tcp://h:abc", "port", "abc"),
        ("tcp://h/path", "path", "/path"),
        ("tcp://h#part", "fragment", "part"),
        ("tcp://:pass@h", "username", ""),
        ("memory://host", "host or path", "host"),
        ("memory:///path", "host or path", "/path"),
        ("sqlite://events.db", "host", "events.db"),
        ("sqlite:///", "path", ""),
        ("sqlite:///a#b", "fragment", "b"),
        ("tcp://h?tiemout=3", "option", "tiemout"),
        ("tcp://h?strictness=real", "option", "strictness"),
        ("memory://?strictness=strict", "option strictness", "strict"),
        ("tcp://h?timeout", "option timeout", ""),
        ("tcp://h?timeout=soon", "option timeout", "soon"),
        ("tcp://h?timeout=0", "option timeout", 0.0),
        ("tcp://h?timeout=nan", "option timeout", None),
        ("tcp://h?max_in_flight=1.5", "option max_in_flight", "1.5"),
        ("tcp://h?require_leader=maybe", "option require_leader", "maybe"),
        ("tcp://h?reconnect_jitter=2", "option reconnect_jitter", 2.0),
        ("tcp://h?reconnect_attempts=-1", "option reconnect_attempts", -1),
        ("tcp://h?reconnect_min_delay=5&reconnect_max_delay=1", "option reconnect_max_delay", 1.0),
    ],
)
def test_an_invalid_option_is_refused_by_name(uri: Any, argument: str, value: object) -> None:
    with pytest.raises(InvalidUri) as caught:
        parse(uri)
    assert caught.value.argument == argument
    assert caught.value.value == value or value is None  # NaN is not equal to itself
    assert caught.value.allowed


def test_an_unknown_option_lists_the_known_ones() -> None:
    with pytest.raises(InvalidUri, match=r"allowed is ack_interval, .*reconnect_attempts, .*watchdog$"):
        parse("tcp://h?color=red")


@pytest.mark.parametrize(
    "uri",
    [
        "tcp://admin:se/cret@h",
        "tcp://admin:se?cret@h",
        "tcp://admin:se#cret@h",
        "tcp://admin:12/cret@h",
        "tcp://admin:12#cret@h",
        "tcp://admin:se%FFcret@h",
        "tcp://admin:secret@h:port",
        "tcp://admin:secret@h/path",
        "tcp://admin:secret@[::1",
        "tcp://admin:secret@h?color=red",
    ],
)
def test_an_error_shows_no_part_of_a_password(uri: str) -> None:
    with pytest.raises(InvalidUri) as caught:
        parse(uri)
    assert not {"se", "cret"} & set(caught.value.__dict__.values())
    assert "cret" not in str(caught.value)
    assert "'se" not in str(caught.value)
    assert caught.value.__cause__ is None


@given(
    st.text(max_size=40) | st.text(max_size=30).map("tcp://".__add__) | st.text(max_size=30).map("tcp://h?".__add__)
)
def test_any_text_is_an_address_or_an_invalid_uri(text: str) -> None:
    try:
        address, settings = parse(text)
    except InvalidUri:
        return
    assert isinstance(address, (TcpAddress, EmbeddedAddress))
    assert isinstance(settings, Settings)


@pytest.mark.parametrize(
    ("hosts", "seeds"),
    [
        ("events.example.com", [("events.example.com", 2113)]),
        ("a:1,b,[::1]:3,[::1]", [("a", 1), ("b", 2113), ("::1", 3), ("::1", 2113)]),
        ("admin:change%2Fit@a,b:2", [("a", 2113), ("b", 2)]),
    ],
)
def test_the_hosts_of_a_cluster_are_parsed(hosts: str, seeds: list[tuple[str, int]]) -> None:
    address, _ = parse(f"tcp+discover://{hosts}")
    assert isinstance(address, ClusterAddress)
    assert list(address.seeds) == seeds
    assert address.credentials == (Credentials("admin", "change/it") if "@" in hosts else None)


def test_the_options_of_a_cluster_are_parsed() -> None:
    options = "node_preference=read_only_replica&gossip_timeout=2&gossip_interval=3&gossip_attempts=4&gossip_tls=true"
    address, settings = parse(f"tcp+discover://[::1]?{options}&host_overrides=10.0.0.1=a,10.0.0.2:1=b:2")
    assert str(address) == "tcp+discover://[::1]:2113"
    assert settings.node_preference is NodePreference.READ_ONLY_REPLICA
    assert (settings.gossip_timeout, settings.gossip_interval, settings.gossip_attempts) == (2.0, 3.0, 4)
    assert (settings.gossip_tls, settings.is_gossip_encrypted, settings.tls) == (True, True, False)
    assert settings.host_overrides == {"10.0.0.1": "a", "10.0.0.2:1": "b:2"}


def test_a_cluster_needs_a_seed() -> None:
    with pytest.raises(InvalidUri, match="host is ''"):
        ClusterAddress(())
