"""The services of the gRPC face, one a module."""
