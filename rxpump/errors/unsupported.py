"""A request that the protocol of a connection cannot express, or that the server does not have."""

from __future__ import annotations

from dataclasses import dataclass

from rxpump.errors.root import RxPumpError


@dataclass(eq=False)
class NotSupported(RxPumpError):
    """The protocol of the connection, or the server, does not support the request. Nothing was done.

    Attributes:
        feature: The feature, as a noun phrase: "consumer groups on $all".
        protocol: Name of the protocol: "TCP".
        reason: Why the protocol or the server cannot do it.
        alternative: Description of another way.
    """

    feature: str
    protocol: str
    reason: str
    alternative: str

    def __str__(self) -> str:
        return f"{self.feature}: not supported over {self.protocol}, because {self.reason}; {self.alternative}"
