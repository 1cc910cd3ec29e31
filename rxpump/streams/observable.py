"""The Observable that rxpump gives: reactivex's own, that can also be iterated with `async for`.

`pipe` (and every fluent operator) on one gives one again, so `await` and `async for` work at the end of any
pipeline. The differences from a plain reactivex Observable, each a promise of the law of delivery:

- An exception in a subscriber's callback goes to that subscriber's `on_error` and ends its subscription
  alone, also where the source is shared.
- A subscriber without `on_error` does not make an error vanish: the loop's exception handler gets it.
- `for` over it, `list(...)` and `in` raise TypeError. reactivex's own would never end, because it can be indexed.
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
    from typing_extensions import TypeVar as Var  # the `default` of typing's own comes with Python 3.13

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
    """A cold stream of values: nothing happens until it is subscribed to, awaited or iterated.

    `await` gives the last value, and raises SequenceContainsNoElementsError where there was none, as in
    reactivex. `async for` buffers a bounded number of values and holds the source beyond that.
    """

    def subscribe(
        self,
        on_next: abc.ObserverBase[Any] | Callable[[Any], None] | None = None,
        on_error: Callable[[Exception], None] | None = None,
        on_completed: Callable[[], None] | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        """Subscribe an observer, or callbacks. The result's `dispose()` ends the subscription."""
        if on_error is None and not isinstance(on_next, abc.ObserverBase):
            on_error = report
        return super().subscribe(on_next, on_error, on_completed, scheduler=scheduler)

    def __aiter__(self) -> Iteration[T_co]:
        """Return an iteration, which buffers a bounded number of values.

        It subscribes with the first value that is asked for, and disposes the subscription when the loop is left.
        """
        return Iteration(self)

    def __getitem__(self, key: slice | int) -> Observable[T_co]:
        """Return an Observable of a slice of the values, or of the one at an index, as in reactivex."""
        return Piped(super().__getitem__(key))

    if not TYPE_CHECKING:  # a type checker must go on to refuse `for`

        def __iter__(self) -> NoReturn:
            """Refuse `for`, `list(...)`, `in` and unpacking, which would index an Observable without end.

            Raises:
                TypeError: Always.
            """
            name = type(self).__name__
            raise TypeError(f"{name} is not iterable with `for`; use `async for`, `await` or `subscribe`")

    if TYPE_CHECKING:
        # One signature instead of an overload for each number of operators: mypy looks at the arguments of an
        # overloaded function without their context, and so could not infer what the argument of a lambda is.
        # fmt: off
        def pipe(  # type: ignore[override]  # narrower: rxpump's Observable comes out
            self, op1: Op[T_co, Item1] = ..., op2: Op[Item1, Item2] = ..., op3: Op[Item2, Item3] = ...,
            op4: Op[Item3, Item4] = ..., op5: Op[Item4, Item5] = ..., op6: Op[Item5, Item6] = ...,
            op7: Op[Item6, Item7] = ..., op8: Op[Item7, Item8] = ..., op9: Op[Item8, Item9] = ...,
            op10: Op[Item9, Item10] = ..., op11: Op[Item10, Item11] = ..., op12: Op[Item11, Item12] = ...,
            op13: Op[Item12, Item13] = ..., op14: Op[Item13, Item14] = ..., op15: Op[Item14, Item15] = ...,
            op16: Op[Item15, Item16] = ..., op17: Op[Item16, Item17] = ..., op18: Op[Item17, Item18] = ...,
            op19: Op[Item18, Item19] = ..., op20: Op[Item19, Item20] = ..., /
        ) -> Observable[Item20]:
            """Compose operators, left to right.

            Args:
                op1, op2, ...: Functions of an Observable, up to 20; for more, call `pipe` on the result. Call an
                    operator whose result is no Observable: `rx.to_future()(source)`.

            Returns:
                The result of the last operator. A plain reactivex Observable is returned as one of rxpump's; a
                connectable Observable, a subject or a future is returned as it is.
            """
            ...
        # fmt: on
    else:

        def pipe(self, *operators):  # noqa: D102 - above
            return _compose(self, operators)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def _compose(source: Observable[Any], operators: Sequence[Callable[[Any], Any]]) -> Any:
    result = reactivex.pipe(source, *operators)
    # A connectable, a subject or a future stays what it is.
    return Piped(result) if type(result) is reactivex.Observable else result


class Piped(Observable[T_co]):
    """What came out of a pipe: subscribing goes straight to it, with the subscriber's callbacks guarded."""

    def __init__(self, source: reactivex.Observable[T_co]) -> None:
        super().__init__()
        self._source = source

    @property
    def upstream(self) -> reactivex.Observable[T_co]:
        """What it subscribes to."""
        return self._source

    def subscribe(
        self,
        on_next: abc.ObserverBase[Any] | Callable[[Any], None] | None = None,
        on_error: Callable[[Exception], None] | None = None,
        on_completed: Callable[[], None] | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        """Subscribe an observer, or callbacks; an exception of theirs ends this subscription alone."""
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
    """Report an error that no subscriber handles to the exception handler of the loop, or raise it if no loop runs.

    ClientClosed is not reported: the program itself has closed the client, or has ended its event loop.
    """
    if isinstance(error, ClientClosed):
        return
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        raise error from None
    loop.call_exception_handler({"message": "an error reached a subscriber without on_error", "exception": error})
