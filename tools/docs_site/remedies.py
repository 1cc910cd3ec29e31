"""The remedies for each error."""

from __future__ import annotations

from typing import Final

REMEDIES: Final = {
    "RxPumpError": "Catch it to handle every error of rxpump. Test `retryable` before you repeat a request.",
    "InvalidArgument": "Pass a value that `allowed` describes.",
    "InvalidUri": (
        "Correct the part of the connection string that `argument` names. [Settings](settings.md) lists all options."
    ),
    "NotSupported": "Do what `alternative` describes, for example use a connection string of the other protocol.",
    "NotConnected": "Use `async with client`, or call `await client.connect()` first.",
    "WrongEventLoop": (
        "Call the client in its own event loop (`asyncio.run_coroutine_threadsafe`), or use "
        "[rxpump.open](../without-an-event-loop.md), whose clients work in every thread."
    ),
    "NotOwner": "Call the method on the client that `connect` returned.",
    "ConnectionFailed": (
        "Check that the server runs, and that host, port and protocol of the connection string are its own. "
        "`reason` is the error of the last attempt. `connect_within` allows more time for a server that "
        "starts."
    ),
    "DiscoveryFailed": (
        "Read in `reason` what each node answered. If the addresses in the gossip cannot be reached from "
        "here, set `host_overrides`. See [clusters](../clusters.md)."
    ),
    "ReconnectFailed": "Call `connect()` again, or set `reconnect` to a policy with more attempts.",
    "NoNodeReady": (
        "Wait until the cluster has a leader and call `connect()` again, or allow more attempts with `reconnect`."
    ),
    "CertificateRefused": (
        "Set `tls_ca` to the file of the authority that signed the certificate, or `tls_server_name` to a "
        "name that the certificate contains."
    ),
    "CallInterrupted": "Repeat the request. If this happens often, examine the proxy between client and server.",
    "RequestInterrupted": "Find out whether the request was executed: read what it creates, deletes or starts.",
    "ConnectionClosed": "Repeat the request. Repeat a write with the same events: their ids make it the same write.",
    "ClientClosed": "Close the client after the work is completed: `await client.drain(timeout=30)` waits for it.",
    "ConnectionLostRepeatedly": (
        "Write or read fewer bytes at once, or raise the limits of the server or of the proxy that closes the "
        "connections."
    ),
    "OperationTimedOut": (
        "Repeat the request; repeat a write with the same events. If `attempts` is 0 or `is_connected` is "
        "False, look for the server. Otherwise raise `timeout`, or read what `hint` names."
    ),
    "ProtocolError": (
        "Check that the port of the connection string belongs to its protocol. Otherwise report a fault of "
        "rxpump or of the server."
    ),
    "MalformedFrame": "Check that the port is the one for TCP (1113 by default), not the one for HTTP.",
    "FrameTooLarge": "Read fewer events at once (`batch_size`, `max_count`), or raise `max_frame_bytes`.",
    "MalformedReply": "Report it with the version of the server.",
    "UnexpectedReply": "Report it with the version of the server.",
    "BufferOverflow": (
        "Put `on_backpressure_buffer`, `on_backpressure_drop` or `on_backpressure_latest` before the operator "
        "that `buffer` names, or make the source from an iterable, which can be paused."
    ),
    "NotJson": "Read `event.data`, the bytes, or filter such events with `of_type` before `json`.",
    "NotDecodable": "Correct the model, or handle such events with `decode(undecodable=...)` or `upcasters`.",
    "WorkCancelled": (
        "Dispose of the pipeline instead of cancelling the tasks of its operators, and end it before the "
        "event loop ends."
    ),
    "DeliveryExpired": (
        "Nothing: the server delivers the event again. Make the work on a delivery safe to repeat. If it "
        "happens often, raise `message_timeout_seconds` of the group, or lower `buffer_size`."
    ),
    "ServerError": "Catch one of its subclasses.",
    "BadRequest": "Check the arguments against the version of the server; `reason` is its text.",
    "ServerFailed": "Look into the log of the server, for example for a full disk.",
    "NotAuthenticated": "Correct the login and password, in the connection string or in `as_user`.",
    "AccessDenied": (
        "Use a client for another user (`as_user`), or change the access control list of the stream with "
        "`set_metadata(stream, acl=...)`."
    ),
    "StreamNotFound": (
        "Treat it as an empty stream, or check the name. A subscription to the stream waits for its first event."
    ),
    "StreamDeleted": "Use another name. A stream that was deleted with `hard=True` cannot be written again.",
    "EventNotFound": (
        "Check the number, and the limits `max_count`, `max_age` and `truncate_before` in the metadata of the stream."
    ),
    "ReadFailed": "Repeat the read, and look into the log of the server.",
    "InvalidPosition": "Start from a position that this server has delivered, or from `rxpump.START`.",
    "SubscriptionDropped": "Subscribe again after the last event; `retry_with_backoff` does it.",
    "StreamRolledBack": (
        "Undo your work for the events after `resume_after`, and subscribe again after it. See [events that were "
        "delivered and lost](../clusters.md#events-that-were-delivered-and-lost)."
    ),
    "LogTruncated": "The same as for `StreamRolledBack`.",
    "WrongExpectedVersion": (
        "Read the stream again, decide again, and write with its new version. See [optimistic "
        "concurrency](../how-to/optimistic-concurrency.md)."
    ),
    "ConsistencyCheckFailed": (
        "Read the streams of `violations` again, decide again, and write with their new versions."
    ),
    "AppendTooLarge": "Write fewer events at once: `publish` of an iterable, not a list, writes in batches.",
    "EventTooLarge": "Store large data elsewhere, and write a reference to them.",
    "InvalidTransaction": "Start a new transaction. Servers forget open transactions when they restart.",
    "PersistentSubscriptionError": "Catch one of its subclasses.",
    "PersistentSubscriptionExists": "Connect to the group, or change it with `update_subscription`.",
    "PersistentSubscriptionNotFound": (
        "Create the group with `create_subscription`, which needs the rights of an admin."
    ),
    "PersistentSubscriptionDeleted": "Create the group again if it was deleted by mistake.",
    "PersistentSubscriptionFailed": "Correct the setting that `reason` names.",
    "SubscriberLimitReached": "Raise `subscriber_max_count` of the group, or wait until another consumer ends.",
    "ScavengeFailed": "Read `reason`, and try again as an admin.",
    "ScavengeInProgress": "Wait until it is completed.",
    "ScavengeNotFound": "Use the id in `running`, if a scavenge runs.",
    "UserNotFound": "Check the login, or create the user with `client.users`.",
    "UserConflict": "Read the user again. If it exists, update it instead of creating it.",
    "ProjectionError": "Catch one of its subclasses, or read `reason`.",
    "ProjectionNotFound": "Check the name, or create the projection.",
    "ProjectionExists": "Update the projection, or use another name.",
    "ProjectionFailed": (
        "Bring the projection into the required state first, for example disable it before you delete it."
    ),
    "IndexNotFound": "Check the name, or create the index.",
    "IndexExists": "Use another name, or delete the other index first.",
    "OutcomeUnknown": (
        "Write the same events (with the same ids) again. With an exact `expected_version` the server "
        "recognizes them."
    ),
    "ServerTimeout": "As for OutcomeUnknown. If it happens often, look at the load of the node in `stage`.",
    "PrepareTimeout": "Write the same events again; look at the disks of the cluster.",
    "CommitTimeout": "Write the same events again; look at the followers of the cluster.",
    "ForwardTimeout": "Write the same events again; connect to the leader (`node_preference=leader`).",
    "NotHandled": "Repeat the request later. The client has done so until the deadline of the call.",
    "NotReady": "Wait until the node has started, or the cluster has elected a leader.",
    "TooBusy": "Send fewer requests at once, for example through `rate_limit`.",
    "NotLeader": "Connect to the cluster (`tcp+discover://`) and not to a single node.",
    "IsReadOnly": "Connect to the cluster and not to a read-only replica.",
    "IndexesNotReady": "Wait until `current` has reached `target`, or read without the index.",
    "CannotListen": "Use another port, or end the program that listens on it. Port 0 is a free one.",
    "BadCertificate": (
        "Correct what `reason` names: both files are in PEM format, and the key belongs to the certificate."
    ),
    "DamagedRecord": "Run `rxpump check` on the file, which lists all damage, and restore the file from a backup.",
    "StoreError": "Correct what `reason` names: the path, its permissions, or another server that has the file open.",
    "StoreNotFound": "Correct the path, or create its directory.",
    "StoreUnreadable": "Grant the user of the process the right to read the file, or correct the path.",
    "StoreReadOnly": "Grant the user of the process the right to write to the file and its directory.",
    "NotAStore": "Correct the path. An existing file of another kind is never changed.",
    "DamagedStore": "Restore the file from a backup.",
    "StoreTooNew": "Install the version of rxpump that wrote the file, or a later one.",
    "StoreTooOld": "Upgrade the file as `reason` describes.",
    "StoreInUse": "End the other server, or connect to it instead of opening its file.",
    "NotRunning": "Use the object in a `with` or `async with` block, or call `start()` first.",
    "NoQuorum": "Start nodes, or join the parts of the cluster again, before a leader is elected.",
    "NoLeader": "Call `elect()`.",
}
"""Remedy for each public error, in Markdown, by the name of its class."""
