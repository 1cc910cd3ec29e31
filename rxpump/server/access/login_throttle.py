"""Slows down programs that guess passwords.

Failed logins are counted by address and by login. Each of both has a budget: some failures at once, then a few a
second. An attempt that is over budget is not looked at, so it tells nothing about the password.

An address that is over its budget has to wait, whatever it tries. A login that is over its budget makes only those
addresses wait that have failed at it themselves: a stranger who guesses at a login from one address or from many
does not keep its user out, who comes from another one.

Successful logins cost nothing. Memory is bounded: of addresses, logins and pairs of both, the latest are kept.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, Generic, TypeVar

BURST: Final = 20
"""Failures that an address or a login may have at once."""

PER_SECOND: Final = 1.0
"""Failures that it may have in each second after that."""

FULL: Final = BURST / PER_SECOND
"""Seconds in which an empty budget becomes full, and after which a failure of an address at a login is forgotten."""

KEPT: Final = 4096
"""Addresses, logins and pairs of both that are remembered."""

_HOST_BITS: Final = 64  # of an IPv6 address: whoever has one has all that share the other half

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Throttled:
    """An attempt to log in that was not looked at.

    Attributes:
        seconds: Time until an attempt is looked at again.
    """

    seconds: float


class LoginThrottle:
    """Decides which attempts to log in are looked at. The time is passed in, in seconds."""

    def __init__(self) -> None:
        self._addresses: _Budgets[str] = _Budgets()
        self._logins: _Budgets[str] = _Budgets()
        self._failures: _Times[tuple[str, str]] = _Times()

    def check(self, address: str, login: str, now: float) -> Throttled | None:
        """Return how long an attempt has to wait, None if it may be looked at."""
        wait = self._addresses.wait(address, now)
        if self._failures.get((address, login), -FULL) + FULL > now:
            wait = max(wait, self._logins.wait(login, now))
        return Throttled(wait) if wait else None

    def note_failure(self, address: str, login: str, now: float) -> None:
        """Count an attempt that was looked at and failed."""
        self._addresses.spend(address, now)
        self._logins.spend(login, now)
        self._failures.set((address, login), now)

    def __repr__(self) -> str:
        return f"<LoginThrottle, {len(self._addresses)} addresses, {len(self._logins)} logins>"


class _Times(Generic[K]):
    """A time for each of the keys that were set last."""

    def __init__(self) -> None:
        self._times: dict[K, float] = {}

    def get(self, key: K, default: float) -> float:
        """Return the time of a key."""
        return self._times.get(key, default)

    def set(self, key: K, time: float) -> None:
        """Set the time of a key, and forget the key that was set first if there are too many."""
        self._times.pop(key, None)
        if len(self._times) >= KEPT:
            del self._times[next(iter(self._times))]
        self._times[key] = time

    def __len__(self) -> int:
        return len(self._times)


class _Budgets(_Times[K]):
    """A budget of failures for each key, of which the time is known when it will be full again."""

    def wait(self, key: K, now: float) -> float:
        """Return the seconds until there is budget for one failure."""
        return max(0.0, self.get(key, now) - now - (FULL - 1 / PER_SECOND))

    def spend(self, key: K, now: float) -> None:
        """Take one failure from the budget, which is never less than empty."""
        self.set(key, min(max(self.get(key, now), now) + 1 / PER_SECOND, now + FULL))


def throttled_address(host: str) -> str:
    """Return what counts as one address: an IPv4 address, or the network of an IPv6 address."""
    try:
        address: IPv4Address | IPv6Address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> _HOST_BITS << _HOST_BITS)}/{128 - _HOST_BITS}"
