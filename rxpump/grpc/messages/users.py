"""Messages that manage users."""

from __future__ import annotations

from typing import Any, Final

from rxpump.grpc.messages.methods import Method, Service
from rxpump.grpc.messages.schema import message_class

CreateRequest: Any = message_class("users.CreateRequest")
UpdateRequest: Any = message_class("users.UpdateRequest")
LoginRequest: Any = message_class("users.LoginRequest")
ChangePasswordRequest: Any = message_class("users.ChangePasswordRequest")
ResetPasswordRequest: Any = message_class("users.ResetPasswordRequest")
DetailsResponse: Any = message_class("users.DetailsResponse")

_SERVICE: Final = Service("event_store.client.users.Users", "users.Users")

CREATE: Final[Method] = _SERVICE.method("Create", 20, 6, is_repeatable=False)
UPDATE: Final[Method] = _SERVICE.method("Update", 20, 6)
DELETE: Final[Method] = _SERVICE.method("Delete", 20, 6, is_repeatable=False)
DISABLE: Final[Method] = _SERVICE.method("Disable", 20, 6)
ENABLE: Final[Method] = _SERVICE.method("Enable", 20, 6)
DETAILS: Final[Method] = _SERVICE.method("Details", 20, 6)
CHANGE_PASSWORD: Final[Method] = _SERVICE.method("ChangePassword", 20, 6, is_repeatable=False)
RESET_PASSWORD: Final[Method] = _SERVICE.method("ResetPassword", 20, 6)
