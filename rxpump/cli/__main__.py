"""Entry point of the `rxpump` command, `python -m rxpump` and `python -m rxpump.cli`."""

from __future__ import annotations

import signal
import sys
from importlib.util import find_spec

# Until a command runs, Ctrl-C ends the process without a traceback.
_on_sigint = signal.getsignal(signal.SIGINT)
if _on_sigint is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

_NEEDED = ("click", "rich")

_missing = [name for name in _NEEDED if find_spec(name) is None]
if not _missing:
    from rxpump.cli.commands import rxpump
    from rxpump.cli.completion import COMPLETE_VARIABLE
    from rxpump.cli.log_lines import show_log


def main() -> None:
    """Run the command, or exit with a message that names the packages to install."""
    if _missing:
        sys.exit(f"rxpump: not installed: {', '.join(_missing)}. Install the command line: pip install 'rxpump[cli]'")
    signal.signal(signal.SIGINT, _on_sigint)
    show_log()
    rxpump(complete_var=COMPLETE_VARIABLE)


if __name__ == "__main__":
    main()
