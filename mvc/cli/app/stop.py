"""Ctrl-C and SIGTERM: print "stopping", unwind, and exit within two seconds.

    signal ─ "mvc: stopping" ─ KeyboardInterrupt, Ended ─ locks and temporary files released ─ exit code 130, 143
                            └─ two seconds later, or at the next signal: the process ends as it is

An exit at any moment loses no committed version (P1 of docs/concepts/promises.md), so slow uploads and disks are not
waited for.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING

from mvc import lazy

if TYPE_CHECKING:
    import threading

INTERRUPTED = 130
TERMINATED = 143
GRACE = 1.7
"""Seconds that unwinding may take before the process ends."""
_CODES = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}


class Ended(BaseException):
    """The run was ended by a signal, with the exit code `code`. Derived from no class that click handles."""

    def __init__(self, code: int) -> None:
        """Keep the exit code."""
        super().__init__(code)
        self.code = code


@contextlib.contextmanager
def on_signals(arguments: Sequence[str]) -> Iterator[None]:
    """Handle both signals while the block runs, unless they are ignored or this is not the main thread.

    With --json in `arguments`, nothing is printed, since stderr has JSON. Raises Ended in the main thread.
    """
    silent = any(argument == "--json" or argument.startswith("--json=") for argument in arguments)
    stop = _Stop(silent=silent)
    before = {}
    with contextlib.suppress(ValueError):  # not the main thread, which owns the signals
        for number in _CODES:
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, stop.handle)
    try:
        yield
    finally:
        stop.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


class _Stop:
    """The signal handler of a run."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self._timer: threading.Timer | None = None

    def handle(self, number: int, _: FrameType | None) -> None:
        """Raise Ended; at the second signal, exit."""
        code = _CODES[signal.Signals(number)]
        if self._timer is not None:
            os._exit(code)
        timer: threading.Timer = lazy.load("threading").Timer(GRACE, os._exit, [code])
        timer.daemon = True
        timer.start()
        self._timer = timer
        if not self._silent:
            clear = "\r\x1b[K" if sys.stderr.isatty() else ""
            with contextlib.suppress(OSError):  # no buffer: the signal may have come within a write of one
                os.write(2, f"{clear}mvc: stopping\n".encode())
        raise Ended(code)

    def cancel(self) -> None:
        """Cancel the exit."""
        if self._timer is not None:
            self._timer.cancel()
