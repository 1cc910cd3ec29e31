"""The source of a pipeline, if no operator of the pipeline keeps items without the knowledge of rxpump.

If no item of an event arrives at the end of a pipeline, the event was dropped, or an operator keeps it for later. The
operators of rxpump retain the events that they keep (`rxpump.backpressure.progress`). Operators of reactivex do not,
so only operators that are known to keep nothing are allowed between. reactivex does not record the operators of a
pipeline: an Observable only has the function that subscribes, whose closure contains the Observable above it under
the name `source`. If a closure has another form, the pipeline is not understood, and dropped events are finished
only when a later event arrives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from reactivex import ConnectableObservable, Observable


def _modules(*names: str) -> frozenset[str]:
    return frozenset(f"reactivex.operators.{name}" for name in names)


_KEEP_NOTHING: Final = _modules(
    "_asobservable",
    "_distinct",
    "_distinctuntilchanged",
    "_do",
    "_filter",
    "_finallyaction",
    "_ignoreelements",
    "_map",
    "_skip",
    "_skipwhile",
    "_take",
    "_takewhile",
)
_PASS_ON: Final = _KEEP_NOTHING | _modules(
    "_dowhile",
    "_merge",  # `flat_map` uses this module, too
    "_repeat",
    "_retry",
    "_subscribeon",
    "_switchlatest",
    "_takeuntil",
    "_whiledo",
    "_zip",  # zip_with_iterable, which is a part of flat_map
    "connectable._refcount",
)
_KEEP_SOURCES: Final = frozenset(
    f"reactivex.observable.{name}" for name in ("combinelatest", "forkjoin", "withlatestfrom", "zip", "ziplatest")
)
_SEQUENCES: Final = frozenset(("reactivex.observable.catch", "reactivex.observable.concat"))
_ITERABLE: Final = "reactivex.observable.fromiterable"
_OPERATORS: Final = "reactivex.operators."
_OURS: Final = "rxpump.operators."
_SUBSCRIBES_ANEW: Final = "rxpump.operators._retry_with_backoff"


def root_of(source: Observable[Any]) -> Observable[Any]:
    """Return the Observable at which the operators above `source` begin, as far as their closures are known.

    Args:
        source: Observable to which an operator was applied.

    Returns:
        The source of events, or an Observable of which it is not known whether it keeps items.
    """
    while (above := _above(source)) is not None:
        source = above
    return source


def may_keep_items(source: Observable[Any]) -> bool:
    """Return whether an operator of reactivex above `source` may keep items for later.

    In contrast to `root_of`, this looks beyond operators that join several sources or subscribe to one again, because
    they keep no items either. A subject and an Observable that a program makes are regarded as sources.

    Args:
        source: Observable to which an operator was applied.
    """
    if (above := _shown(source)) is not None:
        return may_keep_items(above)
    module = _module(source)
    if module in _PASS_ON or module.startswith(_OURS):
        above = _in_closure(source, "source") or _in_closure(source, "first")
        return not isinstance(above, Observable) or may_keep_items(above)
    if module in _SEQUENCES:
        sources = _in_closure(source, "sources")
        return not isinstance(sources, (list, tuple)) or _any_may_keep_items(sources)
    if module == _ITERABLE:
        sources = _in_closure(source, "iterable")
        return isinstance(sources, (list, tuple)) and _any_may_keep_items(sources)
    if module == "reactivex.observable.defer":
        above = _variables(_in_closure(source, "factory")).get("source")
        return isinstance(above, Observable) and may_keep_items(above)
    return module in _KEEP_SOURCES or module.startswith(_OPERATORS)


def _any_may_keep_items(sources: Sequence[Any]) -> bool:
    return any(may_keep_items(each) for each in sources if isinstance(each, Observable))


def _above(source: Observable[Any]) -> Observable[Any] | None:
    if (above := _shown(source)) is not None:
        return None if isinstance(source, ConnectableObservable) else above
    module = _module(source)
    if module not in _KEEP_NOTHING and (module == _SUBSCRIBES_ANEW or not module.startswith(_OURS)):
        return None
    above = _in_closure(source, "source")
    return above if isinstance(above, Observable) else None


def _shown(source: Observable[Any]) -> Observable[Any] | None:
    """Return the Observable above `source` if `source` has it as an attribute, otherwise None."""
    name = "source" if isinstance(source, ConnectableObservable) else "upstream"
    above = getattr(source, name, None)
    return above if isinstance(above, Observable) else None


def _module(source: Observable[Any]) -> str:
    return getattr(getattr(source, "_subscribe", None), "__module__", None) or ""


def _in_closure(source: Observable[Any], name: str) -> Any:
    return _variables(getattr(source, "_subscribe", None)).get(name)


def _variables(function: Any) -> dict[str, Any]:
    """Return the variables in the closure of a function."""
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    cells = getattr(function, "__closure__", None) or ()
    return {name: cell.cell_contents for name, cell in zip(names, cells, strict=True)}
