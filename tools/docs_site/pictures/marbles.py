"""Read the marble diagrams of docstrings.

    ──a──b──c──d──────────e──|        a note
           batch(3, max_time=5)
    ────────[abc]────[d]─────[e]|

A column is a moment. A line with "─" is a timeline, and another line is an operator. A timeline ends with "|" if it
completes, with "X" and the name of an error if it fails, and with "▶" if it continues. After an "X" that is followed
by spaces, a second subscription begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

_PARTS = re.compile(r"─+|[^─]+")
_END = re.compile(r"(?P<label>.*?)(?P<end>[|▶]|X(?: (?P<error>\w+))?)(?:\s{2,}(?P<note>.*))?")


class End(Enum):
    """The end of a subscription. The value is its text in the description of a picture."""

    COMPLETED = "completed"
    FAILED = "failed"
    CONTINUES = "and so on"


@dataclass(frozen=True)
class Item:
    """An item of a timeline.

    Attributes:
        column: Column of its first character.
        label: Its text.
    """

    column: int
    label: str


@dataclass(frozen=True)
class Subscription:
    """A part of a timeline without interruption.

    Attributes:
        start: First column.
        end: Column of the end.
        items: The items, in order.
        how: How it ends.
        error: Name of the error, empty if the diagram has none.
    """

    start: int
    end: int
    items: tuple[Item, ...]
    how: End
    error: str = ""


@dataclass(frozen=True)
class Timeline:
    """A timeline.

    Attributes:
        subscriptions: Its parts, at least one.
        note: The text after its end, or an empty text.
    """

    subscriptions: tuple[Subscription, ...]
    note: str = ""

    @property
    def items(self) -> list[Item]:
        """All items, in order."""
        return [item for each in self.subscriptions for item in each.items]


@dataclass(frozen=True)
class Diagram:
    """A marble diagram: timelines with an operator between each two."""

    timelines: tuple[Timeline, ...]
    operators: tuple[str, ...]


_ENDS: Final = {"|": End.COMPLETED, "▶": End.CONTINUES, "X": End.FAILED}


def is_marbles(text: str) -> bool:
    """Return whether a block of code is a marble diagram."""
    return text.lstrip().startswith("──")


def parse(text: str) -> Diagram:
    """Return the diagram that a text shows.

    Raises:
        ValueError: The text is not a diagram.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    margin = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    timelines, operators = list[Timeline](), list[str]()
    for line in lines:
        if is_marbles(line):
            timelines.append(_timeline(line[margin:]))
        else:
            operators.append(line.strip())
    if len(timelines) != len(operators) + 1:
        raise ValueError(f"a marble diagram has an operator between each two timelines:\n{text}")
    return Diagram(tuple(timelines), tuple(operators))


def describe(diagram: Diagram) -> str:
    """Return a diagram in words."""
    first, *others = diagram.timelines
    sentences = [f"Source: {_in_words(first)}."]
    sentences += [f"After {name}: {_in_words(line)}." for name, line in zip(diagram.operators, others, strict=True)]
    return " ".join(sentences)


def colors(diagram: Diagram, count: int) -> list[list[int | None]]:
    """Return a color for each item of each timeline.

    An item that is made of another one has the color of that one: its label contains the other label, or it begins
    in the same column. A list ("[abc]") of several items has no color.

    Args:
        diagram: The diagram.
        count: Number of colors.

    Returns:
        Colors from 0 to `count` - 1, or None.
    """
    by_label: dict[str, int] = {}
    found: list[list[int | None]] = []
    for number, line in enumerate(diagram.timelines):
        above = {} if number == 0 else dict(zip(_columns(diagram.timelines[number - 1]), found[-1], strict=True))
        shown: list[int | None] = []
        for item in line.items:
            if number == 0:
                by_label.setdefault(item.label, len(by_label) % count)
            shown.append(_color(item, by_label, above))
        found.append(shown)
    return found


def _color(item: Item, by_label: dict[str, int], above: dict[int, int | None]) -> int | None:
    if item.label in by_label:
        return by_label[item.label]
    related = {color for label, color in by_label.items() if _is_made_of(item.label, label)}
    if len(related) == 1:
        return related.pop()
    if item.label.startswith("["):
        return None
    return above.get(item.column)


def _is_made_of(label: str, other: str) -> bool:
    has_word = re.search(rf"(?<!\w){re.escape(other)}(?!\w)", label) is not None
    has_number = other.isdigit() and label.endswith(other) and label[: -len(other)].isalpha()
    return has_word or has_number or label in other


def _columns(line: Timeline) -> list[int]:
    return [item.column for item in line.items]


def _in_words(line: Timeline) -> str:
    shown: list[str] = []
    for each in line.subscriptions:
        how = f"failed with {each.error}" if each.error else each.how.value
        shown.append(", ".join([*(item.label for item in each.items), how]))
    return ", then a new subscription: ".join(shown) + (f" ({line.note})" if line.note else "")


def _timeline(line: str) -> Timeline:
    subscriptions = list[Subscription]()
    items = list[Item]()
    start, note = 0, ""
    for column, part, is_last in _parts(line):
        if part.startswith("─"):
            continue
        if is_last:
            end = _END.fullmatch(part)
            if end is None:
                raise ValueError(f"a timeline has no end: {line}")
            if end["label"]:
                items.append(Item(column, end["label"].rstrip()))
            how = _ENDS[end["end"][0]]
            note = end["note"] or ""
            subscriptions.append(
                Subscription(start, column + end.start("end"), tuple(items), how, end["error"] or "")
            )
        elif part.startswith("X "):
            subscriptions.append(Subscription(start, column, tuple(items), End.FAILED))
            items = []
            start = column + len(part)
        else:
            items.append(Item(column, part.strip()))
    if line.endswith("─"):
        raise ValueError(f"a timeline has no end: {line}")
    return Timeline(tuple(subscriptions), note)


def _parts(line: str) -> Iterator[tuple[int, str, bool]]:
    found: Sequence[re.Match[str]] = list(_PARTS.finditer(line.rstrip()))
    for match in found:
        yield match.start(), match[0], match is found[-1]
