"""Help for testing programs that use rxpump."""
