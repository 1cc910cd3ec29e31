from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import AccessDenied, ScavengeFailed, ScavengeInProgress
from rxpump.model.results import ScavengeResult
from rxpump.tcp.operations.scavenge import Scavenge
from rxpump.tcp.protocol.outcome import Failure, Success
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import ScavengeResponse
from rxpump.tcp.wire.codes import ScavengeResult as Ending
from tests.tcp.operations.cases import answer, assert_each_code_is_named, reply


def completed(result: int) -> Any:
    return schema.ScavengeDatabaseCompleted(
        result=result, error="Access denied.", total_time_ms=0, total_space_saved=0
    )


def test_each_result_of_version_4_has_its_outcome() -> None:
    outcomes: dict[Ending, Any] = {
        Ending.SUCCESS: Success,
        Ending.IN_PROGRESS: (Failure, ScavengeInProgress),
        Ending.FAILED: (Failure, ScavengeFailed),
    }
    assert_each_code_is_named(Scavenge(), completed, Ending, outcomes)


def test_each_result_of_later_versions_has_its_outcome() -> None:
    outcomes: dict[ScavengeResponse, Any] = {
        ScavengeResponse.STARTED: Success,
        ScavengeResponse.IN_PROGRESS: (Failure, ScavengeInProgress),
        ScavengeResponse.UNAUTHORIZED: (Failure, AccessDenied),
    }
    assert_each_code_is_named(Scavenge(), schema.ScavengeDatabaseResponse, ScavengeResponse, outcomes)


def test_a_finished_scavenge_has_its_duration_and_freed_bytes() -> None:
    message = schema.ScavengeDatabaseCompleted(result=0, error="", total_time_ms=1500, total_space_saved=4096)
    result = answer(Scavenge(), message)
    assert result == ScavengeResult(None, 1.5, 4096)
    assert result.is_done


def test_a_started_scavenge_has_its_id() -> None:
    result = answer(Scavenge(), schema.ScavengeDatabaseResponse(scavenge_id="7f3a"))
    assert result == ScavengeResult("7f3a")
    assert not result.is_done


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (completed(Ending.FAILED), "the scavenge failed: Access denied."),
        (
            schema.ScavengeDatabaseResponse(result=1, scavenge_id="7f3a"),
            "the scavenge failed: scavenge 7f3a is running",
        ),
        (
            schema.ScavengeDatabaseResponse(result=2),
            "an anonymous user (nobody is logged in) may not scavenge '$all'",
        ),
    ],
)
def test_a_refusal_names_the_reason(message: Any, text: str) -> None:
    outcome = reply(Scavenge(), message)
    assert isinstance(outcome, Failure)
    assert str(outcome.error) == text


def test_a_scavenge_is_not_repeated_and_has_a_silence_hint() -> None:
    assert not Scavenge.repeatable
    assert "a user who may not scavenge" in Scavenge().silence_hint
