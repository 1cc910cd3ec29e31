"""The `rxpump` command: `rxpump serve` and `rxpump check`."""
