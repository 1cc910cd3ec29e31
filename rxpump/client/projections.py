"""Methods that manage projections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import InvalidArgument
from rxpump.model import checks
from rxpump.model.limits import MAX_COUNT
from rxpump.model.new_events import UNSET
from rxpump.model.projections import ProjectionMode, ProjectionStatistics
from rxpump.streams.single import Single
from rxpump.transport import Transport


class Projections:
    """Management of the projections of a server. `Client.projections` returns it.

    Each method has the argument `timeout`: seconds until the call fails, None for no deadline; the default is that of
    the settings. Each raises NotSupported at the call if the protocol cannot manage projections, and
    ProjectionNotFound if there is no projection of the name.

    Args:
        runtime: Background tasks of the client.
        within: Function that returns the transport for a call with a timeout.
    """

    def __init__(self, runtime: BackgroundTasks, within: Callable[[float | None], Transport]) -> None:
        self._runtime = runtime
        self._within = within

    def create(
        self,
        name: str,
        query: str,
        *,
        mode: ProjectionMode = ProjectionMode.CONTINUOUS,
        can_emit: bool = False,
        tracks_emitted: bool = False,
        engine_version: int | None = None,
        timeout: float | None = UNSET,
    ) -> Single[None]:
        """Create a projection, which starts at once.

        Args:
            name: Name of the projection.
            query: Text of the projection, in JavaScript.
            mode: CONTINUOUS or TRANSIENT. `create_one_time` creates one that ends.
            can_emit: Whether a continuous projection may write events.
            tracks_emitted: Whether the server records the streams that the projection writes, so that `delete` can
                delete them. This needs version 21.10.2 of the server.
            engine_version: Version of the engine that runs the projection, at least 1. None for the one that the
                server chooses. This needs version 26.1 of the server.
            timeout: See the class.

        Raises:
            ProjectionExists: There is a projection of this name.
            ProjectionFailed: The server refuses the query.
            NotSupported: The server is too old for `tracks_emitted` or `engine_version`.

        Example:
            await client.projections.create("count", "fromAll().when({$any: (s, e) => ({n: (s.n || 0) + 1})})")
        """
        requests, engine = self._within(timeout).projections, _engine(engine_version)
        name, query = checks.text("name", name), checks.text("query", query)
        emits, tracks = checks.flag("can_emit", can_emit), checks.flag("tracks_emitted", tracks_emitted)
        if mode not in (ProjectionMode.CONTINUOUS, ProjectionMode.TRANSIENT):
            raise InvalidArgument("mode", mode, "ProjectionMode.CONTINUOUS or ProjectionMode.TRANSIENT")
        if mode is ProjectionMode.TRANSIENT and (emits or tracks):
            raise InvalidArgument("mode", mode, "CONTINUOUS for a projection that writes events")
        if tracks and not emits:
            raise InvalidArgument("tracks_emitted", True, "False for a projection that writes no events")
        return Single(
            self._runtime,
            "projections.create",
            lambda: requests.create(name, query, mode, can_emit=emits, tracks_emitted=tracks, engine_version=engine),
        )

    def create_one_time(
        self, query: str, *, engine_version: int | None = None, timeout: float | None = UNSET
    ) -> Single[None]:
        """Create a projection that ends when it has processed the events that exist. The server names it.

        Args:
            query: Text of the projection, in JavaScript.
            engine_version: Version of the engine that runs the projection, as in `create`.
            timeout: See the class.

        Raises:
            ProjectionFailed: The server refuses the query.
            NotSupported: The server is too old for `engine_version`.

        Example:
            `await client.projections.create_one_time("fromStream('orders').when({...})")`
        """
        requests, query = self._within(timeout).projections, checks.text("query", query)
        engine = _engine(engine_version)
        return Single(
            self._runtime,
            "projections.create_one_time",
            lambda: requests.create(
                None, query, ProjectionMode.ONE_TIME, can_emit=False, tracks_emitted=False, engine_version=engine
            ),
        )

    def update(
        self, name: str, query: str, *, can_emit: bool | None = None, timeout: float | None = UNSET
    ) -> Single[None]:
        """Replace the text of a projection.

        Args:
            name: Name of the projection.
            query: Text of the projection, in JavaScript.
            can_emit: Whether it may write events. None: as before.
            timeout: See the class.

        Raises:
            ProjectionFailed: The server refuses the query.

        Example:
            `await client.projections.update("count", better_query)`
        """
        requests = self._within(timeout).projections
        name, query = checks.text("name", name), checks.text("query", query)
        if can_emit is not None:
            checks.flag("can_emit", can_emit)
        return Single(self._runtime, "projections.update", lambda: requests.update(name, query, can_emit=can_emit))

    def delete(
        self,
        name: str,
        *,
        emitted_streams: bool = False,
        state_stream: bool = False,
        checkpoint_stream: bool = False,
        timeout: float | None = UNSET,
    ) -> Single[None]:
        """Delete a projection, which must be disabled.

        Args:
            name: Name of the projection.
            emitted_streams: Whether to delete the streams that it wrote, if the server recorded them.
            state_stream: Whether to delete the stream with its states.
            checkpoint_stream: Whether to delete the stream with its checkpoints.
            timeout: See the class.

        Raises:
            ProjectionFailed: The projection is running.
            AccessDenied: The user may not delete projections.

        Example:
            `await client.projections.delete("count", state_stream=True, checkpoint_stream=True)`
        """
        requests, name = self._within(timeout).projections, checks.text("name", name)
        streams = {
            "emitted_streams": checks.flag("emitted_streams", emitted_streams),
            "state_stream": checks.flag("state_stream", state_stream),
            "checkpoint_stream": checks.flag("checkpoint_stream", checkpoint_stream),
        }
        return Single(self._runtime, "projections.delete", lambda: requests.delete(name, **streams))

    def enable(self, name: str, *, timeout: float | None = UNSET) -> Single[None]:
        """Start a projection, which continues from its last checkpoint.

        Example:
            `await client.projections.enable("$by_category")`
        """
        requests, name = self._within(timeout).projections, checks.text("name", name)
        return Single(self._runtime, "projections.enable", lambda: requests.enable(name))

    def disable(self, name: str, *, timeout: float | None = UNSET) -> Single[None]:
        """Stop a projection after it has written a checkpoint.

        Example:
            `await client.projections.disable("count")`
        """
        requests, name = self._within(timeout).projections, checks.text("name", name)
        return Single(self._runtime, "projections.disable", lambda: requests.disable(name))

    def abort(self, name: str, *, timeout: float | None = UNSET) -> Single[None]:
        """Stop a projection at once, without a checkpoint.

        Example:
            `await client.projections.abort("count")`
        """
        requests, name = self._within(timeout).projections, checks.text("name", name)
        return Single(self._runtime, "projections.abort", lambda: requests.abort(name))

    def reset(self, name: str, *, timeout: float | None = UNSET) -> Single[None]:
        """Let a projection begin again with the first event.

        Example:
            `await client.projections.reset("count")`
        """
        requests, name = self._within(timeout).projections, checks.text("name", name)
        return Single(self._runtime, "projections.reset", lambda: requests.reset(name))

    def state(self, name: str, *, partition: str = "", timeout: float | None = UNSET) -> Single[Any]:
        """Return the state of a projection as JSON values.

        Args:
            name: Name of the projection.
            partition: Name of a partition, for a projection that has partitions. Empty: the state without partition.
            timeout: See the class.

        Returns:
            A Single of the state; an empty dict if there is none yet, or no such partition.

        Example:
            `(await client.projections.state("count"))["n"]`
        """
        requests, name, part = self._within(timeout).projections, checks.text("name", name), _partition(partition)
        return Single(self._runtime, "projections.state", lambda: requests.state(name, part))

    def result(self, name: str, *, partition: str = "", timeout: float | None = UNSET) -> Single[Any]:
        """Return the result of a projection as JSON values. Arguments as in `state`.

        Example:
            `(await client.projections.result("count"))["n"]`
        """
        requests, name, part = self._within(timeout).projections, checks.text("name", name), _partition(partition)
        return Single(self._runtime, "projections.result", lambda: requests.result(name, part))

    def statistics(self, name: str, *, timeout: float | None = UNSET) -> Single[ProjectionStatistics]:
        """Read the state and the statistics of a projection.

        Example:
            `(await client.projections.statistics("count")).progress`
        """
        requests, name = self._within(timeout).projections, checks.text("name", name)
        return Single(self._runtime, "projections.statistics", lambda: requests.statistics(name))

    def list(
        self, mode: ProjectionMode | None = None, *, timeout: float | None = UNSET
    ) -> Single[Sequence[ProjectionStatistics]]:
        """Read the statistics of all projections, or of those of one mode.

        Example:
            `names = [each.name for each in await client.projections.list()]`
        """
        requests = self._within(timeout).projections
        if mode is not None and not isinstance(mode, ProjectionMode):
            raise InvalidArgument("mode", mode, "a ProjectionMode, or None for every mode")
        return Single(self._runtime, "projections.list", lambda: requests.read_all(mode))

    def restart_subsystem(self, *, timeout: float | None = UNSET) -> Single[None]:
        """Stop and start the part of the server that runs projections.

        Raises:
            AccessDenied: The user may not restart it.

        Example:
            `await client.as_user("ops", "changeit").projections.restart_subsystem()`
        """
        requests = self._within(timeout).projections
        return Single(self._runtime, "projections.restart_subsystem", requests.restart_subsystem)


def _engine(value: object) -> int | None:
    return None if value is None else checks.count("engine_version", value, most=MAX_COUNT)


def _partition(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidArgument("partition", value, "the name of a partition, or an empty string")
    return value
