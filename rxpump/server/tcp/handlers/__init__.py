"""Handlers of requests, one kind of request in each file."""
