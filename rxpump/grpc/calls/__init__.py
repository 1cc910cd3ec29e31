"""The requests of the gRPC protocol without input or output, a module for each kind.

A function takes the arguments of a request, as `rxpump.model` has them, and returns an `Operation`: the messages to
send, and the meaning of the messages that the server answers with.
"""
