"""A server and the command line, shared by the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import rxpump
from tests.cli.processes import Commands, address_of, as_admin


@pytest.fixture(scope="module")
def store() -> Iterator[rxpump.BlockingClient]:
    """An event store in this process, which other processes can connect to."""
    with rxpump.open("memory://") as store:
        yield store.as_user("admin", "changeit")


@pytest.fixture(scope="module")
def cli(store: rxpump.BlockingClient) -> Commands:
    """Runs commands that use the store as an admin by default."""
    return Commands(as_admin(address_of(store)))
