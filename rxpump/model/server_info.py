"""The version and the features of a server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """Version and features of a server, as it reports them.

    Attributes:
        version: Version of the server, for example "23.10.6"; None if it does not name one.
        features: Requests that the server supports, each as "service/method" or "service/method/feature", as the
            protocol names them.
    """

    version: str | None
    features: frozenset[str]
