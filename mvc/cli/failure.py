"""What a person, or a program, reads when a command could not do its work; the one place that says it."""

from __future__ import annotations

import json
import os
import sys
import traceback

import click

from mvc import errors
from mvc.cli import terminal

FATAL = 128
USAGE = 2


def report(error: BaseException, arguments: list[str]) -> int:
    """Say on stderr what happened; the exit code."""
    if os.environ.get("MVC_TRACE") == "1":
        traceback.print_exception(error)
    code, kind, message, hint = _told(error)
    if any(argument == "--json" or argument.startswith("--json=") for argument in arguments):
        record = {"schema": "mvc.error/1", "code": code, "kind": kind, "message": message, "hint": hint}
        sys.stderr.write(json.dumps(record, ensure_ascii=False) + "\n")
        return code
    lines = [f"mvc: {terminal.escape(message, keep_newlines=True)}"]
    if hint:
        lines.append(f"  {terminal.escape(hint, keep_newlines=True)}")
    sys.stderr.write("\n".join(lines) + "\n")
    return code


def _told(error: BaseException) -> tuple[int, str, str, str]:
    """Exit code, kind, message and hint."""
    if isinstance(error, errors.MvcError):
        return error.exit_code, error.kind, error.message, error.hint
    if isinstance(error, click.ClickException):
        hint = _usage(error)
        return USAGE, "usage", error.format_message(), hint
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return FATAL, "system", f"{where}{error.strerror or error}", ""
    if isinstance(error, MemoryError):
        return FATAL, "memory", "there is not enough memory", ""
    hint = "Please report this, with what MVC_TRACE=1 shows; nothing that was committed is touched."
    return FATAL, "internal", f"internal error: {type(error).__name__}: {error}", hint


def _usage(error: click.ClickException) -> str:
    """Where a usage error's answer is."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"`{context.command_path} --help` shows how it is used." if context else ""
