"""`mvc run`: its options, its messages, and how it ends: as the command that it ran."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from mvc import errors
from mvc.cli.app import child, terminal
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.verb import verb
from mvc.storage.disk import exportdoor
from mvc.training.command import CommandRun, Options, run_command


@verb("run", cls=child.Wrapper, git=False)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[--] CMD [ARG]...")
@click.option(
    "--watch", multiple=True, metavar="PATH", help="Look for the run only here: its folder, its weights, or a pattern."
)
@click.option("--name", metavar="NAME", help="Name of the run (default: the time).")
@click.option("--branch", metavar="BRANCH", help="Branch that gets the version (default: the current one).")
@click.option("--alias", "aliases", multiple=True, metavar="ALIAS", help="Alias to move to the version.")
@click.option("--tag", "tags", multiple=True, metavar="NAME", help="Tag to create at the version.")
@click.option("-m", "--message", metavar="MSG", help="Message of the version (default: the run and the command).")
@click.option("--push", metavar="REMOTE", help="Push the branch to REMOTE in the background.")
@click.option("--keep-failed", is_flag=True, help="Record a failed command, too: on the branch run/NAME.")
@click.option("--strict", is_flag=True, help="Fail if the run cannot be recorded.")
@click.option("-o", "--output", metavar="FILE", help="Write the messages of mvc to FILE.")
def command(
    invocation: Invocation,
    command: tuple[str, ...],
    watch: tuple[str, ...],
    name: str | None,
    branch: str | None,
    aliases: tuple[str, ...],
    tags: tuple[str, ...],
    message: str | None,
    push: str | None,
    keep_failed: bool,
    strict: bool,
    output: str | None,
) -> int:
    """Run a command, and record the training run it leaves.

    CMD runs as without mvc: its input, output, signals and exit code are its own, and nothing that mvc meets makes it
    fail. Afterwards, the run that it wrote below the model's folder becomes a version, with the roles and values that
    `mvc add --run` gives it; several runs become a version each. The working tree, HEAD and model.toml stay as they are.

    Messages of mvc go to stderr: one line if there is a problem at the start, and what was recorded at the end. A command that fails is not
    recorded, unless --keep-failed. With --strict, the command does not start if its run could not be recorded, and an
    error of the recording is the exit code of a command that succeeded.
    """
    if not command:
        raise click.UsageError("missing command, as in `mvc run -- python train.py`")
    os.chdir(invocation.cwd)
    options = Options(
        path=_start(invocation),
        cwd=invocation.cwd,
        model=invocation.model_key,
        watch=watch,
        name=name,
        branch=branch,
        aliases=aliases,
        tags=tags,
        message=message,
        push=push,
        strict=strict,
        keep_failed=keep_failed,
    )
    lines: list[str] = []
    done = run_command(
        command, child.variables(invocation.environ), options, partial(_report, invocation, lines, output)
    )
    _finish(invocation, done, lines, output)
    if done.ending.signal is not None:
        _end_by(done.ending.signal)
    return done.exit_code


def _start(invocation: Invocation) -> Path:
    """Return the folder where the repository and the model are looked for."""
    root = invocation.root
    is_inside = root is None or invocation.cwd.is_relative_to(root)
    return invocation.cwd if is_inside or root is None else root


def _report(invocation: Invocation, lines: list[str], output: str | None, text: str) -> None:
    """Print a message of mvc, unless it goes to a file."""
    lines.append(text)
    if output is None:
        with contextlib.suppress(OSError):
            invocation.note(f"mvc: {text}")


def _finish(invocation: Invocation, done: CommandRun, lines: Sequence[str], output: str | None) -> None:
    """Write the JSON document, or the messages to a file; whatever fails is one more message."""
    text = "".join(f"{terminal.escape(line)}\n" for line in lines)
    if invocation.json:
        text = terminal.json_line({"schema": "mvc.run/1", **done.to_json()})
    with contextlib.suppress(OSError):
        if output is None and invocation.json:
            sys.stderr.write(text)
            sys.stderr.flush()
    if output is not None:
        try:
            with exportdoor.output(invocation.cwd / output) as write:
                write(text.encode("utf-8", "backslashreplace"))
        except (errors.MvcError, OSError) as error:
            with contextlib.suppress(OSError):
                sys.stderr.write(f"mvc: {terminal.escape(str(error))}\n")


def _end_by(number: int) -> None:
    """End this process by the signal that ended the command, so that its caller sees the same."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
