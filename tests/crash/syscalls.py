"""The system calls of one command, recorded or tampered with by strace: from outside the door to the disk.

strace ─► one line a call ─► Call("renameat", path, target, …), in the order in which the calls ended
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.crash.harness import ENVIRONMENT, TOP, Outcome

CHANGING = (
    "openat", "write", "writev", "pwrite64", "ftruncate", "fallocate", "lseek", "rename", "renameat", "renameat2", "link",
    "linkat", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "fsync", "fdatasync", "copy_file_range", "sendfile",
)  # fmt: skip
"""Calls that change what a disk holds, or that say where the next one will."""
TAMPERED = (*(name for name in CHANGING if name != "lseek"), "flock", "fchmod")
"""Calls that a test lets fail, or kills the command at."""
_WRITING = ("write", "writev", "pwrite64")
_BEGIN = re.compile(r"(\d+) +(\w+)\(")
_LINE = re.compile(r"\d+ +(\w+)\((.*)\) += (-?\d+)(?:<((?:\\x[0-9a-f]{2})*)>)?")
_PART = re.compile(r'(-?\w+)<((?:\\x[0-9a-f]{2})*)>(?:\(deleted\))?|"((?:\\x[0-9a-f]{2})*)"|([\w|]+)')
_IN_AND_OUT = re.compile(r"(\d+) +(?:<\.\.\. (\w+) resumed>(.*)|(.*) <unfinished \.\.\.>)\Z")
PROGRAM = [sys.executable, "-c", "from mvc.cli.app.main import main; raise SystemExit(main())"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call that succeeded: its name, the paths it is about, the bytes it wrote, its numbers, and what it returned.

    `flags` are those of openat; `fd` is the descriptor that it used, or opened.
    """

    name: str
    paths: tuple[str, ...]
    data: bytes
    numbers: tuple[int, ...]
    result: int
    flags: str = ""
    fd: int = -1


def run(
    strace: str,
    folder: Path,
    arguments: Sequence[str],
    *,
    log: Path | None = None,
    inject: str | None = None,
    calls: Sequence[str] = CHANGING,
) -> Outcome:
    """Run `mvc ARGUMENTS` in `folder` under strace: its calls go to `log`; `inject` is what strace does to one (`-e inject=`)."""
    trace = ["-e", f"trace={','.join(calls)}"] if log is not None else []
    inject_ = ["-e", f"inject={inject}"] if inject is not None else []
    if log is None and inject is not None:
        trace = ["-e", f"trace={inject.partition(':')[0]}"]
    if inject is None:
        trace.append("--seccomp-bpf")  # faster; but strace then loses count of the calls that it is to tamper with
    command = [
        strace,
        "-f",
        "-qq",
        "-y",
        "-xx",
        "-s",
        "8000000",
        "-e",
        "signal=none",
        *trace,
        *inject_,
    ]
    environ = {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(TOP), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*command, "-o", str(log or os.devnull), *PROGRAM, *arguments],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
    )
    code = 128 + signal.SIGKILL if done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL) else done.returncode
    return Outcome(code, done.stdout, 0)


def read(log: Path, folder: Path) -> Iterator[Call]:
    """The calls in a log of a command that ran in `folder`; paths are absolute."""
    begun: dict[str, str] = {}
    for line in log.read_text(encoding="ascii", errors="replace").splitlines():
        whole = line
        cut = _IN_AND_OUT.match(line)
        if cut is not None and cut[4] is not None:
            begun[cut[1]] = cut[4]
            continue
        if cut is not None:
            whole = f"{cut[1]} {begun.pop(cut[1])}{cut[3]}"
        call = _parse(whole, folder)
        if call is not None:
            yield call


def points(log: Path, folder: Path) -> list[tuple[str, int]]:
    """Each call of the main thread that is about something in `folder`: its name, and its number among those of that name."""
    counts: dict[str, int] = {}
    found: list[tuple[str, int]] = []
    lines = log.read_text(encoding="ascii", errors="replace").splitlines()
    main = lines[0].split()[0] if lines else ""
    for line in lines:
        match = _BEGIN.match(line)
        if match is not None and match[1] == main:
            counts[match[2]] = counts.get(match[2], 0) + 1
            paths = _paths(match[2], line[match.end() :], folder)
            if any(path.startswith(f"{folder}/") for path in paths):
                found.append((match[2], counts[match[2]]))
    return found


def _parse(line: str, folder: Path) -> Call | None:
    match = _LINE.match(line)
    if match is None or int(match[3]) < 0:
        return None
    name, result = match[1], int(match[3])
    numbers: list[int] = []
    data, flags, fd = b"", "", -1
    for part in _PART.finditer(match[2]):
        if part[2] is not None and part[1].isdigit():
            fd = int(part[1])
        elif part[3] is not None and name in _WRITING:
            data += bytes.fromhex(part[3].replace("\\x", ""))
        elif part[4] is None:
            continue
        elif part[4].isdigit():
            numbers.append(int(part[4]))
        elif part[4].startswith("O_"):
            flags = part[4]
    if name == "openat":
        fd = result
    return Call(
        name, tuple(_paths(name, match[2], folder)), data[:result] if data else data, tuple(numbers), result, flags, fd
    )


def _paths(name: str, arguments: str, folder: Path) -> list[str]:
    """The paths that a call is about; those of the folders that others are relative to are not among them."""
    paths, at = [], str(folder)
    for part in _PART.finditer(arguments):
        if part[2] is not None:
            at = _text(part[2])
            if not name.endswith("at") and name != "renameat2":
                paths.append(at)
        elif part[3] is not None and name not in _WRITING:
            paths.append(os.path.normpath(os.path.join(at, _text(part[3]))))
    return paths


def _text(hexadecimal: str) -> str:
    return os.fsdecode(bytes.fromhex(hexadecimal.replace("\\x", "")))
