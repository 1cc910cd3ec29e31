"""rxpump/backpressure."""
