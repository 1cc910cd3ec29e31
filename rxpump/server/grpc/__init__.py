"""The gRPC interface of the embedded server (docs/protocol/grpc.md).

| module | job |
|---|---|
| `grpc_connection` | Pass bytes between a socket and the HTTP/2 machine, and start a task for each call. |
| `call` | Represent one call with its messages, its user and its response. |
| `leadership` | Refuse calls that only the leader serves. |
| `authentication` | Find the user of a call. |
| `method_table` | Map each method to its handler. |
| `services` | Handle the methods, one module for each service. |
| `event_encoder` | Encode stored events as messages. |
| `call_errors` | Create the errors of calls, in the form that clients expect. |
"""
