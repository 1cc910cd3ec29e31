"""Methods that a server supports, as it lists them itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from rxpump.errors import NotSupported
from rxpump.grpc.messages.methods import Method, ServerVersion
from rxpump.grpc.messages.table import METHODS

INDEXES_SINCE: Final = ServerVersion(25, 1)
"""First version of a server with secondary indexes."""

UNLISTED: Final = ServerVersion(21, 10)
"""First version of the server that lists its methods."""

_VERSION: Final = re.compile(r"v?([0-9]{1,9})\.([0-9]{1,9})(?:\.([0-9]{1,9}))?", re.IGNORECASE)


class ServerFeatures:
    """Methods that a server supports.

    Args:
        methods: Optional features of each method, by the names of its service and of the method in lower case.
        version: Version of the server; None if the server does not send it.

    Attributes:
        version: Version of the server, None if it does not name it.
    """

    def __init__(self, methods: Mapping[tuple[str, str], Iterable[str]], version: ServerVersion | None) -> None:
        self.version: ServerVersion | None = version
        self._methods = {name: frozenset(features) for name, features in methods.items()}

    @classmethod
    def from_message(cls, message: Any) -> ServerFeatures:
        """Return the features in a SupportedMethods message."""
        methods = {
            (each.service_name.lower(), each.method_name.lower()): tuple(each.features) for each in message.methods
        }
        return cls(methods, _version(message.event_store_server_version))

    @classmethod
    def before_21_10(cls) -> ServerFeatures:
        """Return the features of a server before version 21.10, which does not list its methods."""
        old = ServerVersion(20, 6)
        return cls({method.feature: () for method in METHODS.values() if method.since <= old}, None)

    def has(self, method: Method, feature: str | None = None) -> bool:
        """Return whether the server has a method, and an optional feature of it."""
        features = self._methods.get(method.feature)
        return features is not None and (feature is None or feature in features)

    def require(self, method: Method, feature: str | None = None) -> None:
        """Check that the server has a method, and an optional feature of it.

        Raises:
            NotSupported: The server does not have it. The message contains the first version that does.
        """
        if not self.has(method, feature):
            since = method.since if feature is None else max(method.since, UNLISTED)
            raise NotSupported(
                method.name if feature is None else f"{method.name} with the feature {feature!r}",
                "gRPC",
                f"the server ({self._described_version}) does not have it",
                f"use a server of version {since} or later, with this service enabled",
            )

    def require_indexes(self) -> None:
        """Check that the server has secondary indexes.

        Raises:
            NotSupported: The server is older, so a read of an index would return no events instead of an error.
        """
        self.require_version(INDEXES_SINCE, "secondary indexes")

    def require_version(self, since: ServerVersion, subject: str) -> None:
        """Check by its version that the server has something that its list of methods does not show.

        Args:
            since: First version that has it.
            subject: Name of it, for the error.

        Raises:
            NotSupported: The server is older, so it would ignore a part of a request instead of refusing it.
        """
        if self.version is None or self.version < since:
            reason = f"the server ({self._described_version}) lacks support for it"
            raise NotSupported(subject, "gRPC", reason, f"use a server of version {since} or later")

    @property
    def _described_version(self) -> str:
        return f"version {self.version}" if self.version else f"a version before {UNLISTED}"

    def __repr__(self) -> str:
        return f"<ServerFeatures of {self.version or 'an old server'}, {len(self._methods)} methods>"


def _version(text: str) -> ServerVersion | None:
    """Return the version at the start of a text, which can go on with the name of a preview, as in "26.2.0-rc.1"."""
    found = _VERSION.match(text)
    return None if found is None else ServerVersion(*(int(part) for part in found.groups("0")))
