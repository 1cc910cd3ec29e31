"""Gives turns: each is a process of its own, contestant after contestant (A B C A B C ...), round after round.

What else the machine does meets neighbours alike, so it is the ratio within a round that tells.
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
from benchmarks.server import Server
from benchmarks.workloads import (
    EVENTS,
    FLOOR,
    HISTORY,
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

_ROOT = Path(__file__).parents[1]
_PROGRAMS = Path(__file__).parent / "contestants"
_TURN_SECONDS = 60
"""A turn that takes longer, and is not meant to, hangs."""


def contestants() -> dict[str, list[str]]:
    """Tell the command of each that can run here; those that have no environment are left out."""
    ours = {
        RXPUMP: _module(sys.executable, "rxpump_client"),
        FLOOR: _module(sys.executable, "floor"),
        SINK: _module(sys.executable, "sink"),
        "sqlite": _module(sys.executable, "sqlite_alone"),
        "imports": [sys.executable, str(_PROGRAMS / "imports.py")],
    }
    if speedy := os.environ.get("SPEED_PYTHON"):
        ours[SPEED] = _module(speedy, "rxpump_client")
        ours["floor + speed"] = _module(speedy, "floor")
    if photonpump := os.environ.get("PHOTONPUMP_PYTHON"):
        ours[PHOTONPUMP] = _module(photonpump, "photonpump_client")
    if shutil.which("node") and Path(os.environ.get("NODE_PATH", ""), "node-eventstore-client").exists():
        ours[NODE] = ["node", str(_PROGRAMS / "node_client.js")]
    return ours


def _module(python: str, name: str) -> list[str]:
    return [python, "-m", f"benchmarks.contestants.{name}"]


Figures = dict[str, float]


class TurnFailed(Exception):
    """A contestant crashed, hung, or did not see what it should have."""


@dataclass
class Outcome:
    """What a workload's entries measured on one server: for each label its figures, round by round."""

    workload: Workload
    server: str
    rounds: dict[str, list[Figures]] = field(default_factory=dict)


@dataclass(frozen=True)
class Effort:
    """How much is done.

    events, history:  in a turn, and in the long stream.
    rounds:           of every workload.
    slow_seconds:     for how long the slow consumer is slow; 0: to the end of the long stream.
    profile:          have rxpump alone (also with its extra) do everything once, and print where its time went.
    """

    events: int = EVENTS
    history: int = HISTORY
    rounds: int = 5
    slow_seconds: float = 20.0
    profile: bool = False

    def rounds_of(self, workload: Workload) -> int:
        """How many rounds this one gets."""
        return 1 if self.profile else min(self.rounds, workload.rounds or self.rounds)

    def entries_of(self, workload: Workload, here: Container[str]) -> list[Entry]:
        """Who takes part, of those contestants that are here."""
        wanted = (RXPUMP, SPEED) if self.profile else here
        return [entry for entry in workload.entries if entry.contestant in wanted]

    def turns(self, workload: Workload, here: Container[str]) -> int:
        """How many turns that makes."""
        return self.rounds_of(workload) * len(self.entries_of(workload, here))


class Arena:
    """One server, and the contestants' turns at it."""

    def __init__(self, server: Server, effort: Effort, commands: Mapping[str, list[str]]) -> None:
        self._server = server
        self._effort = effort
        self._commands = commands
        self._run_id = os.urandom(3).hex()
        self._numbers = count()
        # Imports are measured as they are from the second time on.
        self._environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._written: dict[tuple[Stream, int], str] = {}

    def run(self, workload: Workload, on_turn: Callable[[str], None]) -> Outcome:
        """Let everybody who is here take turns at a workload."""
        entries = self._effort.entries_of(workload, self._commands)
        outcome = Outcome(workload, self._server.name, {entry.label: [] for entry in entries})
        for _ in range(self._effort.rounds_of(workload)):
            for entry in entries:
                if entry.label in outcome.rounds:
                    on_turn(f"{workload.key} {entry.label}")
                    self._let_do(workload, entry, outcome)
        return outcome

    def _let_do(self, workload: Workload, entry: Entry, outcome: Outcome) -> None:
        try:
            outcome.rounds[entry.label].append(self._turn(workload, entry))
        except TurnFailed as failure:
            if entry.contestant not in OTHERS:
                raise
            print(f"{entry.label} is left out of {workload.key}: {failure}", file=sys.stderr)
            del outcome.rounds[entry.label]

    def _turn(self, workload: Workload, entry: Entry) -> Figures:
        """Let one contestant do its part; give what it measured."""
        events = self._events(workload, entry)
        warm_up = min(workload.warm_up, events)
        figures = self._start(
            entry.contestant,
            {
                "verb": entry.verb,
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
            raise TurnFailed(f"it saw {seen} events, not {expected}")
        return figures | {"events": seen / workload.seen_share}

    def _events(self, workload: Workload, entry: Entry) -> int:
        if entry.history is not None and not entry.first:
            return self._length(entry)
        whole = workload.events * self._effort.events / EVENTS
        return max(1, round(whole * entry.share))

    def _length(self, entry: Entry) -> int:
        """How long the stream is, where that is not what the turn is about."""
        return round(self._effort.history * (entry.history or 0))

    def _stream(self, kind: Stream, events: int) -> str:
        """Give a new stream, or one of so many events, written when it is first needed."""
        if kind is Stream.NEW:
            return self._new_name()
        key = (kind, events)
        if key not in self._written:
            self._written[key] = self._new_name()
            self._start(FLOOR, {"verb": "publish", "stream": self._written[key], "events": events})
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
            **job,
        }
        command = [*self._commands[contestant], json.dumps(whole)]
        try:
            done = subprocess.run(
                command, cwd=_ROOT, env=self._environment, capture_output=True, text=True, timeout=limit
            )
        except subprocess.TimeoutExpired as error:
            raise TurnFailed(f"{job['verb']} took longer than {error.timeout} seconds") from error
        if done.returncode != 0:
            raise TurnFailed(f"{contestant} failed at {job['verb']}:\n{done.stderr}")
        if done.stderr:
            print(done.stderr, file=sys.stderr)
        figures: Figures = json.loads(done.stdout)
        return figures
