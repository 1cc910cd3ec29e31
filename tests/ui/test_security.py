"""The rules that every request must keep. Each test fails if its rule is removed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

import rxpump
from rxpump.errors import AccessDenied, NotAuthenticated
from rxpump.model.login_throttle import BURST
from rxpump.server import EmbeddedServer
from rxpump.ui.context import Options
from rxpump.ui.replies import error_values
from rxpump.ui.security import HEADERS, Guard
from tests.ui.harness import Browser, page

APPEND = {"stream": "s", "type": "T", "data": "{}"}
PATHS = ["/", "/api/info", "/api/streams", "/api/live?all=1", "/api/nothing"]


@pytest.fixture
def uri() -> str:
    return "memory://"


def basic(password: str) -> dict[str, str]:
    return {"authorization": f"Basic {b64encode(f'any:{password}'.encode()).decode()}"}


# The Host header --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "8.8.8.8", "127.0.0.1.evil.example", ""])
async def test_another_host_is_refused(host: str, path: str, browser: Browser) -> None:
    reply = await browser.http.get(path, headers={"host": host})
    assert (reply.status_code, reply.json()["error"]["kind"]) == (421, "WrongHost")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.1.2.3:80", "[::1]", "[::1]:8113"])
async def test_a_host_of_loopback_is_accepted(host: str, browser: Browser) -> None:
    assert (await browser.http.get("/api/info", headers={"host": host})).status_code == 200


async def test_an_allowed_name_is_accepted(client: rxpump.Client) -> None:
    async with page(client, Options(hosts=("events.example",))) as browser:
        for host, status in (("events.example", 200), ("Events.Example:80", 200), ("evil.example", 421)):
            assert (await browser.http.get("/api/info", headers={"host": host})).status_code == status


async def test_any_address_is_accepted_if_the_page_listens_on_all(client: rxpump.Client) -> None:
    async with page(client, Options(any_address=True)) as browser:
        for host, status in (("10.1.2.3", 200), ("[fe80::1]:80", 200), ("evil.example", 421)):
            assert (await browser.http.get("/api/info", headers={"host": host})).status_code == status


# Requests that change something -----------------------------------------------------------------------


def changing(browser: Browser) -> dict[str, str]:
    return {"x-rxpump-token": browser.context.token, "origin": str(browser.http.base_url).rstrip("/")}


async def test_a_change_needs_the_token(writer: Browser, client: rxpump.Client) -> None:
    right = changing(writer)
    for token in (None, "", "wrong", right["x-rxpump-token"][:-1], right["x-rxpump-token"] + "x", "é"):
        headers = {"origin": right["origin"]} | ({} if token is None else {"x-rxpump-token": token.encode()})
        reply = await writer.http.post("/api/write/append", json=APPEND, headers=headers)  # type: ignore[arg-type]
        assert (reply.status_code, reply.json()["error"]["kind"]) == (403, "WrongToken")
    assert (await writer.http.post("/api/write/append", json=APPEND, headers=right)).status_code == 200
    assert (await client.get_event("s")).number == 0


async def test_a_change_needs_the_same_origin(writer: Browser) -> None:
    right = changing(writer)
    for origin in (
        None,
        "",
        "null",
        "http://evil.example",
        right["origin"] + "0",
        right["origin"].replace("http", "https"),
    ):
        headers = {"x-rxpump-token": right["x-rxpump-token"]} | ({} if origin is None else {"origin": origin})
        reply = await writer.http.post("/api/write/append", json=APPEND, headers=headers)
        assert (reply.status_code, reply.json()["error"]["kind"]) == (403, "WrongOrigin")


CHANGES = [
    "/api/write/append",
    "/api/write/delete",
    "/api/write/metadata",
    "/api/groups/s/g/replay",
    "/api/groups/s/g/retry/0",
    "/api/groups/s/g/clear",
]


@pytest.mark.parametrize("path", CHANGES)
async def test_every_change_is_guarded(path: str, writer: Browser) -> None:
    assert (await writer.http.post(path, json={})).status_code == 403
    assert (await writer.http.get(path)).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "post"])
async def test_every_other_method_is_guarded(method: str, writer: Browser) -> None:
    assert (await writer.http.request(method, "/api/info")).status_code == 403


@pytest.mark.parametrize("path", CHANGES[:3])
async def test_a_page_that_cannot_write_has_no_such_routes(
    path: str, browser: Browser, client: rxpump.Client
) -> None:
    reply = await browser.http.post(path, json=APPEND, headers=changing(browser))
    assert reply.status_code in (404, 405)
    assert len(await client.get_all()) == 0


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_another_site_can_request_no_data(site: str, browser: Browser) -> None:
    for path in PATHS[1:]:
        reply = await browser.http.get(path, headers={"sec-fetch-site": site})
        assert (reply.status_code, reply.json()["error"]["kind"]) == (403, "OtherSite")
    assert (await browser.http.get("/", headers={"sec-fetch-site": site})).status_code == 200  # a link to the page


@pytest.mark.parametrize("site", ["same-origin", "none"])
async def test_the_page_itself_can_request_data(site: str, browser: Browser) -> None:
    reply = await browser.http.get("/api/info", headers={"sec-fetch-site": site})
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-store"


# The password -----------------------------------------------------------------------------------------


@pytest.fixture
async def locked(client: rxpump.Client) -> AsyncIterator[Browser]:
    """A browser of a page with a password."""
    async with page(client, Options(password="pässword:1", writable=True)) as browser:
        yield browser


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_needs_the_password(path: str, locked: Browser) -> None:
    reply = await locked.http.get(path)
    assert (reply.status_code, reply.json()["error"]["kind"]) == (401, "PasswordNeeded")
    assert reply.headers["www-authenticate"].startswith("Basic ")
    assert locked.context.token not in reply.text


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic", "Basic !", "Basic YQ==", "Bearer x", basic("wrong")["authorization"], basic("")["authorization"]],
)
async def test_a_wrong_password_is_refused(authorization: str, locked: Browser) -> None:
    reply = await locked.http.get("/api/info", headers={"authorization": authorization})
    assert reply.status_code == 401


async def test_the_right_password_opens_the_page(locked: Browser) -> None:
    right = basic("pässword:1")
    assert (await locked.http.get("/api/info", headers=right)).json()["token"] == locked.context.token
    assert (await locked.http.post("/api/write/append", json=APPEND, headers=right)).status_code == 403
    assert (
        await locked.http.post("/api/write/append", json=APPEND, headers=right | changing(locked))
    ).status_code == 200


async def test_a_request_without_a_password_is_no_attempt(locked: Browser) -> None:
    for _ in range(BURST + 1):
        assert (await locked.http.get("/api/info")).status_code == 401
    assert (await locked.http.get("/api/info", headers=basic("pässword:1"))).status_code == 200


async def test_the_address_of_too_many_wrong_passwords_must_wait() -> None:
    """The answer to an attempt that must wait does not depend on the password."""
    now, served = 1000.0, list[str]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        served.append(scope["client"][0])
        await Response()(scope, receive, send)

    guard = Guard(app, "token", "right", clock=lambda: now)

    async def statuses(password: str, *addresses: str) -> list[tuple[int, str | None]]:
        found = []
        for address in addresses:
            transport = httpx.ASGITransport(guard, client=(address, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
                reply = await http.get("/", headers=basic(password))
                found.append((reply.status_code, reply.headers.get("retry-after")))
        return found

    assert await statuses("wrong", *["10.0.0.1"] * BURST) == [(401, None)] * BURST
    assert await statuses("wrong", "10.0.0.1") == [(429, "1")]
    assert await statuses("right", "10.0.0.1") == [(429, "1")]
    assert await statuses("right", "10.0.0.2") == [(200, None)], "from another address"
    now += 1.0
    assert await statuses("right", "10.0.0.1") == [(200, None)]
    assert served == ["10.0.0.2", "10.0.0.1"]


# Headers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
async def test_every_reply_has_the_headers(path: str, browser: Browser) -> None:
    async with browser.http.stream("GET", path) as reply:
        assert {name: reply.headers[name] for name in HEADERS} == HEADERS
        assert "access-control-allow-origin" not in reply.headers


async def test_a_refusal_has_the_headers(browser: Browser) -> None:
    reply = await browser.http.get("/", headers={"host": "evil.example"})
    assert {name: reply.headers[name] for name in HEADERS} == HEADERS


def test_the_policy_allows_no_inline_code_and_no_other_host() -> None:
    policy = dict(part.strip().split(" ", 1) for part in HEADERS["content-security-policy"].split(";"))
    assert policy.pop("default-src") == "'none'"
    assert policy.pop("require-trusted-types-for") == "'script'"
    assert set(policy.values()) <= {"'self'", "'none'"}
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"


# Credentials of the connection string -----------------------------------------------------------------


async def test_no_reply_has_the_credentials(server: EmbeddedServer) -> None:
    uri = server.uri.replace("tcp://", "tcp://admin:changeit@")
    async with rxpump.connect(uri) as client, page(client, Options(writable=True), uri) as browser:
        await client.publish_event("s", "T")
        for path in (*PATHS[:3], "/api/stream/s", "/api/event/s/0", "/api/groups", "/api/groups/a/b", "/api/server"):
            reply = await browser.http.get(path)
            assert "changeit" not in reply.text, path
            assert "admin" not in reply.text, path
        for path in ("/api/live?all=1", "/api/server/live"):
            async with browser.http.stream("GET", path) as reply:
                async for line in reply.aiter_lines():
                    assert "changeit" not in line
                    assert "admin" not in line
                    if line.startswith("event: s"):
                        break
        replayed = await browser.post("/api/groups/a/b/replay")
        assert replayed.status_code >= 400
        assert "changeit" not in replayed.text
        assert "admin" not in replayed.text


@pytest.mark.parametrize("error", [NotAuthenticated("zoë", "wrong"), AccessDenied("read", "orders", "zoë")])
def test_an_error_is_reported_without_the_login(error: rxpump.RxPumpError) -> None:
    values = error_values(error)
    assert "zoë" not in str(values)
    assert values["kind"] == type(error).__name__
