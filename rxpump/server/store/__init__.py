"""The store of events: one SQLite database, in a file or in memory."""
