"""Reads and subscriptions of a client. Each makes one call, and further calls after interruptions."""
