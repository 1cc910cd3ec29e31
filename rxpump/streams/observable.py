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
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, overload

import reactivex
from reactivex import abc
from reactivex.disposable import SingleAssignmentDisposable

from rxpump.streams.iteration import Iteration

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")
F = TypeVar("F")
G = TypeVar("G")
H = TypeVar("H")
J = TypeVar("J")
K = TypeVar("K")
L = TypeVar("L")
M = TypeVar("M")
N = TypeVar("N")
P = TypeVar("P")
Q = TypeVar("Q")
R = TypeVar("R")

_Op = Callable[["reactivex.Observable[A]"], "reactivex.Observable[B]"]
_AnyOp = Callable[[Any], Any]


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

    # fmt: off
    @overload  # type: ignore[override]  # narrower: rxpump's Observable comes out
    def pipe(self) -> Observable[T_co]: ...
    @overload
    def pipe(self, op1: _Op[T_co, A], /) -> Observable[A]: ...
    @overload
    def pipe(self, op1: _Op[T_co, A], op2: _Op[A, B], /) -> Observable[B]: ...
    @overload
    def pipe(self, op1: _Op[T_co, A], op2: _Op[A, B], op3: _Op[B, C], /) -> Observable[C]: ...
    @overload
    def pipe(self, op1: _Op[T_co, A], op2: _Op[A, B], op3: _Op[B, C], op4: _Op[C, D], /) -> Observable[D]: ...
    @overload
    def pipe(
        self, op1: _Op[T_co, A], op2: _Op[A, B], op3: _Op[B, C], op4: _Op[C, D], op5: _Op[D, E], /
    ) -> Observable[E]: ...
    @overload
    def pipe(
        self, op1: _Op[T_co, A], op2: _Op[A, B], op3: _Op[B, C], op4: _Op[C, D], op5: _Op[D, E], op6: _Op[E, F], /
    ) -> Observable[F]: ...
    @overload
    def pipe(
        self, op1: _Op[T_co, A], op2: _Op[A, B], op3: _Op[B, C], op4: _Op[C, D], op5: _Op[D, E], op6: _Op[E, F],
        op7: _Op[F, G], /
    ) -> Observable[G]: ...
    @overload
    def pipe(
        self, op1: _Op[T_co, A], op2: _Op[A, B], op3: _Op[B, C], op4: _Op[C, D], op5: _Op[D, E], op6: _Op[E, F],
        op7: _Op[F, G], op8: _Op[G, H], /
    ) -> Observable[H]: ...
    @overload
    def pipe(
        self, op1: _Op[T_co, A], op2: _Op[A, B], op3: _Op[B, C], op4: _Op[C, D], op5: _Op[D, E], op6: _Op[E, F],
        op7: _Op[F, G], op8: _Op[G, H], op9: _Op[H, J], /
    ) -> Observable[J]: ...
    @overload
    def pipe(
        self, op1: _Op[T_co, A], op2: _Op[A, B], op3: _Op[B, C], op4: _Op[C, D], op5: _Op[D, E], op6: _Op[E, F],
        op7: _Op[F, G], op8: _Op[G, H], op9: _Op[H, J], op10: _Op[J, K], /
    ) -> Observable[K]: ...
    @overload
    def pipe(
        self, op1: _Op[T_co, A], op2: _Op[A, B], op3: _Op[B, C], op4: _Op[C, D], op5: _Op[D, E], op6: _Op[E, F],
        op7: _Op[F, G], op8: _Op[G, H], op9: _Op[H, J], op10: _Op[J, K], op11: _Op[K, L], /
    ) -> Observable[L]: ...
    @overload
    def pipe(
        self, op1: _Op[T_co, A], op2: _Op[A, B], op3: _Op[B, C], op4: _Op[C, D], op5: _Op[D, E], op6: _Op[E, F],
        op7: _Op[F, G], op8: _Op[G, H], op9: _Op[H, J], op10: _Op[J, K], op11: _Op[K, L], op12: _Op[L, M], /
    ) -> Observable[M]: ...
    @overload
    def pipe(
        self, op1: _Op[T_co, A], op2: _Op[A, B], op3: _Op[B, C], op4: _Op[C, D], op5: _Op[D, E], op6: _Op[E, F],
        op7: _Op[F, G], op8: _Op[G, H], op9: _Op[H, J], op10: _Op[J, K], op11: _Op[K, L], op12: _Op[L, M],
        op13: _Op[M, N], /
    ) -> Observable[N]: ...
    @overload
    def pipe(
        self, op1: _Op[T_co, A], op2: _Op[A, B], op3: _Op[B, C], op4: _Op[C, D], op5: _Op[D, E], op6: _Op[E, F],
        op7: _Op[F, G], op8: _Op[G, H], op9: _Op[H, J], op10: _Op[J, K], op11: _Op[K, L], op12: _Op[L, M],
        op13: _Op[M, N], op14: _Op[N, P], /
    ) -> Observable[P]: ...
    @overload
    def pipe(
        self, op1: _Op[T_co, A], op2: _Op[A, B], op3: _Op[B, C], op4: _Op[C, D], op5: _Op[D, E], op6: _Op[E, F],
        op7: _Op[F, G], op8: _Op[G, H], op9: _Op[H, J], op10: _Op[J, K], op11: _Op[K, L], op12: _Op[L, M],
        op13: _Op[M, N], op14: _Op[N, P], op15: _Op[P, Q], /
    ) -> Observable[Q]: ...
    @overload
    def pipe(
        self, op1: _Op[T_co, A], op2: _Op[A, B], op3: _Op[B, C], op4: _Op[C, D], op5: _Op[D, E], op6: _Op[E, F],
        op7: _Op[F, G], op8: _Op[G, H], op9: _Op[H, J], op10: _Op[J, K], op11: _Op[K, L], op12: _Op[L, M],
        op13: _Op[M, N], op14: _Op[N, P], op15: _Op[P, Q], op16: _Op[Q, R], /
    ) -> Observable[R]: ...
    @overload
    def pipe(
        self, op1: _AnyOp, op2: _AnyOp, op3: _AnyOp, op4: _AnyOp, op5: _AnyOp, op6: _AnyOp, op7: _AnyOp, op8: _AnyOp,
        op9: _AnyOp, op10: _AnyOp, op11: _AnyOp, op12: _AnyOp, op13: _AnyOp, op14: _AnyOp, op15: _AnyOp, op16: _AnyOp,
        op17: _AnyOp, /, *more: _AnyOp
    ) -> Observable[Any]: ...
    # fmt: on

    def pipe(self, *operators: Callable[[Any], Any]) -> Any:
        """Compose operators, left to right.

        Args:
            operators: Functions of an Observable. Up to 16 are typed; more give `Observable[Any]`. An operator whose
                result is no Observable, such as `rx.to_future()`, is for type checkers one to be called:
                `rx.to_future()(pipeline)`.

        Returns:
            The result of the last operator. A plain reactivex Observable is returned as one of rxpump's; a
            connectable Observable, a subject or a future is returned as it is.
        """
        result = super().pipe(*operators)
        # A connectable, a subject or a future stays what it is.
        return Piped(result) if type(result) is reactivex.Observable else result

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


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
    """Hand an error that nobody subscribed to to the loop's exception handler, or raise it where no loop runs."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        raise error from None
    loop.call_exception_handler({"message": "an error reached a subscriber without on_error", "exception": error})
