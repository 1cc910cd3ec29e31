"""Pausing a source, the progress of work, and the tasks of a client."""
