"""The options of every verb, before or after its name, and the Invocation that they and the environment describe."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from mvc import lazy
from mvc.cli.app import terminal
from mvc.cli.app.invocation import Invocation
from mvc.environment import Environment

if TYPE_CHECKING:
    from mvc import spans
else:
    spans = lazy.Module("mvc.spans")

Needs = Mapping[str, tuple[str, ...]]
"""Options that have no effect without one of some others."""
Apart = Iterable[tuple[str, str]]
"""Pairs of options of which one has no effect beside the other."""
_GIVEN = "mvc.given"
"""Key of the parsed options in click's context."""
_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("-C", "directory"), {"metavar": "DIR", "help": "Run as if started in DIR."}),
    (("--repo", "repo"), {"metavar": "PATH", "help": "Folder of the repository."}),
    (("--model", "model_key"), {"metavar": "NAME", "help": "Model to work on."}),
    (("-q", "--quiet", "quiet"), {"is_flag": True, "help": "Print only ids, or nothing."}),
    (("-v", "--verbose", "verbose"), {"count": True, "help": "Be more verbose."}),
    (("--json", "as_json"), {"is_flag": True, "help": "Print a JSON document."}),
    (("--color", "color"), {"type": click.Choice(["auto", "always", "never"]), "help": "When to use colour."}),
    (("--no-pager", "no_pager"), {"is_flag": True, "help": "Do not use a pager."}),
    (
        ("--progress", "progress"),
        {"type": click.Choice(["auto", "bar", "plain", "none"]), "help": "How to show progress."},
    ),
    (
        ("--lock-timeout", "lock_timeout"),
        {"type": click.FloatRange(min=0), "metavar": "SEC", "help": "Seconds to wait for the repository lock."},
    ),
    (
        ("--at-op", "at_op"),
        {"type": click.IntRange(min=1), "metavar": "N", "help": "Read refs and HEAD as they were after operation N."},
    ),
    (("--offline", "offline"), {"is_flag": True, "help": "Do not contact remotes or registries."}),
    (
        ("--force-policy", "force_policy"),
        {"metavar": "REASON", "help": "Pass policy rules that have force = true; the log keeps REASON."},
    ),
    (("--no-verify", "no_verify"), {"is_flag": True, "help": "Skip your hooks, but no rule of a policy."}),
)
_READING = frozenset({
    "alias", "bom", "branch", "card", "cat", "changelog", "check", "compare", "diff", "export", "grep", "log", "ls", "reflog", "rev-parse", "scan", "shortlog", "show",
    "status", "tag",
})  # fmt: skip
"""The verbs that take --at-op, unless they write."""
NAMES = tuple(declarations[-1] for declarations, _ in _OPTIONS)


class GlobalOption(click.Option):
    """An option of every verb, before or after its name; shown only in the help of the program."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return its line for the help of the program, None for that of a verb."""
        return super().get_help_record(ctx) if ctx.parent is None else None


class Span(click.ParamType):  # type: ignore[type-arg]  # not subscriptable when run
    """A duration: `14d`, `12h`, `0`."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return its seconds."""
        try:
            return spans.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _models(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    models: list[str] = lazy.load("mvc.cli.app.complete").SOURCES["MODEL"](context)
    return [name for name in models if name.startswith(incomplete)]


def _folders(_: click.Context, __: click.Parameter, incomplete: str) -> list[Any]:
    return [lazy.load("click.shell_completion").CompletionItem(incomplete, type="dir")]


_COMPLETE: dict[str, Callable[..., list[Any]]] = {"model_key": _models, "repo": _folders, "directory": _folders}


def free(taken: Iterable[str] = ()) -> list[click.Parameter]:
    """Return the options of every verb, without the names that a verb uses itself."""
    used = set(taken)
    made: list[click.Parameter] = []
    for declarations, attributes in _OPTIONS:
        free = [declaration for declaration in declarations if declaration not in used]
        if any(declaration.startswith("-") for declaration in free):
            made.append(
                GlobalOption(
                    free, expose_value=False, callback=_remember, shell_complete=_COMPLETE.get(free[-1]), **attributes
                )
            )
    return made


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Store a parsed option; the one after the verb wins."""
    given = context.find_root().meta.setdefault(_GIVEN, {})
    if value is not None and value is not False:
        given[parameter.name] = given.get(parameter.name, 0) + value if parameter.name == "verbose" else value
    return value


def run_of(context: click.Context) -> Invocation:
    """Return the Invocation of click's context."""
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
        at_op=_at_op(context, given.get("at_op")),
        force_policy=_reason(given.get("force_policy")),
        no_verify=bool(given.get("no_verify")) or Environment(cwd, environ).in_hook,
        command=tuple(context.find_root().obj or ()),
    )


def _at_op(context: click.Context, number: int | None) -> int | None:
    """Return the number of the operation; raise UsageError for a verb that does not only read."""
    name = context.find_root().invoked_subcommand
    if number is not None and name is not None and name not in _READING:
        raise click.UsageError(f"--at-op is for commands that only read; `mvc op restore {number}` goes back")
    return number


def _reason(text: str | None) -> str:
    """Return the reason for which rules of the policy are passed; raise UsageError for an empty one."""
    if text is not None and not text.strip():
        raise click.UsageError("--force-policy needs a reason, which is recorded")
    return text or ""


def _folder(text: str) -> Path:
    """Return the absolute path of the working folder."""
    try:
        folder = Path(os.path.abspath(text))
    except FileNotFoundError:
        raise click.UsageError("the current folder was deleted; change to another one") from None
    if not folder.is_dir():
        raise click.UsageError(f"{folder} is not a folder")
    return folder


def _root(cwd: Path, text: str) -> Path:
    """Return the folder that has `.mvc`; `text` may also name the `.mvc` itself."""
    path = cwd / text
    return path.parent if path.name == ".mvc" else path


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    with contextlib.suppress(ValueError):
        if 0 <= (seconds := float(str(value))) < math.inf:
            return seconds
    raise click.UsageError(f"invalid lock timeout {value}: expected a number of seconds")


def check_partners(context: click.Context, needs: Needs, apart: Apart) -> None:
    """Raise UsageError for an option that is given without one that it needs, or beside one that leaves it without effect."""
    given = {
        option
        for parameter in context.command.params
        if parameter.name and context.get_parameter_source(parameter.name) == ParameterSource.COMMANDLINE
        for option in parameter.opts
    }
    for option, partners in needs.items():
        if option in given and not given.intersection(partners):
            raise click.UsageError(f"{option} needs {' or '.join(partners)}", context)
    for one, other in apart:
        if one in given and other in given:
            raise click.UsageError(f"{one} cannot be combined with {other}", context)
