"""Stopping a command before any one of its steps, or making that step fail, in a forked child.

The child runs the real command line in process, so a point costs a fork and a copy of a small repository, not a start of
Python. `door.on_step` sees every change of the disk; `steps` counts them.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mvc.cli.main import VERBS, run
from mvc.porcelain import fsck
from mvc.repository.repository import Repository
from mvc.storage import door

for _module, _ in VERBS.values():
    importlib.import_module(f"mvc.cli.{_module}")
for _name in (
    "mvc.model.edit",
    "mvc.storage.ingest",
    "mvc.storage.extract",
    "mvc.storage.absence",
    "pyfastcdc",
    "mvc.storage.numbercodec",
    "mvc.formats.safetensors",
    "git",
):
    importlib.import_module(_name)  # once here, and not in each child

KILLED = 137
NEVER = 1 << 30

ENVIRONMENT = {
    "MVC_AUTHOR_NAME": "Ana",
    "MVC_AUTHOR_EMAIL": "ana@example.org",
    "MVC_AUTHOR_DATE": "@1770112800 +0100",
    "MVC_CONFIG": "/nonexistent/mvc.toml",
    "GIT_CEILING_DIRECTORIES": tempfile.gettempdir(),
    "NO_COLOR": "1",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended: exit code, both streams, and the steps it took (0 when it was killed)."""

    code: int
    output: str
    steps: int


def kill_before(number: int) -> Callable[[int, str, str], None]:
    """End the process before step `number`, as SIGKILL would: nothing is unwound."""

    def act(count: int, name: str, path: str) -> None:
        if count == number:
            os._exit(KILLED)

    return act


def fail(number: int, code: int, *, on: bool = False) -> Callable[[int, str, str], None]:
    """Have step `number` (with `on`: and every one after it) fail with the error `code`."""

    def act(count: int, name: str, path: str) -> None:
        if count == number or (on and count > number):
            raise OSError(code, errno.errorcode[code], path)

    return act


def command(folder: Path, arguments: Sequence[str], act: Callable[[int, str, str], None] | None = None) -> Outcome:
    """Run `mvc ARGUMENTS` in `folder` in a child; `act` is called before each step with its number from 1."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as counter:
        child = os.fork()
        if child == 0:
            _child(folder, arguments, act, output.fileno(), counter.fileno())
        _, status = os.waitpid(child, 0)
        output.seek(0)
        counter.seek(0)
        text = output.read().decode("utf-8", "replace")
        return Outcome(os.waitstatus_to_exitcode(status), text, int(counter.read() or 0))


def _child(
    folder: Path, arguments: Sequence[str], act: Callable[[int, str, str], None] | None, output: int, counter: int
) -> None:
    code = 99
    try:
        os.chdir(folder)
        os.environ.update(ENVIRONMENT)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
        count = 0

        def step(name: str, path: str) -> None:
            nonlocal count
            count += 1
            if act is not None:
                act(count, name, path)

        door.on_step = step
        code = _run(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
        os.pwrite(counter, str(count).encode(), 0)
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


def mvc(folder: Path, *arguments: str, code: int = 0) -> str:
    """Run a command that must end with `code`; its output."""
    outcome = command(folder, arguments)
    assert outcome.code == code, f"mvc {' '.join(arguments)} ended with {outcome.code}:\n{outcome.output}"
    return outcome.output


@dataclass(frozen=True)
class State:
    """All that a user can tell of a repository: where each name points, where each model stands, what the files hold."""

    names: frozenset[tuple[str, str, str, str]]
    heads: frozenset[tuple[str, str, str, str]]
    files: frozenset[tuple[str, bytes, bool]]
    settings: bytes


def state(root: Path) -> State:
    """The state of the repository in `root`; an interrupted change is not finished."""
    files = frozenset(
        (path.relative_to(root).as_posix(), path.read_bytes(), os.access(path, os.X_OK))
        for path in root.rglob("*")
        if path.is_file() and ".mvc" not in path.relative_to(root).parts[0]
    )
    if not (root / ".mvc" / "config.toml").exists():
        return State(frozenset(), frozenset(), files, b"")
    repository = Repository(root)
    refs = repository.refs
    every = [ref for model in refs.models() for kind in refs.kinds(model) for ref in refs.all(model, kind)]
    names = frozenset((r.model, r.kind, r.name, str(refs.target(r))) for r in every if refs.numbers(r))
    heads = frozenset(
        (model, head.folder, str(head.branch), str(head.version))
        for model in repository.heads.models()
        for head in [repository.head(model)]
    )
    return State(names, heads, files, (root / ".mvc" / "config.toml").read_bytes())


def finish(root: Path) -> None:
    """What any writing command does first: finish an interrupted change."""
    with Repository(root).writing():
        pass


def assert_sound(root: Path) -> None:
    """`fsck` finds nothing, every version's every byte included."""
    if (root / ".mvc" / "config.toml").exists():
        report = fsck.fsck(Repository(root), read_data=True)
        assert not report.findings, report.findings


@contextlib.contextmanager
def memory_folder(otherwise: Path) -> Iterator[Path]:
    """A folder on a filesystem in memory, where there is one: what is tested is the order of steps, not the disk."""
    shared = Path("/dev/shm")
    if not (shared.is_dir() and os.access(shared, os.W_OK)):
        yield otherwise
        return
    with tempfile.TemporaryDirectory(dir=shared) as name:
        yield Path(name)


def fresh_copy(source: Path, target: Path) -> Path:
    """A copy of a prepared repository, as if nobody had touched it since (times kept)."""
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(source, target, symlinks=True)
    return target
