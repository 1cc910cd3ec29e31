"""The client, whose methods are grouped as reads, writes, subscriptions, consumer groups and administration."""

from rxpump.client.client import Client

__all__ = ["Client"]
