"""Who may do what where a stream itself does not say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from rxpump.errors import InvalidArgument
from rxpump.model.acl import Acl
from rxpump.model.metadata import read_object

SETTINGS_STREAM: Final = "$settings"


@dataclass(frozen=True, slots=True)
class SystemSettings:
    """The access control lists for streams without one of their own (docs/protocol/tcp.md, section 4.10).

    user_stream_acl:    for streams in general. None: everybody may do everything.
    system_stream_acl:  for those whose name begins with `$`. None: admins only.
    """

    user_stream_acl: Acl | None = None
    system_stream_acl: Acl | None = None

    def __post_init__(self) -> None:
        for name in _KEYS:
            if getattr(self, name) is not None and not isinstance(getattr(self, name), Acl):
                raise InvalidArgument(name, getattr(self, name), "an Acl")

    def to_json(self) -> dict[str, Any]:
        """Give the object that is stored."""
        return {key: acl.to_json() for name, key in _KEYS.items() if (acl := getattr(self, name)) is not None}

    @classmethod
    def from_json(cls, content: bytes) -> SystemSettings:
        """Read what is stored. Raises InvalidArgument."""
        whole = read_object("settings", content)
        return cls(**{name: Acl.from_json(whole[key]) for name, key in _KEYS.items() if key in whole})


_KEYS: Final = {"user_stream_acl": "$userStreamAcl", "system_stream_acl": "$systemStreamAcl"}
