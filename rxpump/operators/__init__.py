"""Operators for events, one a file; what Rx has already (map, filter, scan, share, ...) stays reactivex's.

from reactivex import operators as rx
from rxpump import operators as ops
"""

from rxpump.operators.json import json
from rxpump.operators.of_type import of_type

__all__ = ["json", "of_type"]
