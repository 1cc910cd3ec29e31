"""Each method in docs/coming-from.md exists and accepts the arguments that the page passes."""

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


def rows() -> list[list[str]]:
    """Return the cells of each row of the table of methods."""
    table = PAGE.read_text().partition("## Methods")[2]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]


def named() -> list[str]:
    """Return the code in the last column of the table of methods."""
    return [code for row in rows() for code in re.findall(r"`([^`]+)`", row[-1])]


def calls() -> list[str]:
    """Return the calls in the last column."""
    return [code for code in named() if "(" in code]


def resolve(name: ast.expr) -> Callable[..., Any]:
    """Return the function that a call on the page calls."""
    if isinstance(name, ast.Attribute):
        assert isinstance(name.value, ast.Name)
        return getattr(ELSEWHERE[name.value.id], name.attr)  # type: ignore[no-any-return]
    assert isinstance(name, ast.Name)
    return getattr(rxpump.Client, name.id)  # type: ignore[no-any-return]


@pytest.mark.parametrize("code", sorted(set(calls())))
def test_a_method_accepts_the_arguments_of_the_page(code: str) -> None:
    call = ast.parse(code, mode="eval").body
    assert isinstance(call, ast.Call)
    function = resolve(call.func)
    is_method = isinstance(call.func, ast.Name) or code.partition(".")[0] in OBJECTS
    arguments = [object()] * is_method + [object()] * len(call.args)
    inspect.signature(function).bind(*arguments, **{str(keyword.arg): object() for keyword in call.keywords})


def test_each_row_names_something_of_rxpump() -> None:
    assert len(rows()) >= 35
    assert [row for row in rows() if len(row) != 5 or not row[-1]] == []
    assert len(calls()) > len(rows())


def test_every_method_of_the_client_is_on_the_page() -> None:
    methods = {name for name, _ in inspect.getmembers(rxpump.Client, inspect.isfunction) if not name.startswith("_")}
    mentioned = {code.partition("(")[0] for code in named()}
    assert methods - mentioned == set()
