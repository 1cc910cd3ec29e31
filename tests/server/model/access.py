"""Permissions (docs/protocol/tcp.md, section 4.10)."""

from __future__ import annotations

import json
from typing import NamedTuple

from tests.server.model.log import Log
from tests.server.model.metadata import is_metastream, metadata_of, parse_acl

ALL = "$all"
READ, WRITE, DELETE = "$r", "$w", "$d"
OF_METADATA = {READ: "$mr", WRITE: "$mw"}


class User(NamedTuple):
    """The user of a request: the login, if any, and the groups."""

    roles: frozenset[str]

    @property
    def is_admin(self) -> bool:
        return "$admins" in self.roles


def user_of(login: str | None) -> User:
    groups = {"admin": "$admins", "ops": "$ops"}
    return User(frozenset({ALL} if login is None else {ALL, login, groups[login]}))


def may(log: Log, user: User, permission: str, stream: str) -> bool:
    if is_metastream(stream):
        original = stream.removeprefix("$$")
        if permission == DELETE or is_metastream(original) or (permission == WRITE and original == ""):
            return False
        permission, stream = OF_METADATA[permission], original
    if stream == ALL and permission in (WRITE, DELETE):
        return False
    return user.is_admin or bool(user.roles & _roles(log, permission, stream))


def _roles(log: Log, permission: str, stream: str) -> frozenset[str]:
    own = metadata_of(log, stream).acl
    is_system = stream.startswith("$")
    defaults = _settings(log, "$systemStreamAcl" if is_system else "$userStreamAcl")
    built_in = frozenset({"$admins" if is_system else ALL})
    return own.get(permission, defaults.get(permission, built_in))


def _settings(log: Log, key: str) -> dict[str, frozenset[str]]:
    event = log.last_event("$settings")
    return {} if event is None else parse_acl(json.loads(event.data).get(key, {}))
