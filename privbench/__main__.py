"""The command line: ``privbench``, and ``python -m privbench``."""

from __future__ import annotations

import signal

# What takes a moment to import has computed nothing: an interrupt ends it without a traceback.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

from privbench.cli import main

if __name__ == "__main__":
    main()
