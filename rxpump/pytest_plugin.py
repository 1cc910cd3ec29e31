"""Fixtures for tests of programs that use rxpump; see docs/testing.md.

pytest loads this module at the start of every run where rxpump is installed. Therefore it imports `rxpump.testing`
only when a test first uses a fixture. `-p no:rxpump` leaves it out.

The fixtures are plain functions, so that they work with every plugin that runs coroutines. Clients and
clusters are connected in the event loop of the test: when the test function begins, in its task. They are closed when
it ends.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Generator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from rxpump import Client
    from rxpump.testing import EmbeddedCluster, EventStore, Marbles, MockTransport, Network, Recorded

_CONTEXTS = pytest.StashKey[list[AbstractAsyncContextManager[Any]]]()
"""Contexts in which the function of a test runs."""


@pytest.fixture
def event_store() -> Iterator[EventStore]:
    """A running server with an empty store in memory. `event_store.uri` is its connection string."""
    with _testing().EventStore() as store:
        yield store


@pytest.fixture
def network(event_store: EventStore) -> Iterator[Network]:
    """A simulated network to `event_store`, which fails when the test requests it. Clients use `network.uri`."""
    with _testing().Network(event_store.uri) as network:
        yield network


@pytest.fixture
def mock_transport() -> MockTransport:
    """An empty event store without sockets, files and threads, which `rxpump_client` then uses."""
    return _testing().MockTransport()  # type: ignore[no-any-return]


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> Iterator[EmbeddedCluster]:
    """A cluster of three servers in the event loop of the test, which must be `async`."""
    cluster = _testing().EmbeddedCluster()
    with cluster.reserved_ports(), _around_test(request, "cluster", cluster):
        yield cluster


@pytest.fixture
def rxpump_client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """A client that is connected in the event loop of the test, which must be `async`.

    It uses the mock transport, the cluster or the network if the test has this fixture too, and otherwise
    `event_store`.
    """
    if "mock_transport" in request.fixturenames:
        client = _testing().mock_client(request.getfixturevalue("mock_transport"))
    else:
        given = next((name for name in ("cluster", "network") if name in request.fixturenames), "event_store")
        client = import_module("rxpump").connect(request.getfixturevalue(given).uri)
    with _around_test(request, "rxpump_client", client):
        yield client


@pytest.fixture
def recorded(request: pytest.FixtureRequest) -> Recorded:
    """The events that the test has published, by stream: `recorded["orders"] == [("Placed", {"price": 5})]`."""
    if "cluster" in request.fixturenames:
        pytest.fail(
            "recorded reads event_store or mock_transport, and not the cluster; use client.get()", pytrace=False
        )
    store = "mock_transport" if "mock_transport" in request.fixturenames else "event_store"
    return _testing().Recorded(request.getfixturevalue(store).read_events)  # type: ignore[no-any-return]


@pytest.fixture
def marbles() -> Marbles:
    """Marble tests of pipelines in virtual time."""
    return _testing().Marbles()  # type: ignore[no-any-return]


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Run the function of a test in the contexts of its fixtures, in the task and event loop of the test."""
    contexts = item.stash.get(_CONTEXTS, [])
    if not contexts or not isinstance(item, pytest.Function):
        yield
        return
    original = item.obj

    @functools.wraps(original)
    async def run_in_contexts(*args: Any, **kwargs: Any) -> Any:
        if not _is_in_asyncio():
            pytest.fail("rxpump_client and cluster need asyncio; this test runs in another event loop", pytrace=False)
        async with AsyncExitStack() as stack:
            for context in contexts:
                await stack.enter_async_context(context)
            return await original(*args, **kwargs)

    item.obj = run_in_contexts
    yield
    item.obj = original


@contextmanager
def _around_test(
    request: pytest.FixtureRequest, fixture: str, context: AbstractAsyncContextManager[Any]
) -> Iterator[None]:
    """Add a context in which the function of the test runs."""
    if not inspect.iscoroutinefunction(request.function):
        pytest.fail(
            f"{fixture} needs a test that is `async`; another test can use rxpump.open(event_store.uri)",
            pytrace=False,
        )
    contexts = request.node.stash.setdefault(_CONTEXTS, [])
    contexts.append(context)
    yield
    contexts.remove(context)


def _is_in_asyncio() -> bool:
    try:
        import_module("asyncio").get_running_loop()
    except RuntimeError:
        return False
    return True


def _testing() -> Any:
    return import_module("rxpump.testing")
