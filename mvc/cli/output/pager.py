"""The pager for output that is longer than the screen."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping

from mvc.cli.output import screen

_DEFAULT = "less -FRX"


def page(text: str, pager: str | None, environ: Mapping[str, str]) -> None:
    """Show `text` through MVC_PAGER, the setting `pager`, PAGER or less, if it is longer than the screen.

    Without such a program, write it directly.
    """
    program = _program(environ.get("MVC_PAGER") or pager or environ.get("PAGER") or _DEFAULT)
    size = shutil.get_terminal_size()
    fits = screen.rows(text, size.columns) < size.lines
    if not sys.stdout.isatty() or fits or program in ([], ["cat"]):
        sys.stdout.write(text)
        return
    try:
        with (
            _interrupts_ignored(),
            subprocess.Popen(program, stdin=subprocess.PIPE, env={**os.environ, "LESSCHARSET": "utf-8"}) as process,
        ):
            process.communicate(screen.encoded(text))
    except OSError:
        sys.stdout.write(text)


def _program(text: str) -> list[str]:
    """Return a pager and its options; empty if `text` is not valid shell syntax."""
    try:
        return shlex.split(text)
    except ValueError:
        return []


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Leave Ctrl-C to the pager, which may use it to stop a search; without its parent it would keep running alone.

    A handler that does nothing, since a child process would inherit SIG_IGN.
    """
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
