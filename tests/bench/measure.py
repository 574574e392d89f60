"""Timing: contestants take turns, so that whatever slows the machine down slows all of them; medians and spread."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
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
    "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
    "DVC_NO_ANALYTICS": "1",
}
"""Compiled Python files are written, as they are for any user; no settings from outside."""

MAXRSS = 1 if sys.platform == "darwin" else 1024
"""The unit of `ru_maxrss`, in bytes. A child's counts from what its parent had: the benchmark itself stays small."""


_AT_HAND = 3 << 30


@dataclass(frozen=True, slots=True)
class Times:
    """The seconds of all rounds of one contestant; the most memory and the most reading of a round, in bytes."""

    seconds: tuple[float, ...]
    memory: int = 0
    read: int = 0
    processor: tuple[float, ...] = ()
    """The processor seconds of each round, where one is one program."""
    later: tuple[float, ...] = ()
    """What the system took after each round to write what the contestant had left unwritten, where that was awaited."""

    @property
    def median(self) -> float:
        """In seconds."""
        return statistics.median(self.seconds)

    @property
    def until_on_disk(self) -> float:
        """The median when each round ends only when all that it wrote is on disk, in seconds."""
        return statistics.median(map(sum, zip(self.seconds, self.later, strict=True)))

    def __str__(self) -> str:
        if self.median < 1:
            return f"{1000 * self.median:7.0f} ms  ({1000 * min(self.seconds):.0f}-{1000 * max(self.seconds):.0f})"
        return f"{self.median:7.2f} s   ({min(self.seconds):.2f}-{max(self.seconds):.2f})"


def merged(rounds: Iterable[Times]) -> Times:
    """All rounds as one."""
    every = list(rounds)
    seconds = tuple(chain.from_iterable(times.seconds for times in every))
    later = tuple(chain.from_iterable(times.later for times in every))
    processor = tuple(chain.from_iterable(times.processor for times in every))
    memory, read = max(times.memory for times in every), max(times.read for times in every)
    return Times(seconds, memory, read, processor, later)


def in_sequence(commands: Iterable[Times]) -> Times:
    """One round that consists of several commands."""
    every = list(commands)
    memory = max((times.memory for times in every), default=0)
    return Times((sum(sum(times.seconds) for times in every),), memory, sum(times.read for times in every))


def command(arguments: Sequence[str], folder: Path, environment: Mapping[str, str] = ENVIRONMENT) -> Times:
    """Run a program in silence, once. Raises CalledProcessError."""
    with open(os.devnull, "r+b") as null, open(folder.parent / "stderr", "w+b") as told:
        read = _read_by_children()
        started = time.perf_counter()
        child = subprocess.Popen(arguments, cwd=folder, env=environment, stdin=null, stdout=null, stderr=told)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 0:
            told.seek(0)
            raise subprocess.CalledProcessError(child.returncode, arguments, stderr=told.read().decode())
    processor = usage.ru_utime + usage.ru_stime
    return Times((seconds,), usage.ru_maxrss * MAXRSS, _read_by_children() - read, (processor,))


def have_memory_at_hand() -> None:
    """Have the system own free memory, whatever it was doing before: about as much as an act on 1 GB takes.

    A virtual machine that rests gives its free memory back to its host, and whoever writes next waits for having it
    again: up to 1.5 s a GB were seen, several times what writing takes, and all of it luck of the order.
    """
    subprocess.run([sys.executable, "-S", "-c", f"bytearray(b'x') * {_AT_HAND}"], check=True)


def _read_by_children() -> int:
    """What this process and all that it waited for have read so far, in bytes; 0 where the system does not count it."""
    try:
        return int(Path("/proc/self/io").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0


def interleaved(contestants: Mapping[str, Callable[[], Times]], rounds: int) -> dict[str, Times]:
    """Let each contestant run once per round, after one round that does not count."""
    for run in contestants.values():
        run()
    times: dict[str, list[Times]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            times[name].append(run())
    return {name: merged(values) for name, values in times.items()}
