"""The gRPC protocol of EventStoreDB and KurrentDB."""
