"""POST .../replayParked: permissions, paths and the replay."""

from __future__ import annotations

import json
from base64 import b64encode
from http import HTTPStatus

import pytest

from rxpump.model.credentials import Credentials
from rxpump.model.login_throttle import BURST
from rxpump.server.http.parked_events import ParkedEvents
from rxpump.server.http.response import HttpResponse
from rxpump.tcp.wire.codes import NakAction
from rxpump.tcp.wire.commands import Command
from tests.server.groups.clients import PARKED, GroupTalk, turns
from tests.server.http.requests import parse
from tests.server.store.driving import write_metadata
from tests.server.talk import Talk

PATH = "/subscriptions/s/g/replayParked"


@pytest.fixture
async def client(talk: Talk) -> GroupTalk:
    client = GroupTalk(talk.store, talk.node)
    await client.create()
    return client


def basic(login: str, password: str) -> str:
    return f"Basic {b64encode(f'{login}:{password}'.encode()).decode()}"


ADMIN = basic("admin", "changeit")


def post(
    client: GroupTalk,
    path: str = PATH,
    authorization: str | None = ADMIN,
    *,
    method: str = "POST",
    address: str = "192.0.2.1",
) -> HttpResponse:
    headers = "" if authorization is None else f"Authorization: {authorization}\r\n"
    request = parse(f"{method} {path} HTTP/1.1\r\nHost: h\r\n{headers}Content-Length: 0\r\n\r\n".encode())
    parked = ParkedEvents(client.node)
    assert parked.is_meant(request)
    return parked.respond(request, address)


async def test_parked_events_are_delivered_again(client: GroupTalk, talk: Talk) -> None:
    await talk.write("s", *"012")
    client.connect()
    events = await client.delivered()
    client.nak(events[:2], NakAction.PARK)
    client.ack(events[2:])
    await turns()
    answer = post(client)
    assert (answer.status, json.loads(answer.body)["result"]) == (HTTPStatus.OK, "Success")
    again = await client.delivered()
    assert [each.event.event.data for each in again] == [b"0", b"1"]
    assert {each.event.link.event_stream_id for each in again} == {PARKED}


@pytest.mark.parametrize(("path", "group"), [("/subscriptions/a%2Fb/c%20d%C3%A9/replayParked", ("a/b", "c dé"))])
async def test_names_are_percent_encoded(path: str, group: tuple[str, str], client: GroupTalk) -> None:
    assert post(client, path).status == HTTPStatus.NOT_FOUND
    await client.create(*group)
    assert post(client, path).status == HTTPStatus.OK


async def test_a_replay_without_parked_events_does_nothing(client: GroupTalk) -> None:
    assert post(client).status == HTTPStatus.OK
    client.connect()
    assert await client.delivered() == []


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        basic("admin", "wrong"),
        basic("ops", "changeit"),
        basic("", ""),
        "Basic !",
        "Basic YQ",
        "Basic /w==",
        "Bearer abc",
        f"{ADMIN}, {ADMIN}",
    ],
)
async def test_a_user_without_permission_is_unauthorized(authorization: str | None, client: GroupTalk) -> None:
    answer = post(client, authorization=authorization)
    assert answer.status == HTTPStatus.UNAUTHORIZED
    assert ("WWW-Authenticate", 'BASIC realm="ES"') in answer.headers


async def test_the_existence_of_a_group_is_hidden_from_others(client: GroupTalk) -> None:
    assert post(client, "/subscriptions/s/no/replayParked", None).status == HTTPStatus.UNAUTHORIZED


async def test_a_user_who_can_write_settings_can_replay(client: GroupTalk, talk: Talk) -> None:
    await write_metadata(talk.store, "$settings", {"$acl": {"$w": ["ops"]}})
    assert post(client, authorization=basic("ops", "changeit").replace("Basic", "basic")).status == HTTPStatus.OK
    await write_metadata(talk.store, "$settings", {"$acl": {"$w": ["$all"]}})
    assert post(client, authorization=None).status == HTTPStatus.OK


async def test_another_method_is_not_allowed(client: GroupTalk) -> None:
    assert post(client, method="GET").status == HTTPStatus.METHOD_NOT_ALLOWED


async def test_guesses_of_passwords_are_throttled(client: GroupTalk) -> None:
    for _ in range(BURST):
        assert post(client, authorization=basic("admin", "wrong")).status == HTTPStatus.UNAUTHORIZED
    answer = post(client)
    assert answer.status == HTTPStatus.TOO_MANY_REQUESTS
    assert ("Retry-After", "1") in answer.headers
    assert post(client, address="192.0.2.2").status == HTTPStatus.OK


async def test_failures_over_tcp_and_http_are_counted_together(client: GroupTalk, talk: Talk) -> None:
    talk.conversation.address = "192.0.2.1"
    for _ in range(BURST):
        post(client, authorization=basic("nobody", "wrong"))
    [(command, _)] = talk.send(Command.PING, b"", Credentials("admin", "changeit"))
    assert command == Command.NOT_HANDLED


@pytest.mark.parametrize("path", ["/subscriptions/s/g/info", "/subscriptions/s/replayParked", "/x/s/g/replayParked"])
def test_other_paths_are_not_found(path: str, talk: Talk) -> None:
    request = parse(f"POST {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    assert not ParkedEvents(talk.node).is_meant(request)
    assert "Node" in repr(ParkedEvents(talk.node))
