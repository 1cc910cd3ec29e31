"""Where events are kept: one SQLite database, in a file or in memory."""
