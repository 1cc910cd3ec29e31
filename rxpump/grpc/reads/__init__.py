"""Reads and subscriptions of a client, each by one call or by several."""
