"""`decode`: convert events to objects of your own classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from reactivex import Observable, abc

from rxpump.errors import InvalidArgument, NotDecodable
from rxpump.model import checks, json_text
from rxpump.model.events import Event
from rxpump.operators.machinery.models import Read, reader

M = TypeVar("M")

Upcasters = Mapping[tuple[str, int], Callable[[Any], Any]]


@dataclass(frozen=True, slots=True)
class Undecodable:
    """An event that could not be decoded.

    Attributes:
        event: The event.
        error: The error. Its `__cause__` is the original one.
    """

    event: Event
    error: NotDecodable


OnUndecodable = Callable[[Event, NotDecodable], None] | abc.ObserverBase[Undecodable]


@overload
def decode(
    models: type[M],
    *,
    upcasters: Upcasters | None = None,
    version_key: str = "version",
    undecodable: OnUndecodable | None = None,
) -> Callable[[Observable[Event]], Observable[M]]: ...
@overload
def decode(
    models: Mapping[str, type],
    *,
    upcasters: Upcasters | None = None,
    version_key: str = "version",
    undecodable: OnUndecodable | None = None,
) -> Callable[[Observable[Event]], Observable[Any]]: ...


def decode(
    models: type | Mapping[str, type],
    *,
    upcasters: Upcasters | None = None,
    version_key: str = "version",
    undecodable: OnUndecodable | None = None,
) -> Callable[[Observable[Event]], Observable[Any]]:
    """Convert the JSON data of each event to an instance of a model class.

        ──Event({"m": 1})──────Event({"m": 2})──────Event({})──▶
                      decode(Jump)
        ──Jump(m=1)────────────Jump(m=2)────────────X NotDecodable

        @dataclass
        class Jumped:
            height: float
            at: datetime

        client.stream("ponies").pipe(
            ops.decode(
                {"PonyJumped": Jumped, "PonySlept": Slept},
                upcasters={("PonyJumped", 1): lambda data: {"height": data["Height"] / 100, "at": data["At"]}},
                undecodable=lambda event, error: log.warning("%s", error),
            )
        )

    Args:
        models: One class for all events, or a class for each event type. A class is a pydantic model, or a
            dataclass, TypedDict, attrs class or msgspec Struct, which need msgspec
            (`pip install 'rxpump[models]'`). NewEvent writes instances of all of them without msgspec.
        upcasters: Functions by event type and version. Each converts decoded JSON of that version to the next
            version. They are applied one after the other until none is registered for the version.
        version_key: Key in the event's metadata of the version of its data, a whole number. If the key is
            missing, the version is 1.
        undecodable: Handler of an event that cannot be decoded, because its data does not fit the class, its type
            has no class, or an upcaster raises. None: the operator fails with the error. A function is called with
            the event and the error, and the event is skipped unless the function raises. An observer receives an
            Undecodable for each; it is neither completed nor failed.

    Returns:
        An operator that emits an instance for each event. It fails with NotDecodable, whose `__cause__` is the
        original error.

    Raises:
        InvalidArgument: A value of `models` is not a model class, or another argument has the wrong type.
    """
    decoder = _Decoder(models, upcasters or {}, checks.text("version_key", version_key))
    handle = _policy(undecodable)

    def operator(source: Observable[Event]) -> Observable[Any]:
        def subscribe(
            observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            def on_next(event: Event) -> None:
                try:
                    try:
                        model = decoder.decode(event)
                    except NotDecodable as error:
                        handle(event, error)
                        return
                except Exception as error:
                    observer.on_error(error)
                    return
                observer.on_next(model)

            return source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler)

        return Observable(subscribe)

    return operator


class _Decoder:
    """The decoder of all subscriptions of an operator. It has no state besides its arguments."""

    def __init__(self, models: type | Mapping[str, type], upcasters: Upcasters, version_key: str) -> None:
        self._readers: dict[str, Read] | None = None
        self._reader: Read | None = None
        if isinstance(models, Mapping):
            self._readers = {checks.text("models", type): reader(model) for type, model in models.items()}
        else:
            self._reader = reader(models)
        self._upcasters = upcasters
        self._upcast_types = frozenset(type for type, _ in upcasters)
        self._version_key = version_key

    def decode(self, event: Event) -> Any:
        """Return an instance made of the data of an event.

        Raises:
            NotDecodable: The type has no class, an upcaster raised, or the data does not fit the class.
        """
        type = event.type
        read = self._reader if self._readers is None else self._readers.get(type)
        if read is None:
            raise NotDecodable(event.stream, event.number, type, "no model is given for this type")
        try:
            return read(self._upcast(event) if type in self._upcast_types else event.data)
        except Exception as error:
            raise NotDecodable(event.stream, event.number, type, str(error) or repr(error)) from error

    def _upcast(self, event: Event) -> bytes:
        """Return the data in its latest version as JSON text, which is the only input of a reader."""
        type, version = event.type, self._version(event)
        if (type, version) not in self._upcasters:
            return event.data
        data = event.json()
        while upcaster := self._upcasters.get((type, version)):
            data = upcaster(data)
            version += 1
        return json_text.encode(data)

    def _version(self, event: Event) -> int:
        metadata = event.json_metadata()
        version = metadata.get(self._version_key, 1) if isinstance(metadata, dict) else 1
        return checks.count(self._version_key, version, least=0)


def _policy(undecodable: Any) -> Callable[[Event, NotDecodable], None]:
    if undecodable is None:
        return _raise
    if isinstance(undecodable, abc.ObserverBase):
        return lambda event, error: undecodable.on_next(Undecodable(event, error))
    if callable(undecodable):
        return undecodable  # type: ignore[no-any-return]
    raise InvalidArgument("undecodable", undecodable, "a function of an event and an error, an observer, or None")


def _raise(event: Event, error: NotDecodable) -> None:
    raise error
