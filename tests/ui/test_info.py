"""`/api/info` and the files of the page."""

from __future__ import annotations

import rxpump
from tests.ui.harness import Browser


async def test_info_describes_the_store(browser: Browser) -> None:
    info = await browser.get("/api/info")
    assert info["uri"] == "memory://"
    assert info["protocol"] == "memory"
    assert info["rxpump_version"] == rxpump.__version__
    assert info["writable"] is False
    assert info["token"] == browser.context.token
    assert info["features"]["statistics"] is False


async def test_the_page_is_html(browser: Browser) -> None:
    reply = await browser.http.get("/")
    assert reply.headers["content-type"] == "text/html; charset=utf-8"


async def test_an_unknown_path_is_an_error_in_json(browser: Browser) -> None:
    assert (await browser.error(404, "/api/nothing"))["kind"] == "NotFound"
