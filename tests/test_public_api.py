"""The list of the public API in the repository equals the actual API."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.public_api import MODULES, STORED, list_api


def test_the_public_api_is_the_stored_list() -> None:
    assert list_api() == STORED.read_text(), "if the change is meant, run `make api` and name it in CHANGELOG.md"


@pytest.mark.parametrize("name", MODULES)
def test_a_public_module_exports_only_existing_names(name: str) -> None:
    module = import_module(name)
    assert [each for each in module.__all__ if not hasattr(module, each)] == []
    assert len(set(module.__all__)) == len(module.__all__)


@pytest.mark.parametrize("name", MODULES)
def test_the_changelog_names_every_public_name(name: str) -> None:
    words = set(re.findall(r"\w+", (Path(__file__).parents[1] / "CHANGELOG.md").read_text()))
    assert set(import_module(name).__all__) - words == set(), "describe them in CHANGELOG.md"
