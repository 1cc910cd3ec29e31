"""A store and its page."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

import rxpump
from rxpump.ui.context import Options
from tests.ui.harness import Browser, page


@pytest.fixture
async def client() -> AsyncIterator[rxpump.Client]:
    """A connected client of an empty store."""
    async with rxpump.connect("memory://") as client:
        yield client


@pytest.fixture
async def browser(client: rxpump.Client) -> AsyncIterator[Browser]:
    """A browser of a page that cannot write."""
    async with page(client) as browser:
        yield browser


@pytest.fixture
async def writer(client: rxpump.Client) -> AsyncIterator[Browser]:
    """A browser of a page that can write."""
    async with page(client, Options(writable=True)) as browser:
        yield browser
