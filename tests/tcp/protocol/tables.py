"""Tables of docs/protocol/tcp.md, sections 2 and 3: the commands, their replies, and the codes in the replies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_NOTE = re.compile(r" \([^)]*\)|\*")
DOCUMENT = Path(__file__).parents[3] / "docs" / "protocol" / "tcp.md"
_CODE = re.compile(r"(\d+) ([A-Z]\w+)(?:/\w+)?(?: \(([^)]*)\))?")


@dataclass(frozen=True)
class Listed:
    """A command: code, name, sender (R client, S server, B both), messages, and the codes of its replies."""

    code: int
    name: str
    direction: str
    messages: tuple[str, ...]
    replies: frozenset[int]


@dataclass(frozen=True)
class Code:
    """A code that an answer can carry, with the note that the document adds to it."""

    value: int
    name: str
    note: str

    @property
    def is_ever_sent(self) -> bool:
        return "never over TCP" not in self.note


def commands() -> dict[int, Listed]:
    """Return the rows of docs/protocol/tcp.md, section 2, by code."""
    listed: dict[int, Listed] = {}
    for row in _rows(2):
        if len(row) == 6 and row[0].startswith("0x"):
            replies = frozenset(int(code, 16) for code in re.findall(r"0x[0-9A-F]{2}", row[4]))
            names = tuple(re.findall(r"[A-Z]\w+", _NOTE.sub("", row[1])))
            messages = (row[3],) if row[3][0].isupper() else names
            listed[int(row[0], 16)] = Listed(int(row[0], 16), names[0], row[2], messages, replies)
    return listed


def codes() -> dict[str, tuple[Code, ...]]:
    """Return the codes of `result` or `reason` by message, from docs/protocol/tcp.md, section 3."""
    rows = {row[0]: row[1] for row in _rows(3) if len(row) == 2}
    enums = {name: _codes(text) for name, text in rows.items() if re.match(r"\d+ [A-Z]\w+(?: \(|,)", text)}
    found: dict[str, tuple[Code, ...]] = {}
    for name, text in rows.items():
        field = re.search(r"\d+ (?:result|reason) (?:enum|\(same values as (\w+)\)|(\w+))[^;{]*(\{[^}]*\})?", text)
        if field is None or name in enums:
            continue
        values = _codes(field[3]) if field[3] else enums.get(field[1] or field[2])
        if values:
            found.update(dict.fromkeys(_messages(name), values))
    return found


def _messages(name: str) -> list[str]:
    return _NOTE.sub("", name).split(", ")


def _codes(text: str) -> tuple[Code, ...]:
    return tuple(Code(int(value), name, note or "") for value, name, note in _CODE.findall(text))


def _rows(section: int) -> list[list[str]]:
    """Return the cells of each table row in a section, subsections included."""
    text = DOCUMENT.read_text(encoding="utf-8")
    (body,) = re.findall(rf"^## {section}\. .*?(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)
    lines = (line for line in body.splitlines() if line.startswith("|"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
