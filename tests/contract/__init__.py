"""Tests of the behavior that every transport must have. They run against the mock, TCP and gRPC transports."""
