"""Permissions by default, by access control lists and by settings (docs/protocol/tcp.md, section 4.10)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from rxpump.server import SqliteStore
from rxpump.server.access.access import Access, Permission
from rxpump.server.access.users import ANONYMOUS, UNRESTRICTED, User
from tests.calls import record_calls
from tests.server.store.driving import delete, new_event, write, write_metadata

ADMIN = User(frozenset({"$all", "admin", "$admins"}))
OPS = User(frozenset({"$all", "ops", "$ops"}))
ANN = User(frozenset({"$all", "ann", "riders"}))
READ, WRITE, DELETE = Permission.READ, Permission.WRITE, Permission.DELETE
EVERYBODY = {ANONYMOUS, OPS, ANN, ADMIN}


@pytest.fixture(params=["memory", "file"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    store = SqliteStore.in_memory() if request.param == "memory" else SqliteStore.open(tmp_path / "events.db")
    yield store
    await store.close()


@pytest.fixture
def who_may(store: SqliteStore) -> Callable[..., Any]:
    access = Access(store)
    return lambda permission, stream: {user for user in EVERYBODY if access.may(user, permission, stream)}


async def set_list(store: SqliteStore, stream: str, **roles: str | list[str]) -> None:
    await write_metadata(store, stream, {"$acl": {f"${key}": value for key, value in roles.items()}})


async def set_defaults(store: SqliteStore, **lists: dict[str, Any]) -> None:
    await write(store, "$settings", new_event(data=json.dumps({f"${key}": value for key, value in lists.items()})))


@pytest.mark.parametrize(
    ("stream", "permission", "allowed"),
    [
        ("ponies", READ, EVERYBODY),
        ("ponies", WRITE, EVERYBODY),
        ("ponies", DELETE, EVERYBODY),
        ("$$ponies", READ, EVERYBODY),
        ("$$ponies", WRITE, EVERYBODY),
        ("$$ponies", DELETE, set()),
        ("$users", READ, {ADMIN}),
        ("$users", WRITE, {ADMIN}),
        ("$users", DELETE, {ADMIN}),
        ("$settings", READ, {ADMIN}),
        ("$$$users", READ, {ADMIN}),
        ("$$$users", WRITE, {ADMIN}),
        ("$$$users", DELETE, set()),
        ("$$$$ponies", READ, set()),
        ("$$$$ponies", WRITE, set()),
        ("$$$$ponies", DELETE, set()),
        ("$$$$", READ, set()),
        ("$$$$", WRITE, set()),
        ("$$", WRITE, set()),
        ("$$", DELETE, set()),
        ("$all", READ, {ADMIN}),
        ("$all", WRITE, set()),
        ("$all", DELETE, set()),
        ("$$$all", READ, {ADMIN}),
        ("$$$all", WRITE, {ADMIN}),
    ],
)
def test_default_permissions_depend_on_the_stream(
    who_may: Callable[..., Any], stream: str, permission: Permission, allowed: set[User]
) -> None:
    assert who_may(permission, stream) == allowed


async def test_the_list_of_a_stream_replaces_the_defaults(store: SqliteStore, who_may: Callable[..., Any]) -> None:
    await set_list(store, "s", r="riders", w=["ann", "$ops"], d=[], mr="", mw="$admins")
    assert who_may(READ, "s") == {ANN, ADMIN}
    assert who_may(WRITE, "s") == {ANN, OPS, ADMIN}
    assert who_may(DELETE, "s") == {ADMIN}
    assert who_may(READ, "$$s") == {ADMIN}
    assert who_may(WRITE, "$$s") == {ADMIN}
    assert who_may(READ, "other") == EVERYBODY


async def test_permissions_that_a_list_omits_are_the_defaults(
    store: SqliteStore, who_may: Callable[..., Any]
) -> None:
    await set_list(store, "s", w="ann")
    await set_list(store, "$s", r="$all")
    assert (who_may(READ, "s"), who_may(WRITE, "s")) == (EVERYBODY, {ANN, ADMIN})
    assert (who_may(READ, "$s"), who_may(WRITE, "$s")) == (EVERYBODY, {ADMIN})


@pytest.mark.parametrize(
    ("stream", "is_allowed"), [("$all", True), ("$$$all", True), ("$$", False), ("$$$$s", False)]
)
async def test_an_insecure_server_writes_to_a_stream_named_all(
    store: SqliteStore, stream: str, is_allowed: bool
) -> None:
    assert Access(store).may(UNRESTRICTED, WRITE, stream) == is_allowed


async def test_a_list_can_allow_reads_of_all(store: SqliteStore, who_may: Callable[..., Any]) -> None:
    await set_list(store, "$all", r="$ops", w="$ops", d="$ops")
    assert who_may(READ, "$all") == {OPS, ADMIN}
    assert who_may(WRITE, "$all") == who_may(DELETE, "$all") == set()


async def test_settings_replace_the_defaults(store: SqliteStore, who_may: Callable[..., Any]) -> None:
    await set_defaults(store, userStreamAcl={"$r": "riders"}, systemStreamAcl={"$r": ["$ops"]})
    assert (who_may(READ, "s"), who_may(WRITE, "s")) == ({ANN, ADMIN}, EVERYBODY)
    assert (who_may(READ, "$s"), who_may(WRITE, "$s")) == ({OPS, ADMIN}, {ADMIN})
    await set_list(store, "s", r="ops")
    assert who_may(READ, "s") == {OPS, ADMIN}
    await set_defaults(store, userStreamAcl={"$w": "riders"})
    assert (who_may(READ, "other"), who_may(WRITE, "other")) == (EVERYBODY, {ANN, ADMIN})
    assert who_may(READ, "$s") == {ADMIN}


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"$userStreamAcl":{"$x":"a"}}', b'{"$userStreamAcl":{"$r":1}}', b""])
async def test_invalid_settings_are_ignored(store: SqliteStore, who_may: Callable[..., Any], data: bytes) -> None:
    await set_defaults(store, userStreamAcl={"$r": "riders"})
    await write(store, "$settings", new_event(data=data))
    assert who_may(READ, "s") == EVERYBODY


@pytest.mark.parametrize("metadata", [{"$tb": 1}, {"$tb": 2**63 - 1}])
async def test_truncated_settings_are_ignored(
    store: SqliteStore, who_may: Callable[..., Any], metadata: dict[str, int]
) -> None:
    await set_defaults(store, userStreamAcl={"$r": "riders"})
    await write_metadata(store, "$settings", metadata)
    assert who_may(READ, "s") == EVERYBODY
    await write_metadata(store, "$settings", {})
    assert who_may(READ, "s") == ({ANN, ADMIN} if metadata == {"$tb": 1} else EVERYBODY)


async def test_roles_are_cached_until_they_change(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    access, looked_up = Access(store), record_calls(monkeypatch, store.read, "access_lists")
    for _ in range(5):
        await write(store, "s", new_event())
        assert access.may(ANONYMOUS, READ, "s")
    assert looked_up == [("s",)]
    await set_list(store, "other", r="ann")
    assert access.may(ANONYMOUS, READ, "s")
    assert looked_up == [("s",), ("s",)]
    await delete(store, "other", hard=True)
    assert access.may(ANONYMOUS, READ, "other")
