"""`/api/info` and the files of the page."""

from __future__ import annotations

import pytest

import rxpump
from tests.ui.harness import Browser, page


async def test_info_describes_the_store(browser: Browser, uri: str) -> None:
    info = await browser.get("/api/info")
    is_grpc = uri.startswith("kurrentdb")
    assert info["uri"] == uri.partition("?")[0]
    assert info["protocol"] == uri.partition(":")[0]
    assert info["rxpump_version"] == rxpump.__version__
    assert (info["server_version"] is not None) == is_grpc
    assert info["writable"] is False
    assert info["token"] == browser.context.token
    assert info["features"] == {
        "statistics": is_grpc,
        "members": is_grpc,
        "groups": {"details": is_grpc, "replay_some": is_grpc},
    }


@pytest.mark.parametrize("scheme", ["memory://", "sqlite:///{}/events.db"])
async def test_a_server_in_this_process_has_a_page(scheme: str, tmp_path: object) -> None:
    uri = scheme.format(tmp_path)
    async with rxpump.connect(uri) as client, page(client, uri=uri) as browser:
        await client.publish_event("ponies", "Jumped")
        assert [row["stream"] for row in await browser.get("/api/streams")] == ["ponies"]
        assert (await browser.get("/api/info"))["uri"] == uri


async def test_the_page_is_html(browser: Browser) -> None:
    reply = await browser.http.get("/")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert b"<html" in reply.content
    again = await browser.http.get("/", headers={"if-none-match": reply.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "/%2e%2e%2f__init__.py", "/js", "//"]
)
async def test_no_path_leads_out_of_the_folder(path: str, browser: Browser) -> None:
    reply = await browser.http.get(f"{str(browser.http.base_url).rstrip('/')}{path}")
    assert reply.status_code == 404


async def test_an_unknown_path_is_an_error_in_json(browser: Browser) -> None:
    assert (await browser.error(404, "/api/nothing"))["kind"] == "NotFound"
    reply = await browser.post("/api/info")
    assert (reply.status_code, reply.json()["error"]["kind"]) == (405, "MethodNotAllowed")
