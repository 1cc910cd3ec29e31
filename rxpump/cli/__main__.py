"""Entry point of the `rxpump` command, `python -m rxpump` and `python -m rxpump.cli`."""

from __future__ import annotations

import sys
from importlib.util import find_spec

_NEEDED = ("click", "rich")

_missing = [name for name in _NEEDED if find_spec(name) is None]
if not _missing:
    from rxpump.cli.commands import rxpump


def main() -> None:
    """Run the command, or exit with a message that names the packages to install."""
    if _missing:
        sys.exit(f"rxpump: not installed: {', '.join(_missing)}. Install the command line: pip install 'rxpump[cli]'")
    rxpump()


if __name__ == "__main__":
    main()
