from __future__ import annotations

from typing import Any

import pytest

from rxpump.errors import InvalidArgument
from rxpump.model.acl import Acl
from rxpump.model.metadata import SystemSettings


def test_roles_are_one_or_several_or_none_or_default() -> None:
    acl = Acl(read="ops", write=["ops", "$admins"], delete=())
    assert (acl.read, acl.write, acl.delete, acl.metadata_read) == (("ops",), ("ops", "$admins"), (), None)
    assert acl.to_json() == {"$r": ["ops"], "$w": ["ops", "$admins"], "$d": []}
    assert Acl.from_json({"$r": "ops", "$w": ["ops", "$admins"], "$d": []}) == acl
    assert len({acl, Acl.from_json(acl.to_json())}) == 1


@pytest.mark.parametrize("roles", [7, [7], {"a": 1}.values()])
def test_values_that_are_no_roles_are_refused(roles: Any) -> None:
    with pytest.raises(InvalidArgument) as raised:
        Acl(metadata_write=roles)
    assert raised.value.argument == "metadata_write"


def test_system_settings_have_two_access_lists() -> None:
    settings = SystemSettings(Acl(read="$all"), Acl(read="$admins"))
    content = b'{"$userStreamAcl":{"$r":"$all"},"$systemStreamAcl":{"$r":["$admins"]}}'
    assert SystemSettings.from_json(content) == settings
    assert settings.to_json() == {"$userStreamAcl": {"$r": ["$all"]}, "$systemStreamAcl": {"$r": ["$admins"]}}
    assert SystemSettings().to_json() == {}
    with pytest.raises(InvalidArgument):
        SystemSettings.from_json(b'{"$userStreamAcl":7}')
    with pytest.raises(InvalidArgument, match="user_stream_acl"):
        SystemSettings({"$r": "$all"})  # type: ignore[arg-type]
