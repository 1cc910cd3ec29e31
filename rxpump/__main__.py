"""Entry point of `python -m rxpump`, which runs the `rxpump` command."""

from rxpump.cli.__main__ import main

if __name__ == "__main__":
    main()
