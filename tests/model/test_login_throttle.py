"""The throttle delays attempts to guess passwords, and does not lock out other users."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import defaultdict
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.model.credentials import Credentials
from rxpump.model.login_throttle import (
    BURST,
    FULL,
    KEPT,
    PER_SECOND,
    LoginThrottle,
    Throttled,
    throttled_address,
)
from rxpump.server import DEFAULT_ACCOUNTS, EmbeddedServer, SqliteStore
from rxpump.server.access.users import User, Users
from rxpump.server.node import Node
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import NotHandledReason
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.raw_client import ADMIN, RawClient
from tests.server.talk import Talk

WRONG = Credentials("admin", "wrong")


class Guessing:
    """A throttle, and simulated programs that try wrong passwords."""

    def __init__(self) -> None:
        self.throttle = LoginThrottle()

    def guess(self, address: str, login: str, now: float) -> float:
        """Try a password once; return the seconds to wait, 0 if the password was checked."""
        throttled = self.throttle.check(address, login, now)
        if throttled is None:
            self.throttle.note_failure(address, login, now)
        return 0 if throttled is None else throttled.seconds


def test_an_address_has_a_burst_and_then_a_rate() -> None:
    guessing = Guessing()
    waits = [guessing.guess("a", f"login-{number}", 0) for number in range(BURST + 1)]
    assert waits == [0] * BURST + [1 / PER_SECOND]
    looked_at = [now for now in range(1000) for _ in range(50) if not guessing.guess("a", "x", now)]
    assert len(looked_at) == 999 * PER_SECOND
    assert guessing.guess("b", "x", 999) == 0


def test_a_login_has_a_burst_and_a_rate_of_failures() -> None:
    guessing = Guessing()
    addresses = [f"10.0.0.{number}" for number in range(100)]
    assert [guessing.guess(address, "admin", 0) for address in addresses] == [0] * 100
    after = 0.5 / PER_SECOND
    assert all(guessing.guess(address, "admin", after) == 0 for address in ["fresh", "other"])
    assert guessing.guess("fresh", "admin", after) > 0
    assert guessing.guess("fresh", "ops", after) == 0


def test_unused_attempts_are_at_most_a_burst() -> None:
    guessing = Guessing()
    for _ in range(2 * BURST):
        guessing.guess("a", "admin", 0)
    assert [guessing.guess("a", "admin", 10 * FULL) for _ in range(BURST + 1)] == [0] * BURST + [1 / PER_SECOND]


GUESSES = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["admin", "ops"]), st.floats(0, 3)), max_size=400
)


def fits(times: list[float]) -> bool:
    """Return whether times are within a burst and a rate."""
    return all(
        last - first < BURST + (times[last] - times[first]) * PER_SECOND + 1e-6
        for first in range(len(times))
        for last in range(first, len(times))
    )


@given(GUESSES)
def test_random_guesses_stay_within_the_budgets(guesses: list[tuple[str, str, float]]) -> None:
    """Each address has a budget, and each login has one for addresses that failed recently."""
    guessing, now = Guessing(), 0.0
    by_address: dict[str, list[float]] = defaultdict(list)
    by_login: dict[str, list[float]] = defaultdict(list)
    failed: dict[tuple[str, str], float] = {}
    for address, login, pause in guesses:
        now += pause
        is_fresh = now >= failed.get((address, login), -FULL) + FULL
        if guessing.guess(address, login, now) == 0:
            by_address[address].append(now)
            failed[address, login] = now
            if not is_fresh:
                by_login[login].append(now)
        else:
            assert not is_fresh or len(by_address[address]) >= BURST
    assert all(map(fits, [*by_address.values(), *by_login.values()]))


def test_a_mistake_during_an_attack_delays_its_user_briefly() -> None:
    """Guesses from new addresses use up the budget of the login, so its user must wait after a mistake."""
    guessing = Guessing()
    for number in range(3000):
        now = number / 100
        assert guessing.guess(f"stranger {number}", "admin", now) == 0
        if number == 1000:
            assert guessing.guess("home", "admin", now) == 0
            assert 0 < guessing.guess("home", "admin", now) <= 1 / PER_SECOND
    assert guessing.guess("home", "admin", 10 + FULL) == 0


def test_the_reported_wait_is_exact() -> None:
    guessing = Guessing()
    while not (wait := guessing.guess("a", "admin", 0)):
        pass
    assert guessing.guess("a", "admin", wait - 0.01) > 0
    assert guessing.guess("a", "admin", wait) == 0


def test_memory_is_bounded() -> None:
    guessing, rng = Guessing(), random.Random(1)
    for number in range(3 * KEPT):
        guessing.guess(f"{number}", f"{rng.random()}", number / 1000)
    throttle = guessing.throttle
    assert [len(each) for each in (throttle._addresses, throttle._logins, throttle._failures)] == [KEPT] * 3
    assert repr(throttle) == f"<LoginThrottle, {KEPT} addresses, {KEPT} logins>"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1%eth0", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_addresses_of_one_network_count_as_one(host: str, address: str) -> None:
    assert throttled_address(host) == address


# Logging in ---------------------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def users(clock: Clock) -> Users:
    return Users(DEFAULT_ACCOUNTS, clock)


def test_a_throttled_password_is_not_checked(users: Users, clock: Clock) -> None:
    for _ in range(BURST):
        assert users.authenticate(WRONG, "stranger") is None
    assert users.authenticate(WRONG, "stranger") == users.authenticate(ADMIN, "stranger") == Throttled(1 / PER_SECOND)
    clock.now += 1 / PER_SECOND
    assert isinstance(users.authenticate(ADMIN, "stranger"), User)


def test_correct_passwords_use_no_budget(users: Users) -> None:
    assert all(isinstance(users.authenticate(ADMIN, "a"), User) for _ in range(10 * BURST))


@pytest.mark.parametrize("strangers", [1, 1000])
def test_guesses_of_others_do_not_lock_a_user_out(strangers: int, users: Users, clock: Clock) -> None:
    for step in range(10 * BURST + strangers):
        clock.now = step / 1000
        users.authenticate(WRONG, f"stranger {step % strangers}")
        assert isinstance(users.authenticate(ADMIN, "home"), User)


@pytest.fixture
async def talk(users: Users) -> AsyncIterator[Talk]:
    store = SqliteStore.in_memory()
    yield Talk(store, Node(store, users))
    await store.close()


async def test_a_throttled_login_is_refused_with_the_wait(talk: Talk, clock: Clock) -> None:
    for _ in range(BURST):
        assert talk.send(Command.PING, b"", WRONG) == [(Command.NOT_AUTHENTICATED, b"Not Authenticated")]
    [(command, payload)] = talk.send(Command.PING, b"", ADMIN)
    assert (command, schema.NotHandled.FromString(payload).reason) == (Command.NOT_HANDLED, NotHandledReason.TOO_BUSY)
    why = b"Too many failed logins, try again in 1.0 s"
    assert talk.send(Command.AUTHENTICATE, credentials=ADMIN) == [(Command.NOT_AUTHENTICATED, why)]
    assert talk.send(Command.PING) == [(Command.NOT_AUTHENTICATED, b"Not Authenticated")]
    clock.now += 1
    assert talk.send(Command.AUTHENTICATE, credentials=ADMIN) == [(Command.AUTHENTICATED, b"")]


async def test_a_connection_that_logged_in_before_continues(talk: Talk) -> None:
    assert talk.send(Command.PING, b"", ADMIN) == [(Command.PONG, b"")]
    for _ in range(2 * BURST):
        talk.send(Command.PING, b"", WRONG)
    assert talk.send(Command.PING, b"", ADMIN) == [(Command.PONG, b"")]
    assert talk.send(Command.AUTHENTICATE, credentials=ADMIN) == [(Command.AUTHENTICATED, b"")]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")
async def test_guesses_of_one_address_do_not_delay_another() -> None:
    async with EmbeddedServer(SqliteStore.in_memory()) as server, RawClient.to(server) as stranger:
        for _ in range(50 * BURST):
            stranger.send(Command.PING, user=WRONG)
        answers = [(await stranger.expect_package()).command for _ in range(50 * BURST)]
        assert BURST <= answers.count(Command.NOT_AUTHENTICATED) < 3 * BURST
        reader, writer = await asyncio.open_connection(server.host, server.port, local_addr=("127.0.0.2", 0))
        writer.write(Package(Command.AUTHENTICATE, bytes(range(16)), b"", ADMIN).encode())
        assert (await reader.readexactly(22))[4] == Command.AUTHENTICATED
        writer.close()
        await writer.wait_closed()
