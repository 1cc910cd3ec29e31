"""Run contestants, each run in its own process. In each round, every contestant runs once (A B C A B C ...).

Ratios are computed within a round, because other load of the machine affects consecutive runs equally.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from benchmarks.contestants.job import BATCH
from benchmarks.definitions import (
    ASYNCIO,
    EVENTS,
    FLOOR,
    GRPC_FLOOR,
    HISTORY,
    KURRENT,
    KURRENT_ASYNCIO,
    KURRENT_NODE,
    NODE,
    OTHERS,
    PHOTONPUMP,
    RXPUMP,
    SINK,
    SPEED,
    Entry,
    Stream,
    Workload,
)
from benchmarks.server import Server

_ROOT = Path(__file__).parents[1]
_PROGRAMS = Path(__file__).parent / "contestants"
_TURN_SECONDS = 60
"""Time limit of a run in seconds, without the time of a slow consumer."""


def contestants() -> dict[str, list[str]]:
    """Return the command of each contestant that is installed, by its name."""
    ours = {
        RXPUMP: _module(sys.executable, "rxpump_client"),
        FLOOR: _module(sys.executable, "floor"),
        ASYNCIO: _module(sys.executable, "bare_asyncio"),
        SINK: _module(sys.executable, "sink"),
        GRPC_FLOOR: _module(sys.executable, "grpc_floor"),
        "sqlite": _module(sys.executable, "sqlite_alone"),
        "imports": [sys.executable, str(_PROGRAMS / "imports.py")],
    }
    if speedy := os.environ.get("SPEED_PYTHON"):
        ours[SPEED] = _module(speedy, "rxpump_client")
        ours["floor + speed"] = _module(speedy, "floor")
    if photonpump := os.environ.get("PHOTONPUMP_PYTHON"):
        ours[PHOTONPUMP] = _module(photonpump, "photonpump_client")
    if kurrent := os.environ.get("KURRENTDBCLIENT_PYTHON"):
        ours[KURRENT] = _module(kurrent, "kurrentdb_sync")
        ours[KURRENT_ASYNCIO] = _module(kurrent, "kurrentdb_asyncio")
    if shutil.which("node"):
        for name, package, program in (
            (NODE, "node-eventstore-client", "node_client.js"),
            (KURRENT_NODE, "@kurrent/kurrentdb-client", "kurrentdb_node.js"),
        ):
            if any(Path(folder, package).exists() for folder in os.environ.get("NODE_PATH", "").split(os.pathsep)):
                ours[name] = ["node", str(_PROGRAMS / program)]
    return ours


def _module(python: str, name: str) -> list[str]:
    return [python, "-m", f"benchmarks.contestants.{name}"]


Figures = dict[str, float]


class TurnFailed(Exception):
    """A contestant crashed, timed out, or saw the wrong number of events."""


@dataclass
class Outcome:
    """The figures of a workload on one server: for each label, a list with the figure of each round."""

    workload: Workload
    server: str
    rounds: dict[str, list[Figures]] = field(default_factory=dict)


@dataclass(frozen=True)
class Scale:
    """Amount of work of a run.

    Attributes:
        events: Number of events of one run.
        history: Events of the long stream.
        rounds: Rounds of each workload.
        slow_seconds: Seconds for which the slow consumer is slow. 0: to the end of the long stream.
        profile: Whether to run each workload once, with rxpump alone (with and without the extra `speed`), and to
            print a profile.
    """

    events: int = EVENTS
    history: int = HISTORY
    rounds: int = 5
    slow_seconds: float = 20.0
    profile: bool = False

    def rounds_of(self, workload: Workload) -> int:
        """Return the number of rounds of a workload."""
        return 1 if self.profile else min(self.rounds, workload.rounds or self.rounds)

    def entries_of(self, workload: Workload, here: Container[str]) -> list[Entry]:
        """Return the entries of a workload whose contestants are in `here`."""
        wanted = (RXPUMP, SPEED) if self.profile else here
        return [entry for entry in workload.entries if entry.contestant in wanted]

    def turns(self, workload: Workload, here: Container[str]) -> int:
        """Return the number of runs of a workload."""
        return self.rounds_of(workload) * len(self.entries_of(workload, here))


class Runner:
    """Runs all contestants on one server."""

    def __init__(self, server: Server, scale: Scale, commands: Mapping[str, list[str]]) -> None:
        self._server = server
        self._effort = scale
        self._commands = commands
        self._run_id = os.urandom(3).hex()
        self._numbers = count()
        # Imports are measured with the compiled files of an earlier import.
        self._environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._written: dict[tuple[Stream, int], str] = {}

    def run(self, workload: Workload, on_turn: Callable[[str], None]) -> Outcome:
        """Run all rounds of a workload.

        Args:
            workload: The workload.
            on_turn: Called before each run, with its description.
        """
        entries = self._effort.entries_of(workload, self._commands)
        outcome = Outcome(workload, self._server.name, {entry.label: [] for entry in entries})
        for _ in range(self._effort.rounds_of(workload)):
            for entry in entries:
                if entry.label in outcome.rounds:
                    on_turn(f"{workload.key} {entry.label}")
                    self._try_turn(workload, entry, outcome)
        return outcome

    def _try_turn(self, workload: Workload, entry: Entry, outcome: Outcome) -> None:
        try:
            outcome.rounds[entry.label].append(self._turn(workload, entry))
        except TurnFailed as failure:
            if entry.contestant not in OTHERS:
                raise
            print(f"{entry.label} is left out of {workload.key}: {failure}", file=sys.stderr)
            del outcome.rounds[entry.label]

    def _turn(self, workload: Workload, entry: Entry) -> Figures:
        """Run one contestant once, and return its figures."""
        events = self._events(workload, entry)
        warm_up = min(workload.warm_up, events)
        figures = self._start(
            entry.contestant,
            {
                "operation": entry.operation,
                "events": events,
                "stream": self._stream(workload.stream, self._length(entry) or events),
                "first": min(int(self._effort.history * entry.first), self._effort.history - BATCH),
                "seconds": self._effort.slow_seconds,
                "warm_up": warm_up,
                "warm_up_stream": self._stream(workload.stream, warm_up) if warm_up else "",
                "profile": self._effort.profile,
                **entry.options,
            },
            _TURN_SECONDS + self._effort.slow_seconds if self._effort.slow_seconds else None,
        )
        expected = int(events * workload.seen_share)
        seen = figures["seen"]
        if seen < expected or (seen > expected and workload.stream is not Stream.GROWING):
            raise TurnFailed(f"it saw {seen} events instead of {expected}")
        return figures | {"events": seen / workload.seen_share}

    def _events(self, workload: Workload, entry: Entry) -> int:
        if entry.history is not None and not entry.first:
            return self._length(entry)
        whole = workload.events * self._effort.events / EVENTS
        return max(1, round(whole * entry.share))

    def _length(self, entry: Entry) -> int:
        """Return the length of the existing stream that an entry names, or 0."""
        return round(self._effort.history * (entry.history or 0))

    def _stream(self, kind: Stream, events: int) -> str:
        """Return an unused name, or the name of a stream of `events` events, which the first call writes."""
        if kind is Stream.NEW:
            return self._new_name()
        key = (kind, events)
        if key not in self._written:
            self._written[key] = self._new_name()
            floor = GRPC_FLOOR if self._server.uri else FLOOR
            self._start(floor, {"operation": "publish", "stream": self._written[key], "events": events})
        return self._written[key]

    def _new_name(self) -> str:
        return f"bench-{self._run_id}-{next(self._numbers)}"

    def _start(self, contestant: str, job: Mapping[str, object], limit: float | None = None) -> Figures:
        server = self._server
        whole = {
            "host": server.host,
            "port": server.port,
            "login": server.login,
            "password": server.password,
            "db": server.db,
            "uri": server.uri,
            **job,
        }
        command = [*self._commands[contestant], json.dumps(whole)]
        try:
            done = subprocess.run(
                command, cwd=_ROOT, env=self._environment, capture_output=True, text=True, timeout=limit
            )
        except subprocess.TimeoutExpired as error:
            raise TurnFailed(f"{job['operation']} took longer than {error.timeout} seconds") from error
        if done.returncode != 0:
            raise TurnFailed(f"{contestant} failed at {job['operation']}:\n{done.stderr}")
        if done.stderr:
            print(done.stderr, file=sys.stderr)
        figures: Figures = json.loads(done.stdout)
        return figures
