"""The child that runs one command: stopped before a step, or with a step that fails, as an act says.

Run as a program it is the parent of such children: it has loaded mvc and nothing else, so that a fork of it is cheap. It
reads a request a line, and answers each with a line.
"""

from __future__ import annotations

import errno
import gc
import importlib
import json
import os
import pkgutil
import random
import re
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from blake3 import blake3

import mvc
from mvc import deferred
from mvc.cli.app.main import run
from mvc.storage.disk import primitives
from mvc.storage.records import journal

KILLED = 137
SYNCS = ("fsync", "fsync-folder")
_LEFTOVER = re.compile(r"^\.mvc[^/]*/(?:tmp|probe)/")
"""A file that is being written, or tried out, in a repository or in a remote beside it."""
_TEMPORARY = re.compile(r"[0-9a-f]{8}(?:\.[0-9a-f]+){4}\.[0-9]+")
"""The name of a temporary file."""

Act = Callable[[int, str, str], None]
"""Called before each step with its number, its name and its path."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended: exit code, both streams, and the steps it took, with their names (none when it was killed)."""

    code: int
    output: str
    steps: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KillBefore:
    """End the process before a step, as SIGKILL would: nothing is unwound."""

    number: int

    def __call__(self, count: int, name: str, path: str) -> None:
        if count == self.number:
            os._exit(KILLED)


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Interrupt the process before a step, as Ctrl-C would; not before a removal, which undoes something."""

    number: int

    def __call__(self, count: int, name: str, path: str) -> None:
        if count == self.number and name != "unlink":
            raise KeyboardInterrupt


@dataclass(frozen=True, slots=True)
class Fail:
    """Have a step (with `on`: and every one after it) fail with an error."""

    number: int
    code: int
    on: bool = False

    def __call__(self, count: int, name: str, path: str) -> None:
        if count == self.number or (self.on and count > self.number):
            raise OSError(self.code, errno.errorcode[self.code], path)


@dataclass(slots=True)
class Record:
    """Copy the repository into `folder/NUMBER` before each step at which its disk differs from all copies so far.

    A copy holds what SIGKILL before that step leaves: steps follow one another in one thread.
    """

    folder: str
    last: str = ""
    seen: tuple[str, ...] = ()

    def __call__(self, count: int, name: str, path: str) -> None:
        last, self.last = self.last, name
        if last in SYNCS:  # changed nothing that a kill leaves: only a loss of power could tell
            return
        left = disk(Path.cwd())
        if left not in self.seen:
            self.seen = (*self.seen, left)
            shutil.copytree(Path.cwd(), os.path.join(self.folder, str(count)), symlinks=True)


@dataclass(frozen=True, slots=True)
class Repeat:
    """Do nothing: the command runs with random names of its own that are the same each time."""

    def __call__(self, count: int, name: str, path: str) -> None:
        pass


FORKED = (KillBefore, Interrupt, Fail, Record, Repeat)
"""The acts that the program knows."""


def disk(root: Path, *, leftovers: bool = True) -> str:
    """Return a digest of all that is on the disk below `root`, but for what carries no data and differs from run to run.

    The caches count by the names in them alone, and so do temporary files, since they are complete before a record names
    them; without `leftovers` these do not count at all.
    """
    hasher = blake3()
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_dir() or name == ".mvc/lock":
            continue
        mode, data = str(path.stat().st_mode), b""
        if _LEFTOVER.search(name):
            if not leftovers:
                continue
            mode = ""
        elif name == ".mvc/journal":
            data = repr(journal.Journal.decode(path.read_bytes())).encode()
        elif not name.startswith(".mvc/cache/"):
            data = path.read_bytes()
        parts = (_TEMPORARY.sub("", name), mode, _TEMPORARY.sub("", data.decode("latin-1")))
        hasher.update(repr(parts).encode())
    return hasher.hexdigest()


def load() -> None:
    """Import all that a command may need, once, and not in each child."""
    for info in pkgutil.walk_packages(mvc.__path__, "mvc."):
        if not info.name.endswith("__main__"):
            importlib.import_module(info.name)
    for name in ("pyfastcdc", "git"):
        importlib.import_module(name)
    for name, module in [*sys.modules.items()]:
        if name.partition(".")[0] == "mvc":
            _compile_deferred(module)


def _compile_deferred(module: ModuleType) -> None:
    """Make what `mvc.deferred` makes on first use, which takes a third of the time of a small command."""
    regex: Any = deferred.regex
    for value in [*vars(module).values()]:
        if isinstance(value, regex):
            _ = value.match, value.search, value.fullmatch
        elif isinstance(value, type) and value.__module__ == module.__name__:
            for name, attribute in [*vars(value).items()]:
                if isinstance(attribute, deferred._Placeholder):
                    getattr(value, name)


def fork(folder: str, arguments: Sequence[str], act: Act | None, environ: Mapping[str, str]) -> Outcome:
    """Run `mvc ARGUMENTS` in `folder` in a child of this process."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as counter:
        child = os.fork()
        if child == 0:
            _child(folder, arguments, act, environ, output.fileno(), counter.fileno())
        _, status = os.waitpid(child, 0)
        output.seek(0)
        counter.seek(0)
        text = output.read().decode("utf-8", "replace")
        names = tuple(counter.read().decode().split())
        return Outcome(os.waitstatus_to_exitcode(status), text, len(names), names)


def request(
    folder: str,
    arguments: Sequence[str],
    act: KillBefore | Interrupt | Fail | Record | Repeat | None,
    environ: Mapping[str, str],
) -> str:
    """The line that asks for the same of the program."""
    said = [type(act).__name__, asdict(act)] if act is not None else None
    return json.dumps([folder, list(arguments), said, dict(environ)])


def _serve() -> None:
    load()
    gc.freeze()  # so that no child copies the memory of what it has in common with us
    for line in sys.stdin:
        folder, arguments, said, environ = json.loads(line)
        act = {each.__name__: each for each in FORKED}[said[0]](**said[1]) if said else None
        print(json.dumps(asdict(fork(folder, arguments, act, environ))), flush=True)  # noqa: T201 - the answer


def _child(
    folder: str, arguments: Sequence[str], act: Act | None, environ: Mapping[str, str], output: int, counter: int
) -> None:
    code = 99
    try:
        environ = dict(environ)
        os.environ.clear()
        os.environ.update(environ)
        os.chdir(folder)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
        names: list[str] = []

        def step(name: str, path: str) -> None:
            names.append(f"{name}-journal" if os.path.basename(path) == journal.NAME else name)
            if act is not None:
                act(len(names), name, path)

        primitives.on_step = step
        if act is not None:  # so that what two runs leave can be compared
            os.urandom = random.Random(isinstance(act, Repeat)).randbytes
        code = _run(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
        os.pwrite(counter, " ".join(names).encode(), 0)
    except BaseException:  # noqa: BLE001 - a child of a test must never return into the test
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _run(arguments: Sequence[str]) -> int:
    try:
        return run(list(arguments))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1


def answered(line: str) -> Outcome:
    """The outcome in an answer."""
    values: dict[str, Any] = json.loads(line)
    return Outcome(**{**values, "names": tuple(values["names"])})


if __name__ == "__main__":
    _serve()
