"""The command line: `rxpump serve`."""
