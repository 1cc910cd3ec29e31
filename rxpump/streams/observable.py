"""The Observable of rxpump: one of reactivex that also supports `async for`.

`pipe` and the fluent operators return an Observable of this class, so `await` and `async for` work at the end of any
pipeline. It differs from a plain reactivex Observable in three ways:

- An exception in a callback of a subscriber goes to `on_error` of that subscriber and ends its subscription only,
  even if several subscribers share the source.
- An error that reaches a subscriber without `on_error` goes to the exception handler of the event loop.
- `for`, `list(...)` and `in` raise TypeError. On a plain Observable they never end, because it can be indexed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import reactivex
from reactivex import abc
from reactivex.disposable import SingleAssignmentDisposable

from rxpump.errors import ClientClosed
from rxpump.streams.iteration import Iteration

T_co = TypeVar("T_co", covariant=True)

if TYPE_CHECKING:
    from typing_extensions import TypeVar as Var  # typing.TypeVar has `default` from Python 3.13 on

    # The names are unusual because pyright mixes up equal names of a default and of an operator of the user.
    Item1 = Var("Item1", default=Any)
    Item2 = Var("Item2", default=Item1)
    Item3 = Var("Item3", default=Item2)
    Item4 = Var("Item4", default=Item3)
    Item5 = Var("Item5", default=Item4)
    Item6 = Var("Item6", default=Item5)
    Item7 = Var("Item7", default=Item6)
    Item8 = Var("Item8", default=Item7)
    Item9 = Var("Item9", default=Item8)
    Item10 = Var("Item10", default=Item9)
    Item11 = Var("Item11", default=Item10)
    Item12 = Var("Item12", default=Item11)
    Item13 = Var("Item13", default=Item12)
    Item14 = Var("Item14", default=Item13)
    Item15 = Var("Item15", default=Item14)
    Item16 = Var("Item16", default=Item15)
    Item17 = Var("Item17", default=Item16)
    Item18 = Var("Item18", default=Item17)
    Item19 = Var("Item19", default=Item18)
    Item20 = Var("Item20", default=Item19)

    Op = Callable[[reactivex.Observable[Item1]], reactivex.Observable[Item2]]


class Observable(reactivex.Observable[T_co]):
    """A cold stream of values, which starts when it is subscribed to, awaited or iterated.

    `await` returns the last value. It raises SequenceContainsNoElementsError if there was none, as in reactivex.
    `async for` buffers up to 512 values and pauses the source while the buffer is full.

    Example:
        async for event in client.iter("orders"):
            print(event.type)
    """

    def subscribe(
        self,
        on_next: abc.ObserverBase[Any] | Callable[[Any], None] | None = None,
        on_error: Callable[[Exception], None] | None = None,
        on_completed: Callable[[], None] | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        """Subscribe an observer, or callbacks.

        Args:
            on_next: Observer, or function that is called with each value.
            on_error: Function that is called with the error that ends the stream. Without it, the error goes to the
                exception handler of the event loop.
            on_completed: Function that is called when the stream completes.
            scheduler: Default scheduler of the operators above, as in reactivex.

        Returns:
            The subscription. Its `dispose()` ends it.
        """
        if on_error is None and not isinstance(on_next, abc.ObserverBase):
            on_error = report
        return super().subscribe(on_next, on_error, on_completed, scheduler=scheduler)

    def __aiter__(self) -> Iteration[T_co]:
        """Return an iteration, which buffers up to 512 values.

        The iteration subscribes when the first value is requested, and ends the subscription when the loop ends.
        """
        return Iteration(self)

    def __getitem__(self, key: slice | int) -> Observable[T_co]:
        """Return an Observable of a slice of the values, or of the one at an index, as in reactivex."""
        return Piped(super().__getitem__(key))

    if not TYPE_CHECKING:  # Type checkers must see no __iter__.

        def __iter__(self) -> NoReturn:
            """Refuse `for`, `list(...)`, `in` and unpacking, which would index the Observable without end.

            `rx.sequence_equal` iterates over its argument if that is an `Iterable`, which every class with this
            method is. So the error also says how to pass an Observable there.

            Raises:
                TypeError: Always.
            """
            name = type(self).__name__
            raise TypeError(
                f"{name} is not iterable with `for`; use `async for`, `await` or `subscribe`. "
                "As an argument of rx.sequence_equal, pass reactivex.defer(lambda _: observable)"
            )

    if TYPE_CHECKING:
        # One signature instead of an overload for each number of operators, because mypy checks the arguments of an
        # overloaded function without their context and cannot infer the parameter types of a lambda.
        # fmt: off
        def pipe(  # type: ignore[override]  # the result is narrower: rxpump's Observable
            self, op1: Op[T_co, Item1] = ..., op2: Op[Item1, Item2] = ..., op3: Op[Item2, Item3] = ...,
            op4: Op[Item3, Item4] = ..., op5: Op[Item4, Item5] = ..., op6: Op[Item5, Item6] = ...,
            op7: Op[Item6, Item7] = ..., op8: Op[Item7, Item8] = ..., op9: Op[Item8, Item9] = ...,
            op10: Op[Item9, Item10] = ..., op11: Op[Item10, Item11] = ..., op12: Op[Item11, Item12] = ...,
            op13: Op[Item12, Item13] = ..., op14: Op[Item13, Item14] = ..., op15: Op[Item14, Item15] = ...,
            op16: Op[Item15, Item16] = ..., op17: Op[Item16, Item17] = ..., op18: Op[Item17, Item18] = ...,
            op19: Op[Item18, Item19] = ..., op20: Op[Item19, Item20] = ..., /
        ) -> Observable[Item20]:
            """Apply operators, left to right.

            Each of up to 20 operators is a function that takes an Observable and returns one. For more operators,
            call `pipe` on the result. An operator that returns no Observable is not composed with others:
            `rx.to_future()(source)`.

            Returns:
                The result of the last operator. A plain reactivex Observable is returned as one of rxpump's; a
                connectable Observable, a subject or a future is returned as it is.
            """
            ...
        # fmt: on
    else:

        def pipe(self, *operators):  # noqa: D102 - the docstring is above
            return _compose(self, operators)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def _compose(source: Observable[Any], operators: Sequence[Callable[[Any], Any]]) -> Any:
    result = reactivex.pipe(source, *operators)
    # A connectable Observable, a subject or a future has further methods, which a Piped would not have.
    return Piped(result) if type(result) is reactivex.Observable else result


class Piped(Observable[T_co]):
    """An rxpump Observable over any reactivex Observable, such as the result of `pipe`.

    An exception in `on_next` of a subscriber ends the subscription of that subscriber with `on_error`.
    """

    def __init__(self, source: reactivex.Observable[T_co]) -> None:
        super().__init__()
        self._source = source

    @property
    def upstream(self) -> reactivex.Observable[T_co]:
        """The Observable that it subscribes to."""
        return self._source

    def subscribe(
        self,
        on_next: abc.ObserverBase[Any] | Callable[[Any], None] | None = None,
        on_error: Callable[[Exception], None] | None = None,
        on_completed: Callable[[], None] | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        """Subscribe an observer, or callbacks; see `Observable.subscribe`."""
        if isinstance(on_next, abc.ObserverBase):
            on_error, on_completed, on_next = on_next.on_error, on_next.on_completed, on_next.on_next
        if on_error is None:
            on_error = report
        if on_next is None:
            return self._source.subscribe(None, on_error, on_completed, scheduler=scheduler)
        subscription = SingleAssignmentDisposable()
        deliver, fail = on_next, on_error

        def guarded(value: Any) -> None:
            try:
                deliver(value)
            except Exception as error:
                subscription.dispose()
                fail(error)

        subscription.disposable = self._source.subscribe(guarded, on_error, on_completed, scheduler=scheduler)
        return subscription


def report(error: Exception) -> None:
    """Report an error that no subscriber handles to the exception handler of the event loop.

    ClientClosed is not reported, because the program itself closed the client or ended the event loop.

    Raises:
        Exception: The error itself, if no event loop is running.
    """
    if isinstance(error, ClientClosed):
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        raise error from None
    loop.call_exception_handler({"message": "A subscriber without on_error got an error", "exception": error})
