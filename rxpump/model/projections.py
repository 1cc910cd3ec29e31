"""Projections, as the server describes them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ProjectionMode(Enum):
    """Lifetime of a projection.

    Attributes:
        ONE_TIME: Until it has processed the events that exist.
        TRANSIENT: Until the server stops. It writes no checkpoints.
        CONTINUOUS: Until it is stopped, also after a restart of the server.
    """

    ONE_TIME = "OneTime"
    TRANSIENT = "Transient"
    CONTINUOUS = "Continuous"


@dataclass(frozen=True, slots=True)
class ProjectionStatistics:
    """State and statistics of a projection.

    Attributes:
        name: Name of the projection.
        mode: How long it runs.
        status: State as the server names it, for example "Running", "Stopped" or "Faulted".
        reason: Why the projection is in that state; empty if there is no reason.
        progress: Share of the log that it has processed, in percent; -1 if it is unknown.
        position: Place that it has reached, as text.
        last_checkpoint: Place of the last checkpoint, as text.
        checkpoint_status: State of the checkpoint that is being written; empty if none is.
        version: Number of changes of the projection.
        epoch: Number of resets of the projection.
        effective_name: Name that the server uses for the streams of the projection.
        processed_after_restart: Events that it has processed since it was started.
        buffered_events: Events that wait to be processed.
        processing_time: Milliseconds that the projection has computed.
        reads_in_progress: Reads that are not answered yet.
        writes_in_progress: Writes that are not answered yet.
        writes_before_checkpoint: Events that are to be written before the next checkpoint.
        writes_after_checkpoint: Events that are to be written after the next checkpoint.
        partitions_cached: Partitions whose state is in memory.
    """

    name: str
    mode: ProjectionMode
    status: str
    reason: str = ""
    progress: float = -1.0
    position: str = ""
    last_checkpoint: str = ""
    checkpoint_status: str = ""
    version: int = 0
    epoch: int = 0
    effective_name: str = ""
    processed_after_restart: int = 0
    buffered_events: int = 0
    processing_time: int = 0
    reads_in_progress: int = 0
    writes_in_progress: int = 0
    writes_before_checkpoint: int = 0
    writes_after_checkpoint: int = 0
    partitions_cached: int = 0
