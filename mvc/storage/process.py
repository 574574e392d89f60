"""Who made a temporary file, written in its name, so that the next writer knows which leftovers nobody wants.

    tmp/<host>.<boot>.<pid>.<start>.<random>.<n>

A file is left over when its process is gone: same machine and another boot, or same boot and no such process with that
start time. Files of another machine (a repository on a network filesystem) are left alone.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from mvc.model.ids import digest

_PARTS = 6


@functools.cache
def host() -> str:
    """This machine's name."""
    return os.uname().nodename or "localhost"


@functools.cache
def _boot() -> str:
    """What changes with every boot, where the system tells."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
    except OSError:
        return "0"


def _start_of(pid: int) -> str | None:
    """When a process started, in the system's own unit; None when there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="latin-1").rpartition(")")[2].split()
        return fields[19]
    except FileNotFoundError:
        return None if Path("/proc/self").exists() or not _alive(pid) else "0"
    except OSError:
        return "0"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _machine() -> str:
    return digest(host().encode())[:8]


def temporary_names() -> Iterator[str]:
    """Names for this process's temporary files, none given twice."""
    for number in itertools.count():
        yield f"{_machine()}.{_boot()}.{os.getpid()}.{_start_of(os.getpid())}.{os.urandom(6).hex()}.{number}"


def is_gone(name: str) -> bool:
    """Whether the process that made the temporary file `name` is known to have ended."""
    parts = name.split(".")
    if len(parts) != _PARTS or not parts[2].isdigit():
        return False
    machine, boot, pid, start = parts[:4]
    if machine != _machine():
        return False
    return boot != _boot() or _start_of(int(pid)) != start


@functools.cache
def umask() -> int:
    """The permission bits that this process's user withholds from new files."""
    try:
        for line in Path("/proc/self/status").read_text(encoding="latin-1").splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    except OSError:
        pass
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
