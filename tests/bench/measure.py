"""Timing: contestants take turns, so that whatever slows the machine down slows all of them; medians and spread."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("MVC_", "GIT_", "PYTHON"))} | {
    "MVC_AUTHOR_NAME": "Ana",
    "MVC_AUTHOR_EMAIL": "ana@example.org",
    "MVC_CONFIG": "/nonexistent/mvc.toml",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ana",
    "GIT_AUTHOR_EMAIL": "ana@example.org",
    "GIT_COMMITTER_NAME": "Ana",
    "GIT_COMMITTER_EMAIL": "ana@example.org",
    "RESTIC_PASSWORD": "bench",
    "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
    "DVC_NO_ANALYTICS": "1",
}
"""Compiled Python files are written, as they are for any user; no settings from outside."""


@dataclass(frozen=True, slots=True)
class Times:
    """The seconds of all rounds of one contestant, and the most memory a round took (bytes, None when not watched)."""

    seconds: tuple[float, ...]
    memory: int | None = None

    @property
    def median(self) -> float:
        """In seconds."""
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        if self.median < 1:
            return f"{1000 * self.median:7.0f} ms  ({1000 * min(self.seconds):.0f}-{1000 * max(self.seconds):.0f})"
        return f"{self.median:7.2f} s   ({min(self.seconds):.2f}-{max(self.seconds):.2f})"


def command(arguments: Sequence[str], folder: Path) -> float:
    """Run a program in silence; its seconds from start to end. Raises CalledProcessError."""
    return timed(arguments, folder)[0]


def timed(arguments: Sequence[str], folder: Path) -> tuple[float, int]:
    """Run a program in silence; its seconds, and the most memory it held, in bytes. Raises CalledProcessError."""
    with open(os.devnull, "r+b") as null, open(folder.parent / "stderr", "w+b") as told:
        started = time.perf_counter()
        child = subprocess.Popen(arguments, cwd=folder, env=ENVIRONMENT, stdin=null, stdout=null, stderr=told)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            told.seek(0)
            raise subprocess.CalledProcessError(child.returncode, arguments, stderr=told.read().decode())
    return seconds, usage.ru_maxrss * 1024


def interleaved(contestants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Times]:
    """Let each contestant run once per round, after one round that does not count."""
    for run in contestants.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            seconds[name].append(run())
    return {name: Times(tuple(values)) for name, values in seconds.items()}
