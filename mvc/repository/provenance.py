"""Where the training code stands in Git: recorded with each version, when there is a Git to ask.

GitPython runs the `git` program; without it, without a repository, or before the first Git commit, there is nothing to
record, and nothing fails.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mvc import lazy
from mvc.model.secrets import strip_userinfo
from mvc.model.version import Code

NEWEST = 10_000
"""How many Git commits back are looked at."""


def code_of(folder: Path, own: Sequence[Path]) -> Code | None:
    """The Git commit that is checked out in `folder`; None when there is none.

    `dirty` tells whether files that Git tracks differ from it, the model's `own` files left out.
    """
    with _opened(folder) as git:
        if git is None:
            return None
        try:
            commit = str(git.head.commit.hexsha)
            branch = None if git.head.is_detached else str(git.active_branch.name)
            return Code(commit, branch, _remote(git), _is_dirty(git, own))
        except Exception:  # noqa: BLE001 - GitPython raises errors of many kinds, and none may stop a commit
            return None


def ancestors(folder: Path) -> Iterator[str]:
    """The Git commit that is checked out in `folder` and those before it, nearest first; none without Git."""
    with _opened(folder) as git:
        if git is not None:
            try:
                yield from (str(commit.hexsha) for commit in git.iter_commits(max_count=NEWEST))
            except Exception:  # noqa: BLE001 - as above
                return


def identity(folder: Path) -> tuple[str, str] | None:
    """The name and e-mail address that Git would sign with in `folder`; None when it has none."""
    try:
        git = lazy.load("git")
        command = git.Git(os.fspath(folder))
        name, email = (str(command.config("--get", key)).strip() for key in ("user.name", "user.email"))
    except Exception:  # noqa: BLE001 - as above; no program, no such key
        return None
    return name, email


class _opened:  # noqa: N801 - used as `with _opened(folder) as git`
    """The Git repository that `folder` lies in, closed at the end; None when there is none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._git: Any = None

    def __enter__(self) -> Any:
        try:
            self._git = lazy.load("git").Repo(self._folder, search_parent_directories=True)
        except Exception:  # noqa: BLE001 - as above
            self._git = None
        return self._git

    def __exit__(self, *_: object) -> None:
        if self._git is not None:
            self._git.close()


def _remote(git: Any) -> str | None:
    """The address of `origin`, else of the first remote, without user, password and query."""
    remotes = {remote.name: remote for remote in git.remotes}
    remote = remotes.get("origin") or next(iter(remotes.values()), None)
    return strip_userinfo(str(remote.url)) if remote is not None else None


def _is_dirty(git: Any, own: Sequence[Path]) -> bool:
    top = os.path.realpath(git.working_tree_dir)
    left_out = {os.path.relpath(os.path.realpath(path), top) for path in own}
    changed = git.git.diff("HEAD", "--name-only", "--no-renames", "-z", "--ignore-submodules=none")
    return any(name and name not in left_out for name in changed.split("\0"))
