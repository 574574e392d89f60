"""Commands that a verb runs: their words and their environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mvc.cli.app.command import Command

_OWN = "OPENBLAS_NUM_THREADS"
_ADDED = ("LC_CTYPE", _OWN)
"""Variables that Python and mvc set for themselves."""
_VARIABLES = Path("/proc/self/environ")


class Wrapper(Command):
    """A verb whose options end at the first word that is none: what follows is a command with options of its own."""

    allow_interspersed_args = False


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that the command would have without mvc."""
    try:
        given = {entry.partition(b"=")[0].decode("ascii", "replace") for entry in _VARIABLES.read_bytes().split(b"\0")}
    except OSError:
        given = set(environ) - {_OWN}
    return {name: value for name, value in environ.items() if name not in _ADDED or name in given}
