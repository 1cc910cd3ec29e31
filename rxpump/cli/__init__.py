"""The `rxpump` command: one module for each subcommand, or for a few related ones. See docs/command-line.md."""
