"""The gRPC services of the embedded server, one module for each."""
