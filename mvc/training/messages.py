"""The texts of a run: its name, its message, and the lines that it reports."""

from __future__ import annotations

import contextlib
import secrets
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from mvc import errors
from mvc.model.paths import escape_name
from mvc.plural import first, size
from mvc.repository.record.files import Recorded
from mvc.training.plan import Report

_SHOWN = 3
"""Metrics in the message of a version, at most."""


def new_name() -> str:
    """Return a name for a run that has none: the local time, and four random digits."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"


def of_run(name: str, metrics: Mapping[str, float]) -> str:
    """Return the message of a version: `Run NAME: mAP50 0.71, recall 0.6`."""
    shown = first([f"{key} {value:.4g}" for key, value in metrics.items()], _SHOWN)
    return f"Run {name}: {shown}" if shown else f"Run {name}"


def marked(message: str, mark: str) -> str:
    """Return a message with a mark at the end of its first line."""
    subject, line, rest = message.strip().partition("\n")
    return f"{subject} ({mark}){line}{rest}" if subject else message


def of_lost(path: Path, key: str, best: float | None, new: float | None) -> str:
    """Return that worse weights overwrote the best ones, and what this means for the version."""
    was, now = (f"{key} {value:.4g}" if value is not None else f"no {key}" for value in (best, new))
    return (
        f"the best weights so far ({was}) were in {path}, which was overwritten: the version gets later weights ({now}), "
        "unless better ones follow. Give each candidate a file of its own, or write the file only for better weights"
    )


def of_version(done: Recorded) -> str:
    """Return `recorded helmets v7 5ffb45bbd0 on main, 5.2 MiB (3.0 MiB stored)`."""
    version = f"v{done.version.number} {done.id[:10]}"
    return (
        f"recorded {done.model} {version} on {done.branch}, {size(done.bytes_total)} ({size(done.bytes_stored)} stored)"
    )


def of_error(error: BaseException) -> str:
    """Return an error in one sentence, and for one of mvc the hint."""
    if isinstance(error, errors.MvcError):
        return " ".join(filter(None, (error.message, error.hint))).replace("\n", " ")
    text = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}{f': {text}' if text else ''}."


def lowered(sentence: str) -> str:
    """Return a sentence as a part of another one."""
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def report(text: str, sink: Report | None) -> None:
    """Report a text to `sink`, else on stderr; whatever fails there stays there."""
    line = escape_name(text)
    with contextlib.suppress(Exception):
        if sink is not None:
            sink(line)
        elif sys.stderr is not None:
            sys.stderr.write(f"mvc: {line}\n")
            sys.stderr.flush()
