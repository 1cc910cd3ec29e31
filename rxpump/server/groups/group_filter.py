"""The filter of a group on all streams, as it is stored with the settings of the group."""

from __future__ import annotations

from typing import Any, NamedTuple

from rxpump.server.store.filters import FilterField, LogFilter, Search, prefix_search, regex_search
from rxpump.server.strictness import Strictness


class GroupFilter(NamedTuple):
    """A filter of events.

    Attributes:
        field: The field to test.
        regex: Regular expression that must be found in the field; empty for a test by prefixes.
        prefixes: Prefixes of which the field must have one.
    """

    field: FilterField
    regex: str
    prefixes: tuple[str, ...]

    @property
    def characters(self) -> int:
        """Characters of the regular expression and the prefixes."""
        return len(self.regex) + sum(map(len, self.prefixes))

    def compiled(self) -> LogFilter:
        """Return the filter.

        Raises:
            BadFilter: The filter cannot be used.
        """
        return LogFilter(self.field, self._search())

    def _search(self) -> Search:
        return regex_search(self.regex) if self.regex else prefix_search(self.prefixes, Strictness.LENIENT)

    def to_json(self) -> dict[str, object]:
        """Return the filter as a JSON object."""
        return {"field": self.field.value, "regex": self.regex, "prefixes": list(self.prefixes)}

    @classmethod
    def from_json(cls, content: Any) -> GroupFilter:
        """Return the filter in a JSON object.

        Raises:
            ValueError: The object has another form.
        """
        match content:
            case {"field": str(field), "regex": str(regex), "prefixes": [*prefixes]}:
                if all(isinstance(prefix, str) for prefix in prefixes):
                    return cls(FilterField(field), regex, tuple(prefixes))
        raise ValueError(f"a filter must have field, regex and prefixes, got {content!r}")
