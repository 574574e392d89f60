"""`mvc record -n`: the reasons for which a version could not be recorded now, before hours of training.

HEAD, branch, merge in progress ─┐
model.toml ──────────────────────┼─► problems, each with the command that fixes it; none raises
rights and room of the store ────┘
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from mvc import errors
from mvc.model.toml import parse
from mvc.model.toml.rules import ERROR, WARNING, Problem
from mvc.repository import merge_state, refnames
from mvc.repository.model import Model
from mvc.repository.worktree import model_file
from mvc.storage.disk.primitives import STORE
from mvc.storage.records.reflog import HEADS

_COPIES = 2
"""The room that is needed, in copies of the files: a pack is written beside those that it may replace."""
_MIB = 1 << 20


def preflight(model: Model, *, branch: str | None = None, size: int = 0) -> list[Problem]:
    """Return what would stop a recording of `size` bytes on `branch` (default: the current one); nothing for nothing.

    A warning would not stop it.
    """
    checks: tuple[tuple[str, Callable[[], Iterator[Problem]]], ...] = (
        ("branch", lambda: _branch(model, branch)),
        ("model.toml", lambda: _model_toml(model)),
        ("store", lambda: _rights(model)),
        ("disk", lambda: _room(model, size)),
    )
    return [problem for key, check in checks for problem in _reported(key, check)]


def _reported(key: str, check: Callable[[], Iterator[Problem]]) -> Iterator[Problem]:
    """Yield the problems of a check; one that it raises is a problem, too."""
    try:
        yield from check()
    except errors.MvcError as error:
        yield Problem(ERROR, key, error.message, error.hint)
    except OSError as error:
        yield Problem(ERROR, key, f"{error.strerror}: {error.filename}", "run `mvc fsck`")


def _branch(model: Model, branch: str | None) -> Iterator[Problem]:
    head = model.head
    name = branch or head.branch
    if name is None:
        message = f"HEAD of {model.key} is detached, and a version is recorded on a branch"
        yield Problem(ERROR, "branch", message, "name one with --branch NAME, or create one: `mvc switch -c NAME`")
        return
    if name == head.branch:
        merge_state.refuse(model)
    if model.target(HEADS, name) is None:
        refnames.check_new(model, HEADS, name)


def _model_toml(model: Model) -> Iterator[Problem]:
    """A version of files elsewhere needs no model.toml, but a commit does, and so does the choice of the model."""
    data = model_file.read(model.repository, model.folder)
    if data is None:
        return
    try:
        parse.parse(data, where=model_file.path(model.folder))
    except errors.MvcError as error:
        yield Problem(WARNING, "model.toml", error.message, error.hint)


def _rights(model: Model) -> Iterator[Problem]:
    store = model.repository.root / STORE
    folders = [store, *(path for path in store.iterdir() if path.is_dir())]
    closed = next((path for path in folders if not os.access(path, os.W_OK | os.X_OK)), None)
    if closed is not None:
        yield Problem(ERROR, "store", f"{closed} is not writable", f"allow this user to write in {store}")


def _room(model: Model, size: int) -> Iterator[Problem]:
    found = os.statvfs(model.repository.root / STORE)
    free = found.f_bavail * found.f_frsize
    if free < _COPIES * size:
        message = f"{free / _MIB:,.1f} MiB are free, and {_COPIES * size / _MIB:,.1f} MiB may be needed"
        yield Problem(ERROR, "disk", message, "free some room, as with `mvc prune` and `mvc gc`")
