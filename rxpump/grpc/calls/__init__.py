"""The requests of the gRPC protocol as values, one module for each kind. Nothing here does input or output.

A function takes the arguments of a request, as `rxpump.model` has them, and returns an `Operation`: the messages to
send, and the meaning of the messages that the server answers with.
"""
