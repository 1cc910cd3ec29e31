"""The built-in defaults of protocol section 4.10."""

from __future__ import annotations

import pytest

from rxpump.server.access import Permission, may
from rxpump.server.users import ANONYMOUS, User

ADMIN = User(frozenset({"$all", "admin", "$admins"}))
OPS = User(frozenset({"$all", "ops", "$ops"}))
READ, WRITE = Permission.READ, Permission.WRITE


@pytest.mark.parametrize(
    ("stream", "permission", "allowed"),
    [
        ("ponies", READ, {ANONYMOUS, OPS, ADMIN}),
        ("ponies", WRITE, {ANONYMOUS, OPS, ADMIN}),
        ("$$ponies", READ, {ANONYMOUS, OPS, ADMIN}),
        ("$$ponies", WRITE, {ANONYMOUS, OPS, ADMIN}),
        ("$users", READ, {ADMIN}),
        ("$users", WRITE, {ADMIN}),
        ("$$$users", READ, {ADMIN}),
        ("$$$users", WRITE, {ADMIN}),
        ("$all", READ, {ADMIN}),
        ("$all", WRITE, set()),
        ("$$$all", READ, {ADMIN}),
        ("$$$all", WRITE, {ADMIN}),
    ],
)
def test_who_may(stream, permission, allowed):
    assert {user for user in (ANONYMOUS, OPS, ADMIN) if may(user, permission, stream)} == allowed
