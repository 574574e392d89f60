"""The pager: long output is shown screen by screen, where there is a screen."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping

_DEFAULT = "less -FRX"


def page(text: str, pager: str | None, environ: Mapping[str, str]) -> None:
    """Show `text` through MVC_PAGER, the setting `pager`, PAGER or less, if it is longer than the screen.

    Straight on where there is no such program.
    """
    program = environ.get("MVC_PAGER") or pager or environ.get("PAGER") or _DEFAULT
    fits = text.count("\n") < shutil.get_terminal_size().lines
    if not sys.stdout.isatty() or fits or program == "cat":
        sys.stdout.write(text)
        return
    try:
        with subprocess.Popen(
            shlex.split(program), stdin=subprocess.PIPE, env={**os.environ, "LESSCHARSET": "utf-8"}
        ) as process:
            process.communicate(text.encode("utf-8", "replace"))
    except (OSError, ValueError):
        sys.stdout.write(text)
