"""The values that all routes of the web page share."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from reactivex import Subject
from reactivex import operators as rx
from reactivex.subject import BehaviorSubject

from rxpump.client import Client
from rxpump.model.status import Discovered, Status
from rxpump.uri import parse


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the web page.

    Attributes:
        writable: Whether the page can append events, delete streams and set metadata.
        password: Password that every request must have; None if none is needed, which is safe on loopback only.
        hosts: Names that the Host header may have, in addition to `localhost` and the addresses of loopback.
        any_address: Whether the Host header may be any IP address, because the page listens on all of them.
    """

    writable: bool = False
    password: str | None = field(default=None, repr=False)
    hosts: tuple[str, ...] = ()
    any_address: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """The store that the page shows, and how the page is served.

    Attributes:
        client: Connected client of the store.
        address: Address of the store without credentials.
        options: Options of the page.
        token: Secret that requests which change something must send back.
        stopping: Emits when the program stops, so that responses without an end complete.
        discovered: The last discovery of the nodes of a cluster; None if there was none.
    """

    client: Client
    address: str
    options: Options = Options()
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    stopping: Subject[None] = field(default_factory=Subject, repr=False)
    discovered: BehaviorSubject[Discovered | None] = field(default_factory=lambda: BehaviorSubject(None), repr=False)

    @classmethod
    def of(cls, client: Client, uri: str, options: Options) -> Context:
        """Return the context of a client.

        Args:
            client: Client that is not connected yet, so that the discovery of a cluster is noted.
            uri: Connection string of the client.
            options: Options of the page.
        """
        address, _ = parse(uri)
        context = cls(client, str(address), options)
        client.status.pipe(rx.filter(_is_discovered)).subscribe(context.discovered)
        return context

    @property
    def protocol(self) -> str:
        """Scheme of the connection string, such as `tcp` or `kurrentdb`."""
        return self.address.partition("://")[0]


def _is_discovered(status: Status) -> bool:
    return isinstance(status, Discovered)
