"""Marble tests of reactivex, with types that mypy accepts."""

from __future__ import annotations

from typing import Any

from reactivex.testing import marbles

marbles_testing: Any = marbles.marbles_testing
