"""Names of temporary files: each contains its process id, so that the next writer finds leftovers.

    tmp/<host>.<boot>.<namespace>.<pid>.<start>.<random>.<n>

A file is a leftover once its process has ended. That is known only for the same boot and the same namespace of process
numbers: containers often share a host name, and number their processes from 1, so host and number do not identify a
process. Files of other boots, containers and machines count as leftovers once they are old.
"""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from mvc.deferred import regex
from mvc.model.ids import digest

_PARTS = 7
_NAME = regex(r"[0-9A-Za-z_-]{1,64}(?:\.[0-9A-Za-z_-]{1,64}){2,9}\Z")


@functools.cache
def host() -> str:
    """Return this machine's name."""
    return os.uname().nodename or "localhost"


@functools.cache
def _boot() -> str:
    """Return the id of this boot; "0" if the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
    except OSError:
        return "0"


@functools.cache
def _namespace() -> str:
    """Return the id of the process namespace; "0" if the system has none."""
    try:
        return f"{os.stat('/proc/self/ns/pid').st_ino:x}"
    except OSError:
        return "0"


def _start_of(pid: int) -> str:
    """Return the start time of a process, in the system's own unit; "0" if unknown, or without such a process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="latin-1").rpartition(")")[2].split()[19]
    except (OSError, IndexError):  # works even if other users' processes are hidden
        return "0"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _machine() -> str:
    return digest(host().encode())[:8]


def temporary_names() -> Iterator[str]:
    """Yield unique names for this process's temporary files."""
    pid, token = os.getpid(), os.urandom(6).hex()
    for number in itertools.count():
        yield f"{_machine()}.{_boot()}.{_namespace()}.{pid}.{_start_of(pid)}.{token}.{number}"


def is_temporary_name(name: str) -> bool:
    """Return whether `name` has the form of the names of temporary files."""
    return _NAME.match(name) is not None


def is_gone(name: str) -> bool | None:
    """Return whether the process of the temporary file `name` has ended; None if it is unknown."""
    parts = name.split(".")
    if len(parts) != _PARTS or not parts[3].isdigit():
        return None
    machine, boot, namespace, pid, start = parts[:5]
    if "0" in (boot, namespace) or (machine, boot, namespace) != (_machine(), _boot(), _namespace()):
        return None
    return not _is_alive(int(pid)) or _start_of(int(pid)) not in ("0", start)


@functools.cache
def umask() -> int:
    """Return the permission bits that this process's user withholds from new files."""
    try:
        for line in Path("/proc/self/status").read_text(encoding="latin-1").splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    except OSError:
        pass
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
