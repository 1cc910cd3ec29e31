"""Each verb that the page on other clients names here is there, with the arguments that it is given."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rxpump
from rxpump import operators as ops
from rxpump.streams.persistent import Deliveries
from rxpump.streams.transaction import Transaction

PAGE = Path(__file__).parents[1] / "docs" / "coming-from.md"
OBJECTS = {"transaction": Transaction, "delivery": rxpump.Delivery, "subscription": Deliveries}
ELSEWHERE = {"rxpump": rxpump, "ops": ops, **OBJECTS}


def named() -> list[str]:
    """What stands in code marks in the last column."""
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("|")]
    return [code for row in rows[2:] for code in re.findall(r"`([^`]+)`", row[-1])]


def calls() -> list[str]:
    return [code for code in named() if "(" in code]


def resolve(name: ast.expr) -> Callable[..., Any]:
    if isinstance(name, ast.Attribute):
        assert isinstance(name.value, ast.Name)
        return getattr(ELSEWHERE[name.value.id], name.attr)  # type: ignore[no-any-return]
    assert isinstance(name, ast.Name)
    return getattr(rxpump.Client, name.id)  # type: ignore[no-any-return]


@pytest.mark.parametrize("code", sorted(set(calls())))
def test_it_is_there_and_takes_that(code: str) -> None:
    call = ast.parse(code, mode="eval").body
    assert isinstance(call, ast.Call)
    function = resolve(call.func)
    is_method = isinstance(call.func, ast.Name) or code.partition(".")[0] in OBJECTS
    given = [object()] * is_method + [object()] * len(call.args)
    inspect.signature(function).bind(*given, **{str(keyword.arg): object() for keyword in call.keywords})


def test_each_row_leads_somewhere() -> None:
    rows = [line.split("|")[1:-1] for line in PAGE.read_text().splitlines() if re.match(r"\| \w", line)]
    assert len(rows) >= 25
    assert [row for row in rows if len(row) != 5 or not row[-1].strip()] == []
    assert len(calls()) > len(rows)


def test_every_verb_of_ours_is_on_the_page() -> None:
    verbs = {name for name, _ in inspect.getmembers(rxpump.Client, inspect.isfunction) if not name.startswith("_")}
    mentioned = {code.partition("(")[0] for code in named()}
    assert verbs - mentioned == set()
