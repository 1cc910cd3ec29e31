"""Where the `rxpump` command starts (also `python -m rxpump` and `python -m rxpump.cli`)."""

from __future__ import annotations

import sys
from importlib.util import find_spec

_NEEDED = ("click", "rich")

_missing = [name for name in _NEEDED if find_spec(name) is None]
if not _missing:
    from rxpump.cli.commands import rxpump


def main() -> None:
    """Run the command line, or say what it takes to have one."""
    if _missing:
        sys.exit(f"rxpump: {' and '.join(_missing)} not installed; the command line wants: pip install 'rxpump[cli]'")
    rxpump()


if __name__ == "__main__":
    main()
