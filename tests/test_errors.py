"""The tree of errors in the docstring is correct, and each error has attributes and a message and can be pickled."""

from __future__ import annotations

import pickle
import re
from dataclasses import fields
from typing import Any

import pytest

from rxpump import errors
from rxpump.errors import (
    CommitTimeout,
    ForwardTimeout,
    InvalidArgument,
    NotReady,
    OperationTimedOut,
    PrepareTimeout,
    RxPumpError,
    ServerError,
    ServerTimeout,
    WrongExpectedVersion,
)
from rxpump.errors.root import as_exception
from rxpump.model.positions import ExpectedVersion, Position

SAMPLES: dict[str, Any] = {
    "bool": False,
    "str": "ponies",
    "str | None": None,
    "int": 7,
    "int | None": 3,
    "int | Position": Position(3, 2),
    "int | Position | None": Position(2, 1),
    "float": 2.5,
    "object": ["anything"],
    "bytes | None": b"0123456789abcdef",
    "ServerError | None": NotReady("Ping"),
    "tuple[WrongExpectedVersion, ...]": (WrongExpectedVersion("ponies", 7, 3),),
}
"""A value for each type of an attribute. A new type needs a new sample."""

CLASSES = sorted(
    (cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, RxPumpError)),
    key=lambda cls: cls.__name__,
)


def sample(cls: type[RxPumpError]) -> RxPumpError:
    return cls(**{field.name: SAMPLES[str(field.type)] for field in fields(cls)})


def drawn() -> dict[str, str]:
    """Return the classes in the docstring of `rxpump.errors`, each with its base class."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"    ([│├└─ ]*)([A-Z]\w+)\b", line):
            depth = len(found[1]) // 4
            path = [*path[:depth], found[2]]
            parents[found[2]] = path[depth - 1] if depth else ""
    return parents


def test_the_drawn_tree_is_the_real_one() -> None:
    real = {cls.__name__: cls.__bases__[0].__name__ if cls is not RxPumpError else "" for cls in CLASSES}
    assert drawn() == real


@pytest.mark.parametrize("cls", CLASSES)
def test_an_error_has_attributes_and_can_be_pickled(cls: type[RxPumpError]) -> None:
    error = sample(cls)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is cls
    assert str(again) == str(error)
    for field in fields(cls):
        value = SAMPLES[str(field.type)]
        assert getattr(error, field.name) == value
        assert repr(getattr(again, field.name)) == repr(value)
        if isinstance(value, str):
            assert value in str(error), "the message leaves out an attribute"


@pytest.mark.parametrize("cls", CLASSES)
def test_the_message_is_one_line_and_the_class_is_documented(cls: type[RxPumpError]) -> None:
    assert "\n" not in str(sample(cls))
    assert cls.__doc__
    assert not cls.__doc__.startswith(f"{cls.__name__}("), "dataclass generated this docstring"


def test_the_retryable_errors_are_these() -> None:
    assert {cls.__name__ for cls in CLASSES if cls.retryable} == {
        "CommitTimeout",
        "CallInterrupted",
        "ConnectionClosed",
        "ConnectionFailed",
        "ConnectionLostRepeatedly",
        "DiscoveryFailed",
        "ForwardTimeout",
        "IndexesNotReady",
        "IsReadOnly",
        "NotHandled",
        "NotLeader",
        "NotReady",
        "OperationTimedOut",
        "OutcomeUnknown",
        "PrepareTimeout",
        "ScavengeInProgress",
        "ServerTimeout",
        "SubscriberLimitReached",
        "SubscriptionDropped",
        "TooBusy",
    }


def test_a_timeout_in_the_cluster_names_its_stage() -> None:
    named: list[type[ServerTimeout]] = [PrepareTimeout, CommitTimeout, ForwardTimeout]
    assert [each.stage for each in named] == ["prepare", "commit", "forward"]
    assert ServerTimeout("s", "Timeout").stage is None


@pytest.mark.parametrize(
    ("expected", "current", "text"),
    [
        (3, 5, "expected at version 3; its version is 5"),
        (3, -1, "expected at version 3; it has no events"),
        (None, None, "expected at another version; its version is unknown"),
        (ExpectedVersion.NO_STREAM, 5, "expected not to exist; its version is 5"),
        (-1, 5, "expected not to exist; its version is 5"),
        (ExpectedVersion.STREAM_EXISTS, -1, "expected to exist; it has no events"),
        (ExpectedVersion.STREAM_EXISTS, -5, "expected to exist; it was soft-deleted"),
        (ExpectedVersion.ANY, -6, "expected at any version; it was deleted permanently"),
    ],
)
def test_a_wrong_expected_version_is_described(expected: int | None, current: int | None, text: str) -> None:
    assert str(WrongExpectedVersion("ponies", expected, current)) == f"stream 'ponies' was {text}"


def test_an_error_accepts_keywords() -> None:
    with pytest.raises(WrongExpectedVersion) as caught:
        raise WrongExpectedVersion(stream="ponies", expected=3, current=None)
    assert caught.value.expected == 3
    assert str(caught.value) == "stream 'ponies' was expected at version 3; its version is unknown"
    assert pickle.loads(pickle.dumps(caught.value)).stream == "ponies"


def test_invalid_argument_is_a_value_error_with_a_short_message() -> None:
    error = InvalidArgument("data", "x" * 1000, "less of it")
    assert isinstance(error, ValueError)
    assert str(error) == f"data is '{'x' * 76}...; allowed is less of it"


@pytest.mark.parametrize(
    ("reason", "answer"),
    [
        (None, "there was no answer"),
        (NotReady("Ping"), "the last answer was: the node did not handle Ping: NotReady"),
    ],
)
def test_a_timeout_names_the_last_reply(reason: ServerError | None, answer: str) -> None:
    error = OperationTimedOut("Ping", 7.0, 3, reason)
    assert str(error) == f"Ping was not done within 7 s: sent 3 time(s), {answer}"


def test_a_timeout_names_the_missing_connection() -> None:
    error = OperationTimedOut("Ping", 7.0, 0, is_connected=False)
    assert str(error) == "Ping was not done within 7 s: it was never sent; there is no connection to the server"


class Unprintable:
    """A value whose repr raises."""

    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (10**5000, "<int without a repr>"),
        (nested(100_000), "<list without a repr>"),
        (Unprintable(), "<Unprintable without a repr>"),
        ("x" * 100, f"'{'x' * 76}..."),
        ("x", "'x'"),
    ],
    ids=["a long number", "a deep list", "a repr that raises", "a long text", "a short text"],
)
def test_every_wrong_value_can_be_printed(value: object, shown: str) -> None:
    assert str(errors.InvalidArgument("stream", value, "a name")) == f"stream is {shown}; allowed is a name"


def test_observers_receive_an_exception() -> None:
    error = NotReady("Ping")
    assert as_exception(error) is error
    assert repr(as_exception(SystemExit(3))) == "RuntimeError('SystemExit(3)')"
