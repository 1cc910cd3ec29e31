"""Observables over what a transport gives."""
