"""Connection strings of servers over gRPC."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from rxpump.errors import InvalidUri
from rxpump.model.credentials import Credentials
from rxpump.model.nodes import NodePreference
from rxpump.settings import Settings
from rxpump.uri import GrpcAddress, parse

LOCAL = (("localhost", 2113),)
SECURE = Settings(tls=True)


@pytest.mark.parametrize("scheme", ["kurrentdb", "esdb", "kdb", "ESDB"])
def test_three_schemes_mean_the_same(scheme: str) -> None:
    assert parse(f"{scheme}://localhost") == (GrpcAddress(LOCAL), SECURE)
    assert parse(f"{scheme}+discover://localhost") == (GrpcAddress(LOCAL, is_cluster=True), SECURE)


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("kurrentdb://h:5", GrpcAddress((("h", 5),))),
        ("kurrentdb://h:5/", GrpcAddress((("h", 5),))),
        ("kurrentdb://[::1]:5", GrpcAddress((("::1", 5),))),
        ("kurrentdb://a:1,b,[::1]", GrpcAddress((("a", 1), ("b", 2113), ("::1", 2113)), is_cluster=True)),
        ("kurrentdb+discover://h", GrpcAddress((("h", 2113),), is_cluster=True)),
        ("esdb://admin:p%40ss@localhost", GrpcAddress(LOCAL, credentials=Credentials("admin", "p@ss"))),
        ("esdb://localhost?keepAliveInterval=1500", GrpcAddress(LOCAL, keepalive_interval=1.5)),
        ("esdb://localhost?KEEPALIVEINTERVAL=-1", GrpcAddress(LOCAL, keepalive_interval=None)),
        ("esdb://localhost?keepAliveTimeout=500", GrpcAddress(LOCAL, keepalive_timeout=0.5)),
        ("esdb://localhost?keepAliveTimeout=-1", GrpcAddress(LOCAL, keepalive_timeout=math.inf)),
        (
            "esdb://localhost?userCertFile=/c%201.pem&userKeyFile=/k.pem",
            GrpcAddress(LOCAL, certificate_file="/c 1.pem", key_file="/k.pem"),
        ),
        ("esdb://localhost?dnsDiscover=true", GrpcAddress(LOCAL, is_cluster=True)),
        ("esdb://localhost?dnsDiscover=false", GrpcAddress(LOCAL)),
        ("esdb+discover://localhost?dnsDiscover=true", GrpcAddress(LOCAL, is_cluster=True)),
        ("esdb+discover://localhost?dnsDiscover=false", GrpcAddress(LOCAL, is_cluster=True)),
        ("esdb://a:1,b:2?dnsDiscover=true", GrpcAddress((("a", 1), ("b", 2)), is_cluster=True)),
        ("esdb://localhost?credentialsInClear=true", GrpcAddress(LOCAL, sends_credentials_in_clear=True)),
    ],
)
def test_the_address_is_parsed(uri: str, address: GrpcAddress) -> None:
    assert parse(uri)[0] == address


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ("", {}),
        ("tls=false", {"tls": False}),
        ("TLS=False", {"tls": False}),
        ("tlsVerifyCert=false", {"tls_verify": False}),
        ("tlsCaFile=/ca.pem", {"tls_ca": "/ca.pem"}),
        ("tls=false&tlsVerifyCert=false&tlsCaFile=/ca.pem", {"tls": False}),
        ("tlsVerifyCert=false&tlsCaFile=/ca.pem", {"tls_verify": False}),
        ("connectionName=my%20app", {"name": "my app"}),
        ("nodePreference=leader", {}),
        ("nodePreference=Follower", {"node_preference": NodePreference.FOLLOWER}),
        ("nodepreference=readOnlyReplica", {"node_preference": NodePreference.READ_ONLY_REPLICA}),
        ("node_preference=read_only_replica", {"node_preference": NodePreference.READ_ONLY_REPLICA}),
        ("nodePreference=random", {"node_preference": NodePreference.RANDOM}),
        ("maxDiscoverAttempts=3", {"gossip_attempts": 3}),
        ("maxDiscoverAttempts=-1", {}),
        ("discoveryInterval=250", {"gossip_interval": 0.25}),
        ("gossipTimeout=3", {"gossip_timeout": 3.0}),
        ("defaultDeadline=2500", {"timeout": 2.5}),
        ("defaultDeadline=-1", {"timeout": None}),
        ("throwOnAppendFailure=true", {}),
        ("feature=anything", {}),
        ("timeout=4&require_leader=false", {"timeout": 4.0, "require_leader": False}),
        ("reconnect_attempts=2", {"reconnect": replace(Settings().reconnect, attempts=2)}),
    ],
)
def test_the_options_are_parsed(options: str, values: dict[str, Any]) -> None:
    assert parse(f"kurrentdb://localhost?{options}")[1] == replace(SECURE, **values)


def test_settings_without_tls_are_replaced_by_the_scheme() -> None:
    given = Settings(name="given")
    assert parse("kurrentdb://h", given)[1] == Settings(name="given", tls=True)
    secure = Settings(tls=True, tls_ca="/ca.pem")
    assert parse("kurrentdb://h", secure)[1] == secure
    assert parse("kurrentdb://h?tls=false", secure)[1] == Settings()


@pytest.mark.parametrize(
    ("uri", "argument", "value"),
    [
        ("kurrentdb://", "host", ""),
        ("kurrentdb://a,,b", "host", ""),
        ("kurrentdb://a:0", "host", "a:0"),
        ("kurrentdb://h/path", "path", "/path"),
        ("kurrentdb://h#part", "fragment", "part"),
        ("kurrentdb://admin:p@ss/word@h", "credentials", "(not shown)"),
        ("kurrentdb://:pass@h", "username", ""),
        ("kurrentdb://h?userCertFile=c", "userCertFile, userKeyFile", "c"),
        ("kurrentdb://h?userKeyFile=k", "userCertFile, userKeyFile", "k"),
        ("kurrentdb://h?tls=maybe", "option tls", "maybe"),
        ("kurrentdb://h?tls=true&TLS=false", "option", "TLS"),
        ("kurrentdb://h?tlsCaFile=a&tls_ca=b", "option", "tls_ca"),
        ("kurrentdb://h?nodePreference=best", "option nodePreference", "best"),
        ("kurrentdb://h?maxDiscoverAttempts=0", "option maxDiscoverAttempts", "0"),
        ("kurrentdb://h?gossipTimeout=5000", "option gossipTimeout", "5000"),
        ("kurrentdb://h?gossipTimeout=nan", "option gossipTimeout", "nan"),
        ("kurrentdb://h?keepAliveInterval=0", "option keepAliveInterval", "0"),
        ("kurrentdb://h?keepAliveTimeout=0", "option keepAliveTimeout", "0"),
        ("kurrentdb://h?defaultDeadline=soon", "option defaultDeadline", "soon"),
        ("kurrentdb://h?throwOnAppendFailure=false", "option throwOnAppendFailure", "false"),
        ("kurrentdb://h?heartbeat_interval=1", "option", "heartbeat_interval"),
        ("kurrentdb://h?max_in_flight=0", "option max_in_flight", 0),
    ],
)
def test_an_invalid_part_is_named(uri: str, argument: str, value: object) -> None:
    with pytest.raises(InvalidUri) as refused:
        parse(uri)
    assert (refused.value.argument, refused.value.value) == (argument, value)


def test_an_unknown_option_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(InvalidUri) as refused:
        parse("kurrentdb://h?tlsVerify=false")
    allowed = refused.value.allowed.split(", ")
    assert {"tlsVerifyCert", "keepAliveInterval", "timeout", "reconnect_attempts", "credentialsInClear"} <= {*allowed}
    assert "heartbeat_interval" not in allowed
    assert allowed == sorted(allowed, key=str.lower)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (GrpcAddress((("h", 5),), credentials=Credentials("admin", "changeit")), "kurrentdb://h:5"),
        (GrpcAddress((("a", 1), ("::1", 2)), is_cluster=True), "kurrentdb+discover://a:1,[::1]:2"),
    ],
)
def test_an_address_is_printed_without_credentials(address: GrpcAddress, shown: str) -> None:
    assert str(address) == shown
    assert "changeit" not in repr(address)


def test_several_hosts_are_a_cluster() -> None:
    with pytest.raises(InvalidUri):
        GrpcAddress((("a", 1), ("b", 2)))
    with pytest.raises(InvalidUri):
        GrpcAddress(())
