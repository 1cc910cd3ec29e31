"""rxpump/server/access."""
