from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from rxpump.errors import InvalidArgument
from rxpump.settings import Settings
from rxpump.tcp.wire.limits import MAX_FRAME_BYTES


def test_defaults_equal_the_documented_ones() -> None:
    settings = Settings()
    assert (settings.timeout, settings.max_frame_bytes) == (10.0, MAX_FRAME_BYTES)
    assert settings.reconnect.attempts is None, "unlimited"


def test_every_setting_is_documented() -> None:
    assert Settings.__doc__
    assert [field.name for field in fields(Settings) if f"{field.name}:" not in Settings.__doc__] in (
        [],
        ["live_buffer_events"],  # documented with live_buffer_bytes
    )


@pytest.mark.parametrize("name", [field.name for field in fields(Settings) if field.type == "float"])
@pytest.mark.parametrize("value", [0, -1.0, "3", None, float("nan")])
def test_a_time_must_be_more_than_zero(name: str, value: Any) -> None:
    with pytest.raises(InvalidArgument, match=f"^{name} is .*; allowed is a number of seconds over 0"):
        Settings(**{name: value})


@pytest.mark.parametrize("name", [field.name for field in fields(Settings) if field.type == "int"])
@pytest.mark.parametrize("value", [0, -1, 2.5, "3", None])
def test_a_count_must_be_more_than_zero(name: str, value: Any) -> None:
    with pytest.raises(InvalidArgument, match=f"^{name} is .*; allowed is a whole number"):
        Settings(**{name: value})


@pytest.mark.parametrize("name", ["", "\udfff", None])
def test_a_connection_must_have_a_name(name: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^name is "):
        Settings(name=name)


def test_the_smallest_frame_limit_is_1024() -> None:
    assert Settings(max_frame_bytes=1024).max_frame_bytes == 1024
    with pytest.raises(InvalidArgument, match="1024 or more"):
        Settings(max_frame_bytes=1023)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("node_preference", "best"),
        ("node_preference", None),
        ("gossip_attempts", 0),
        ("gossip_tls", "yes"),
        ("host_overrides", ["a"]),
        ("host_overrides", {"a": "b:x"}),
        ("host_overrides", {"a": None}),
        ("host_overrides", {"": "b"}),
        ("host_overrides", {"a": "[::1"}),
    ],
)
def test_wrong_settings_of_a_cluster_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Settings(**{name: value})
    assert caught.value.argument == name


def test_only_a_client_of_the_leader_reads_from_the_leader() -> None:
    assert Settings().reads_from_leader
    assert not Settings(require_leader=False).reads_from_leader
    assert not Settings(node_preference="follower").reads_from_leader


def test_gossip_alone_can_be_encrypted() -> None:
    assert Settings(gossip_tls=True, tls_ca="ca.pem").is_gossip_encrypted
    assert Settings(tls=True).is_gossip_encrypted
    assert not Settings(tls=True, gossip_tls=False).is_gossip_encrypted
