"""The module that `python -m rxpump` runs: the `rxpump` command."""

from rxpump.cli.__main__ import main

if __name__ == "__main__":
    main()
