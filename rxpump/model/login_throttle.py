"""Limit the rate at which passwords can be guessed.

Each address and each login may fail BURST times at once, and then PER_SECOND times a second. This is its budget. An
attempt over budget is not verified, so its answer does not depend on the password.

If an address is over its budget, every attempt from it must wait. If a login is over its budget, only attempts from
addresses that have failed at this login must wait. So if an attacker guesses the password of a user, the user can
still log in from another address.

Successful logins use no budget. Memory is bounded, because only the most recent addresses and logins are stored.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, Generic, TypeVar

BURST: Final = 20
"""Failed attempts of an address or a login in a burst."""

PER_SECOND: Final = 1.0
"""Failed attempts in each second after a burst."""

FULL: Final = BURST / PER_SECOND
"""Seconds in which an empty budget becomes full, and for which a failure of an address at a login is stored."""

KEPT: Final = 4096
"""Largest number of stored addresses; the same for logins, and for pairs of both."""

_HOST_BITS: Final = 64
"""Bits of an IPv6 address that a host can choose. Addresses that differ only in these bits are counted as one."""

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Throttled:
    """Result for an attempt that was not verified.

    Attributes:
        seconds: Seconds until the next attempt is verified.
    """

    seconds: float


class LoginThrottle:
    """Decides which attempts to log in are verified. The time is an argument, in seconds."""

    def __init__(self) -> None:
        self._addresses: _Budgets[str] = _Budgets()
        self._logins: _Budgets[str] = _Budgets()
        self._failures: _Times[tuple[str, str]] = _Times()

    def check(self, address: str, login: str, now: float) -> Throttled | None:
        """Return how long an attempt must wait, or None if it can be verified now."""
        wait = self._addresses.wait(address, now)
        if self._failures.get((address, login), -FULL) + FULL > now:
            wait = max(wait, self._logins.wait(login, now))
        return Throttled(wait) if wait else None

    def note_failure(self, address: str, login: str, now: float) -> None:
        """Count an attempt that was verified and failed."""
        self._addresses.spend(address, now)
        self._logins.spend(login, now)
        self._failures.set((address, login), now)

    def __repr__(self) -> str:
        return f"<LoginThrottle, {len(self._addresses)} addresses, {len(self._logins)} logins>"


class _Times(Generic[K]):
    """A time for each key. Only the keys that were set most recently are kept."""

    def __init__(self) -> None:
        self._times: dict[K, float] = {}

    def get(self, key: K, default: float) -> float:
        """Return the time of a key."""
        return self._times.get(key, default)

    def set(self, key: K, time: float) -> None:
        """Set the time of a key, and drop the oldest key if there are too many."""
        self._times.pop(key, None)
        if len(self._times) >= KEPT:
            del self._times[next(iter(self._times))]
        self._times[key] = time

    def __len__(self) -> int:
        return len(self._times)


class _Budgets(_Times[K]):
    """A budget of failures for each key, stored as the time at which it is full again."""

    def wait(self, key: K, now: float) -> float:
        """Return the seconds until the budget allows one failure."""
        return max(0.0, self.get(key, now) - now - (FULL - 1 / PER_SECOND))

    def spend(self, key: K, now: float) -> None:
        """Reduce the budget by one failure. An empty budget stays empty."""
        self.set(key, min(max(self.get(key, now), now) + 1 / PER_SECOND, now + FULL))


def throttled_address(host: str) -> str:
    """Return the address that is counted for a host: its IPv4 address, or the /64 network of its IPv6 address."""
    try:
        address: IPv4Address | IPv6Address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> _HOST_BITS << _HOST_BITS)}/{128 - _HOST_BITS}"
