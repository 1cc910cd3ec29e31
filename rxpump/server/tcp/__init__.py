"""rxpump/server/tcp."""
