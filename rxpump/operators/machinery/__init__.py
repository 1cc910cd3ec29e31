"""rxpump/operators/machinery."""
