"""Errors as text or JSON on stderr, and as exit codes."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from typing import TYPE_CHECKING

import click

from mvc import errors, lazy
from mvc.cli.app import terminal
from mvc.cli.output import screen

if TYPE_CHECKING:
    from mvc.model.toml import secrets
else:
    secrets = lazy.Module("mvc.model.toml.secrets")

FATAL = 128
USAGE = 2
IN_PART = 3
"""Exit code if versions were left out, and the others were published or imported."""


def report(error: BaseException, arguments: list[str]) -> int:
    """Print an error on stderr; return the exit code."""
    code, kind, *texts = _classified(error, arguments)
    redact = secrets.redact
    message, hint = (redact(text) for text in texts)
    with contextlib.suppress(OSError):  # stderr is closed: the exit code is enough
        if os.environ.get("MVC_TRACE") == "1":
            sys.stderr.write(redact("".join(traceback.format_exception(error))))
        if any(argument == "--json" or argument.startswith("--json=") for argument in arguments):
            record = {"schema": "mvc.error/1", "code": code, "kind": kind, "message": message, "hint": hint}
            sys.stderr.write(terminal.json_line(record))
        else:
            lines = [f"mvc: {message}", f"  {hint}"] if hint else [f"mvc: {message}"]
            rows = [row for line in lines for row in terminal.escape(line, keep_newlines=True).split("\n")]
            columns = screen.columns(sys.stderr)
            sys.stderr.write("".join(f"{part}\n" for row in rows for part in screen.wrapped(row, columns)))
        sys.stderr.flush()
    return code


def _classified(error: BaseException, arguments: list[str]) -> tuple[int, str, str, str]:
    """Return exit code, kind, message and hint."""
    if isinstance(error, PermissionError):
        error = errors.Denied(what=error.filename or "the system", reason=error.strerror or str(error))
    if isinstance(error, errors.MvcError):
        return error.exit_code, error.kind, error.message, error.hint
    if isinstance(error, click.ClickException):
        return USAGE, "usage", _message(error, arguments), _usage(error)
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return FATAL, "system", f"{where}{error.strerror or error}", ""
    if isinstance(error, MemoryError):
        return FATAL, "memory", "not enough memory", ""
    hint = "Please report this with the output of MVC_TRACE=1; committed versions are not affected."
    return FATAL, "internal", f"internal error: {type(error).__name__}: {error}", hint


def _message(error: click.ClickException, arguments: list[str]) -> str:
    """Return the message of a usage error; an unknown option of Git's names what to use instead."""
    message = error.format_message()
    if not isinstance(error, click.UsageError) or error.ctx is None:
        return message
    verb = error.ctx.command_path.partition(" ")[2]
    if verb and message.startswith("Got unexpected extra argument"):
        return str(lazy.load("mvc.cli.git.words").extra_argument(verb, message))
    if not isinstance(error, click.NoSuchOption):
        return message
    known = [option for parameter in error.ctx.command.params for option in parameter.opts]
    return str(lazy.load("mvc.cli.git.words").unknown_option(verb, error.option_name, known, arguments))


def _usage(error: click.ClickException) -> str:
    """Return the hint of a usage error."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"Run `{context.command_path} --help` for usage." if context else ""
