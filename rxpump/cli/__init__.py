"""The `rxpump` command, with one module for each subcommand or for related ones (docs/command-line.md)."""
