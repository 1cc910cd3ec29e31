"""Appends of a client: many in flight in one BatchAppend call, repeated until they are written."""
