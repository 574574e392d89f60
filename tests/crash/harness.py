"""Stopping a command before any one of its steps, or making that step fail, in a forked child.

The child runs the real command line in process, so a point costs a fork and a copy of a small repository, not a start of
Python. `primitives.on_step` sees every change of the disk; `steps` counts them.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mvc.porcelain import fsck
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.records.annotations.evaluations import Evaluation
from mvc.storage.records.annotations.remarks import Note
from tests.crash import child
from tests.crash.child import KILLED, Act, Fail, Interrupt, KillBefore, Outcome, Record, Repeat, disk
from tests.required import needed, required

__all__ = ["KILLED", "Fail", "Interrupt", "KillBefore", "Outcome", "Record", "Repeat", "disk"]
ENVIRONMENT = {
    "MVC_AUTHOR_NAME": "Ana",
    "MVC_AUTHOR_EMAIL": "ana@example.org",
    "MVC_AUTHOR_DATE": "@1770112800 +0100",
    "MVC_CONFIG": "/nonexistent/mvc.toml",
    "GIT_CEILING_DIRECTORIES": tempfile.gettempdir(),
    "NO_COLOR": "1",
}
"""What a command sees beside the environment of the test."""
ROOM = 1 << 30
"""Bytes that must be free in memory; a container often has 64 MiB there."""
ORIGIN = ".mvc-origin"
"""The folder of a scenario's remote."""
TOP = Path(__file__).resolve().parents[2]


def command(folder: Path, arguments: Sequence[str], act: Act | None = None) -> Outcome:
    """Run `mvc ARGUMENTS` in `folder` in a child; `act` is called before each step with its number from 1."""
    environ = {**os.environ, **ENVIRONMENT}
    if act is not None and not isinstance(act, child.FORKED):
        return child.fork(str(folder), arguments, act, environ)
    return _answer(_ask(0, folder, arguments, act, environ))


def at_once(folder: Path, commands: Sequence[Sequence[str]]) -> list[Outcome]:
    """Run several commands in `folder` beside each other, started within microseconds."""
    environ = {**os.environ, **ENVIRONMENT}
    asked = [_ask(number, folder, arguments, None, environ) for number, arguments in enumerate(commands)]
    return [_answer(parent) for parent in asked]


def _ask(
    number: int,
    folder: Path,
    arguments: Sequence[str],
    act: KillBefore | Interrupt | Fail | Record | Repeat | None,
    environ: dict[str, str],
) -> subprocess.Popen[str]:
    parent = _parent(number)
    assert parent.stdin is not None
    parent.stdin.write(child.request(str(folder), arguments, act, environ) + "\n")
    parent.stdin.flush()
    return parent


def _answer(parent: subprocess.Popen[str]) -> Outcome:
    assert parent.stdout is not None
    return child.answered(parent.stdout.readline())


@functools.cache
def _parent(number: int) -> subprocess.Popen[str]:
    """A process that forks children for us; it ends with us, when its input does."""
    child.load()
    program = [sys.executable, "-m", "tests.crash.child"]
    return subprocess.Popen(program, cwd=TOP, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def mvc(folder: Path, *arguments: str, code: int = 0) -> str:
    """Run a command that must end with `code`; its output."""
    outcome = command(folder, arguments)
    assert outcome.code == code, f"mvc {' '.join(arguments)} ended with {outcome.code}:\n{outcome.output}"
    return outcome.output


@dataclass(frozen=True)
class State:
    """All that a user can tell of a repository: where each name points, where each model stands, what the files hold.

    The notes on versions are among the names, here and on the remote.
    """

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
    names |= {
        (model, "note", id_, note.text)
        for model in repository.heads.models()
        for id_ in Model(repository, model).noted()
        for note in repository.remarks.current(model, id_)
    }
    names |= {
        ("", "note", path.parent.name, Note.decode(path.read_bytes()).text)
        for path in (root / ORIGIN).glob("refs/*/remarks/*/*")
    }
    names |= {
        (model, "evaluation", id_, entry.named)
        for model in repository.heads.models()
        for id_ in Model(repository, model).evaluated()
        for entry in repository.evaluations.current(model, id_)
    }
    names |= {
        ("", "evaluation", path.parent.name, Evaluation.decode(path.read_bytes()).named)
        for path in (root / ORIGIN).glob("refs/*/evaluations/*/*")
    }
    names |= {
        (model, "signature", id_, f"{entry.what} {entry.key}")
        for model in repository.heads.models()
        for id_ in Model(repository, model).signed()
        for entry in repository.signatures.current(model, id_)
    }
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
    """`fsck` finds nothing, every version's every byte included, and the store requires what its packs need."""
    if (root / ".mvc" / "config.toml").exists():
        assert needed(root) <= required(root)
        report = fsck.fsck(Repository(root), read_data=True)
        assert not report.findings, report.findings


@contextlib.contextmanager
def memory_folder(otherwise: Path) -> Iterator[Path]:
    """A folder on a filesystem in memory, where there is one: what is tested is the order of steps, not the disk."""
    if (shared := _in_memory()) is None:
        yield otherwise
        return
    with tempfile.TemporaryDirectory(dir=shared) as name:
        folder = Path(name) / "own"  # what a test puts beside its folder goes with it
        folder.mkdir()
        yield folder


def _in_memory() -> str | None:
    """The file system in memory that Linux has for all programs; None where it has little room or runs no program."""
    shared = "/dev/shm"
    if not os.path.isdir(shared) or not os.access(shared, os.W_OK):
        return None
    runs = not os.statvfs(shared).f_flag & getattr(os, "ST_NOEXEC", 0)
    return shared if runs and shutil.disk_usage(shared).free > ROOM else None


def made_once(prepare: Callable[[Path], None]) -> Callable[[Path], None]:
    """Have a preparation run once in a process; after that, what it made is copied."""
    made: list[tempfile.TemporaryDirectory[str]] = []

    @functools.wraps(prepare)
    def copied(root: Path) -> None:
        if not made:
            folder = tempfile.TemporaryDirectory(dir=_in_memory())
            prepare(Path(folder.name))
            made.append(folder)
        shutil.copytree(made[0].name, root, symlinks=True, dirs_exist_ok=True)

    return copied


def fresh_copy(source: Path, target: Path) -> Path:
    """A copy of a prepared repository, as if nobody had touched it since (times kept)."""
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(source, target, symlinks=True)
    return target


def assert_settings_between(now: State, old: State, new: State, when: str) -> None:
    """Old or new, where features may be required one after the other."""
    known, (features, rest) = [_required(each.settings) for each in (old, new)], _required(now.settings)
    assert features <= known[0][0] | known[1][0], when
    assert rest in (known[0][1], known[1][1]), when


def _required(settings: bytes) -> tuple[set[str], dict[str, Any]]:
    """The features that a store requires of its readers, and its other settings."""
    values = tomllib.loads(settings.decode())
    values.pop("sum", None)
    return set(values.pop("requires", ())), values
