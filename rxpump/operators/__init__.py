"""Operators for events, one a file; those Rx already has stay in reactivex.operators."""
