"""Marble tests of reactivex, whose functions have types that fit no call."""

from __future__ import annotations

from typing import Any

from reactivex.testing import marbles

marbles_testing: Any = marbles.marbles_testing
