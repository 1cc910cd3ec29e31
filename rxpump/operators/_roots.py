"""The source at the top of a pipeline, if every operator between keeps nothing that rxpump cannot see.

An event of which nothing arrives was dropped, or an operator keeps it for later. The operators of rxpump report what
they keep (`rxpump.backpressure.passage`); those of reactivex do not, so it must be known of each that it keeps nothing. Which
operators a pipeline is made of, reactivex tells nobody: an Observable only has the function that subscribes, which
knows the Observable above it by the name `source`. Where that is not so, the pipeline is not understood, and its
progress is counted without what was dropped, which is never too much.
"""

from __future__ import annotations

from typing import Any, Final

from reactivex import Observable

_KEEP_NOTHING: Final = frozenset(
    f"reactivex.operators._{name}"
    for name in (
        "asobservable",
        "distinct",
        "distinctuntilchanged",
        "do",
        "filter",
        "finallyaction",
        "ignoreelements",
        "map",
        "skip",
        "skipwhile",
        "take",
        "takewhile",
    )
)
_REPORT: Final = "rxpump.operators."
_SUBSCRIBES_ANEW: Final = "rxpump.operators._retry_with_backoff"


def root_of(source: Observable[Any]) -> Observable[Any]:
    """Return the Observable at which the operators above `source` begin, as far as they are understood.

    Args:
        source: What an operator was applied to.

    Returns:
        The source of events, or an Observable of which it is not known whether it keeps something.
    """
    while (above := _above(source)) is not None:
        source = above
    return source


def _above(source: Observable[Any]) -> Observable[Any] | None:
    piped = getattr(source, "upstream", None)
    if isinstance(piped, Observable):
        return piped
    subscribe = getattr(source, "_subscribe", None)
    module = getattr(subscribe, "__module__", None) or ""
    if module not in _KEEP_NOTHING and (module == _SUBSCRIBES_ANEW or not module.startswith(_REPORT)):
        return None
    names = getattr(getattr(subscribe, "__code__", None), "co_freevars", ())
    cells = getattr(subscribe, "__closure__", None) or ()
    above = {name: cell.cell_contents for name, cell in zip(names, cells, strict=True)}.get("source")
    return above if isinstance(above, Observable) else None
