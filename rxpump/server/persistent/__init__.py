"""Persistent subscriptions: the server keeps the place of a group of consumers (protocol section 4.18)."""
