"""The gRPC face of the embedded server (docs/protocol/grpc.md).

| module | job |
|---|---|
| `grpc_connection` | Pass bytes between a socket and the HTTP/2 machine, and start a task for each call. |
| `call` | Hold one call: its messages, its user, its response. |
| `leadership` | Refuse calls that only the leader serves. |
| `authentication` | Find the user of a call. |
| `method_table` | Name the handler of each method. |
| `services` | Handle the methods, one service a module. |
| `event_encoder` | Encode stored events as messages. |
| `call_errors` | Name the errors of calls, in the form that clients expect. |
"""
