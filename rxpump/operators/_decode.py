"""`decode`: a model of your own, instead of the event."""

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
    """An event, and why no model could be made of it."""

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
    """Turn each event into a model made of its JSON data.

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

    models:       one class for all events, or a class by event type: pydantic models; and dataclasses, TypedDicts,
                  attrs classes and msgspec Structs, which msgspec reads (`pip install 'rxpump[models]'`). NewEvent
                  writes them all, with nothing installed.
    upcasters:    by event type and version, a function that takes the decoded JSON of that version and gives that
                  of the next. They are applied one after the other, until there is none for the version reached.
    version_key:  where an event's metadata tells the version of its data: a whole number, 1 if it is not there.
    undecodable:  what becomes of an event that no model can be made of (data that does not fit, a type without
                  a class, an upcaster that raises). None: it is the error. A function is called with the event
                  and the error, and the event left out; it may raise. An observer (a dead letter sink) is given
                  each as an Undecodable, and neither completed nor failed.

    Errors: NotDecodable, whose `__cause__` is what was raised; InvalidArgument, at the call, for what is no model.
    """
    decoder = _Decoder(models, upcasters or {}, checks.text("version_key", version_key))
    give_up = _policy(undecodable)

    def operator(source: Observable[Event]) -> Observable[Any]:
        def subscribe(
            observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            def on_next(event: Event) -> None:
                try:
                    try:
                        model = decoder.decode(event)
                    except NotDecodable as error:
                        give_up(event, error)
                        return
                except Exception as error:
                    observer.on_error(error)
                    return
                observer.on_next(model)

            return source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler)

        return Observable(subscribe)

    return operator


class _Decoder:
    """Makes models of events; knows no state but what it was told."""

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
        """Make the model. Raises NotDecodable."""
        type = event.type
        read = self._reader if self._readers is None else self._readers.get(type)
        if read is None:
            raise NotDecodable(event.stream, event.number, type, "there is no model for this type")
        try:
            return read(self._upcast(event) if type in self._upcast_types else event.data)
        except Exception as error:
            raise NotDecodable(event.stream, event.number, type, str(error) or repr(error)) from error

    def _upcast(self, event: Event) -> bytes:
        """Bring the data to its latest version, as JSON text: a model is made of text in one way only."""
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
    raise InvalidArgument("undecodable", undecodable, "a function of event and error, an observer, or None")


def _raise(event: Event, error: NotDecodable) -> None:
    raise error
