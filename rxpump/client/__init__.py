"""The client: each verb is one short method that returns an Observable, the families of verbs one a file."""

from rxpump.client.client import Client, MakeTransport

__all__ = ["Client", "MakeTransport"]
