"""The options that every verb takes, before or after its name, and the run that they and the environment describe."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from mvc.cli.app import terminal
from mvc.cli.app.invocation import Invocation
from mvc.environment import Environment

_GIVEN = "mvc.given"
"""Where click keeps what was given."""
_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("-C", "directory"), {"metavar": "DIR", "help": "Run in DIR."}),
    (("--repo", "repo"), {"metavar": "PATH", "help": "The folder that holds .mvc."}),
    (("--model", "model_key"), {"metavar": "NAME", "help": "The model meant."}),
    (("-q", "--quiet", "quiet"), {"is_flag": True, "help": "Print ids only, or nothing."}),
    (("-v", "--verbose", "verbose"), {"count": True, "help": "Say more."}),
    (("--json", "as_json"), {"is_flag": True, "help": "Answer with a JSON document."}),
    (("--color", "color"), {"type": click.Choice(["auto", "always", "never"]), "help": "When to use colour."}),
    (("--no-pager", "no_pager"), {"is_flag": True, "help": "Do not use a pager."}),
    (
        ("--progress", "progress"),
        {"type": click.Choice(["auto", "bar", "plain", "none"]), "help": "How to show progress."},
    ),
    (
        ("--lock-timeout", "lock_timeout"),
        {"type": click.FloatRange(min=0), "metavar": "SEC", "help": "How long to wait for another command."},
    ),
    (("--offline", "offline"), {"is_flag": True, "help": "Ask no remote and no registry."}),
)
NAMES = tuple(declarations[-1] for declarations, _ in _OPTIONS)


class GlobalOption(click.Option):
    """An option that every verb takes, before or after its name; help shows those of the program only."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Its line in the help of the program, none in a verb's."""
        return super().get_help_record(ctx) if ctx.parent is None else None


def free(taken: Iterable[str] = ()) -> list[click.Parameter]:
    """The options for every verb, without those letters and words that a verb uses itself."""
    used = set(taken)
    made: list[click.Parameter] = []
    for declarations, attributes in _OPTIONS:
        free = [each for each in declarations if each not in used]
        if any(each.startswith("-") for each in free):
            made.append(GlobalOption(free, expose_value=False, callback=_remember, **attributes))
    return made


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Keep what was given; given twice, the verb's wins."""
    given = context.find_root().meta.setdefault(_GIVEN, {})
    if value is not None and value is not False:
        given[parameter.name] = given.get(parameter.name, 0) + value if parameter.name == "verbose" else value
    return value


def run_of(context: click.Context) -> Invocation:
    """The run that click's context belongs to."""
    given = context.find_root().meta.get(_GIVEN, {})
    environ = os.environ
    cwd = _folder(given.get("directory") or ".")
    root = given.get("repo") or environ.get("MVC_DIR")
    timeout = given.get("lock_timeout", environ.get("MVC_LOCK_TIMEOUT"))
    terminal.decide_colour(given.get("color", "auto"), environ)
    return Invocation(
        cwd=cwd,
        environ=environ,
        root=_root(cwd, root) if root else None,
        model_key=given.get("model_key") or environ.get("MVC_MODEL"),
        json=bool(given.get("as_json")),
        quiet=bool(given.get("quiet")),
        verbose=given.get("verbose", 0),
        pager=not given.get("no_pager"),
        progress_mode=given.get("progress", "auto"),
        lock_timeout=_seconds(timeout),
        offline=bool(given.get("offline")) or Environment(cwd, environ).offline,
    )


def _folder(text: str) -> Path:
    """The folder that the run is in, from the root of the filesystem."""
    try:
        folder = Path(os.path.abspath(text))
    except FileNotFoundError:
        raise click.UsageError("the current folder was deleted; go to another one") from None
    if not folder.is_dir():
        raise click.UsageError(f"{folder} is not a folder")
    return folder


def _root(cwd: Path, text: str) -> Path:
    """The folder that holds `.mvc`; the `.mvc` itself is fine too."""
    path = cwd / text
    return path.parent if path.name == ".mvc" else path


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    with contextlib.suppress(ValueError):
        if 0 <= (seconds := float(str(value))) < math.inf:
            return seconds
    raise click.UsageError(f"the lock timeout is {value}, not a number of seconds")
