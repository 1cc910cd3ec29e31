"""Observables over the events of a transport."""
