"""The Git commit of the training code, recorded with each version if the model is in a Git repository.

    git rev-parse, symbolic-ref, config, status, rev-list      read only; they may not run other programs

Clean filters are switched off, too; therefore, files that need an LFS filter count as modified. Without `git`, a repository
or a first commit, nothing is recorded, and nothing fails.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mvc import lazy
from mvc.model.toml.secrets import strip_userinfo
from mvc.model.version import Code

if TYPE_CHECKING:
    from mvc.repository.git import command
else:
    command = lazy.Module("mvc.repository.git.command")

NEWEST = 10_000
"""The most Git commits that are searched."""
_OFF = {"clean": "", "smudge": "", "process": "", "required": "false"}
_STATUS = ("status", "--porcelain", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules=dirty")
_FLAGS = 3
"""Characters before the path in a line of `_STATUS`."""


def code_of(folder: Path, own: Sequence[Path]) -> Code | None:
    """Return the Git commit that is checked out in `folder`; None for none.

    `dirty` is True if files that Git tracks differ from it, other than the model's `own` files.
    """
    found = _git(folder, "rev-parse", "--show-toplevel", "--verify", "HEAD")
    if found is None:
        return None
    top, _, commit = found.rstrip("\n").rpartition("\n")
    unfiltered = _without_filters(folder)
    changed = None if unfiltered is None else _git(folder, *_STATUS, settings=unfiltered)
    if not commit or changed is None:
        return None
    top = os.path.realpath(top)
    left_out = {os.path.relpath(os.path.realpath(path), top) for path in own}
    dirty = any(line[_FLAGS:] not in left_out for line in changed.split("\0") if line)
    branch = _git(folder, "symbolic-ref", "-q", "--short", "HEAD")
    return Code(commit, branch.strip() if branch else None, _remote(folder), dirty)


def ancestors(folder: Path, commit: str = "HEAD") -> Iterator[str]:
    """Return a Git commit, by default the one checked out in `folder`, and its ancestors, newest first; none without Git."""
    yield from (_git(folder, "rev-list", f"--max-count={NEWEST}", commit, "--") or "").split()


def identity(folder: Path) -> tuple[str, str] | None:
    """Return the name and e-mail address of Git's author in `folder`; None for none."""
    listed = _git(folder, "config", "-z", "--get-regexp", r"^user\.(name|email)$") or ""
    last = {key: value for key, _, value in (entry.partition("\n") for entry in listed.split("\0"))}
    name, email = last.get("user.name"), last.get("user.email")
    return None if name is None or email is None else (name.strip(), email.strip())


def _remote(folder: Path) -> str | None:
    """Return the address of `origin`, else of the first remote, without user, password and query."""
    listed = _git(folder, "config", "-z", "--get-regexp", r"^remote\..*\.url$") or ""
    urls: dict[str, str] = {}
    for key, _, address in (each.partition("\n") for each in listed.split("\0") if each):
        urls.setdefault(key.removeprefix("remote.").removesuffix(".url"), address)
    url = urls.get("origin") or next(iter(urls.values()), None)
    return strip_userinfo(url) if url else None


def _without_filters(folder: Path) -> dict[str, str] | None:
    """Return the settings that switch every configured filter off; None if one has a name that `-c` cannot set."""
    keys = (_git(folder, "config", "-z", "--name-only", "--get-regexp", r"^filter\.") or "").split("\0")
    names = {key.rpartition(".")[0] for key in keys if key}
    if any("=" in name for name in names):
        return None
    return {f"{name}.{key}": value for name in names for key, value in _OFF.items()}


def _git(folder: Path, *arguments: str, settings: Mapping[str, str] | None = None) -> str | None:
    """Run `git` in `folder` and return its output; None if it fails, or is not installed."""
    answer = command.run(folder, *arguments, settings=settings)
    return os.fsdecode(answer.output) if answer.code == 0 else None
