"""Every public function either accepts a wrong value, or refuses it with an error of rxpump.

The result of an accepted call is used with an embedded server. It may fail only with an error of rxpump.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from enum import Enum
from functools import partial, wraps
from typing import Any
from uuid import uuid4

import pytest
import reactivex
from pydantic import BaseModel

import rxpump
from rxpump import errors
from rxpump import operators as ops
from rxpump.model.group_settings import NamedSettings
from rxpump.streams.single import Single

WAIT_SECONDS = 0.05  # time limit for subscriptions, which may have nothing to deliver
DEEP: list[Any] = []
for _ in range(3 * sys.getrecursionlimit()):
    DEEP = [DEEP]


class Unprintable:
    """A value whose repr raises."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class Store:
    """A checkpoint store that saves nothing."""

    async def load(self) -> None:
        pass

    async def save(self, checkpoint: object) -> None:
        pass


class Model(BaseModel):
    """A model for decoded events."""

    n: int


WRONG: dict[str, Any] = {
    "None": None,
    "True": True,
    "zero": 0,
    "minus one": -1,
    "minus five": -5,
    "a fraction": 2.5,
    "nan": math.nan,
    "infinity": math.inf,
    "2**31": 2**31,
    "2**63": 2**63,
    "10**5000": 10**5000,
    "-10**5000": -(10**5000),
    "no text": "",
    "a text": "backward",
    "half a character": "\ud800",
    "no bytes": b"",
    "bytes": b"\xff",
    "an empty list": [],
    "a list": [1],
    "an empty dict": {},
    "a dict": {"\ud800": object()},
    "a set": {1},
    "a tuple": (1, 2),
    "a tuple of texts": ("a", "b"),
    "a large position": rxpump.Position(2**63, 0),
    "a negative position": rxpump.Position(-5, -5),
    "a position of texts": rxpump.Position("a", "b"),  # type: ignore[arg-type]
    "a deep list": DEEP,
    "an object": object(),
    "an unprintable": Unprintable(),
    "a function": lambda *_: None,
    "a class": Unprintable,
    "an enum member": rxpump.StreamDirection.BACKWARD,
    "an exception": ValueError("wrong"),
    "a UUID": uuid4(),
}


async def work(item: Any) -> Any:
    return item


GOOD: dict[str, Any] = {
    "stream": "s",
    "source": "s",
    "target": "t",
    "name": "g",
    "type": "T",
    "events": [],
    "pipeline": lambda events: events,
    "user": "ops",
    "password": "changeit",
    "login": "ops",
    "text": "token",
    "transaction_id": 7,
    "settings": rxpump.SystemSettings(),
    "project": work,
    "work": work,
    "fn": work,
    "max_size": 3,
    "capacity": 3,
    "count": 3,
    "per_second": 3.0,
    "rate": 3.0,
    "mapper": lambda event: event,
    "key": lambda event: event,
    "types": Model,
    "commit": 0,
    "prepare": 0,
}
"""A valid value for each argument without a default."""


NAMES_OF = {"named": tuple(NamedSettings.__annotations__), "options": tuple(rxpump.Settings.__dataclass_fields__)}
"""The keywords that a function with `**named` or `**options` accepts."""


def calls(function: Callable[..., Any], good: dict[str, Any]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield calls with one wrong value each, and a valid value for each other argument without a default."""
    parameters = inspect.signature(function).parameters.values()
    for wrong in parameters:
        for name in (*NAMES_OF[wrong.name], "unknown") if wrong.kind is wrong.VAR_KEYWORD else (wrong.name,):
            for what, value in WRONG.items():
                positional, named = _arguments(parameters, wrong, name, value, GOOD | good)
                yield f"{name}={what}", partial(function, *positional, **named)


def _arguments(
    parameters: Iterable[inspect.Parameter], wrong: inspect.Parameter, name: str, value: Any, good: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for each in parameters:
        can_be_left_out = each.default is not each.empty or each.kind is each.VAR_KEYWORD
        if each is wrong and (can_be_left_out or each.kind is each.KEYWORD_ONLY):
            named[name] = value
        elif each is wrong:
            positional.append(value)
        elif not can_be_left_out and each.kind is each.KEYWORD_ONLY:
            named[each.name] = good[each.name]
        elif not can_be_left_out:
            positional.append(good.get(each.name))
    return positional, named


async def use(result: Any) -> None:
    """Use a result: await it, or subscribe to it until it emits an item, ends or a time limit is reached."""
    if isinstance(result, rxpump.Transaction):
        result = result.start() if result.id is None else result.commit()
    if isinstance(result, Single) or inspect.iscoroutine(result):
        async with asyncio.timeout(5):
            await result
    elif isinstance(result, reactivex.Observable):
        outcome: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

        def settle(failure: Exception | None = None) -> None:
            if not outcome.done():
                outcome.set_result(failure)

        with result.subscribe(lambda _: settle(), settle, settle):
            await asyncio.wait([outcome], timeout=WAIT_SECONDS)
        failure = outcome.result() if outcome.done() else None
        if failure is not None:
            raise failure


async def failures_of(function: Callable[..., Any], good: dict[str, Any]) -> list[str]:
    """Return a description of each call that fails with an error that is not of rxpump."""
    found: list[str] = []
    for what, call in calls(function, good):
        try:
            taken = call()
            if not what.endswith(("=a function", "=a class")):  # The function may raise an error of rxpump.
                await use(taken)
        except errors.RxPumpError as error:
            if not str(error):
                found.append(f"{what}: no text")
        except Exception as error:
            found.append(f"{what}: {type(error).__name__} {_text(error)}")
    return found


def _text(error: Exception) -> str:
    try:
        return repr(str(error)[:80])
    except Exception:
        return "(no text)"


def check(failures: list[str]) -> None:
    assert not failures, "\n".join(failures)


METHODS = [
    name
    for name, value in inspect.getmembers(rxpump.Client, inspect.isfunction)
    if not name.startswith("_") and name not in ("connect", "close")
]
NOT_CONSTRUCTED_BY_USERS = (
    rxpump.Client,
    rxpump.AllPage,
    rxpump.StreamPage,
    rxpump.Observable,
    rxpump.Transaction,
    Enum,
    BaseException,
)
PUBLIC = [
    name
    for name in sorted(rxpump.__all__)
    if callable(value := getattr(rxpump, name))
    and value is not rxpump.open  # `open` has the arguments of `connect`, and would wait for a connection.
    and not (isinstance(value, type) and issubclass(value, NOT_CONSTRUCTED_BY_USERS))
]
OPERATORS = [name for name in sorted(ops.__all__) if not isinstance(getattr(ops, name), type)]


@pytest.fixture
async def client() -> AsyncIterator[rxpump.Client]:
    async with rxpump.connect("memory://") as client:
        await client.publish_event("s", "T", {"n": 1})
        yield client


@pytest.mark.filterwarnings("ignore")  # coroutines that are not awaited
@pytest.mark.parametrize("method", METHODS)
async def test_a_method_refuses_wrong_values(client: rxpump.Client, method: str) -> None:
    event = await client.get_event("s", 0)
    good = {"event": event, "transaction_id": (await client.transaction("t").start()).id}
    check(await failures_of(getattr(client, method), good))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PUBLIC)
async def test_a_public_name_refuses_wrong_values(name: str) -> None:
    check(await failures_of(getattr(rxpump, name), {"settings": rxpump.Settings()}))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", ["write"])
async def test_a_transaction_refuses_wrong_values(client: rxpump.Client, method: str) -> None:
    check(await failures_of(getattr(await client.transaction("t").start(), method), {}))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", OPERATORS)
async def test_an_operator_refuses_wrong_values(client: rxpump.Client, name: str) -> None:
    """An operator that accepts its arguments is used in a pipeline."""
    operator = getattr(ops, name)

    @wraps(operator)
    def piped(*positional: Any, **named: Any) -> Any:
        return client.iter("s").pipe(operator(*positional, **named))

    check(await failures_of(piped, {"client": client, "store": Store()}))


def test_a_list_accepts_no_batch_size() -> None:
    with pytest.raises(errors.InvalidArgument, match=r"^batch_size is 3; "):
        rxpump.connect("memory://").publish("s", [rxpump.NewEvent("T")], batch_size=3)
