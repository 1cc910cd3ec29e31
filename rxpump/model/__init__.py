"""rxpump/model."""
