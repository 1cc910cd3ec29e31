"""Status of a call that failed, and the details that are the same for every service."""

from __future__ import annotations

from typing import Any

from rxpump.grpc.messages.schema import message_class

Status: Any = message_class("Status")
ErrorInfo: Any = message_class("ErrorInfo")
RetryInfo: Any = message_class("RetryInfo")
BadRequestDetails: Any = message_class("BadRequestDetails")
AccessDeniedDetails: Any = message_class("AccessDeniedDetails")
NotLeaderNodeDetails: Any = message_class("NotLeaderNodeDetails")
