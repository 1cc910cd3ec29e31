"""gRPC over HTTP/2, without input or output: messages, metadata, statuses, and the two sides of one call.

The specification is "gRPC over HTTP2" (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
"""
