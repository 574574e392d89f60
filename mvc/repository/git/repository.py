"""One Git repository: its settings, its branches and tags, its commits.

branches, tags ─► commit ─► its ancestors, parents first
                     └─► folder ─► contents (objects)
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from mvc import errors
from mvc.model.paths import escape_name
from mvc.repository.git import command
from mvc.repository.git.commit import Commit, Tag, commit_of, tag_of, target_of
from mvc.repository.git.objects import GitObjects

MAX_COMMITS = 200_000
"""Commits of a history, at most."""
_MAX_TAGS = 10
"""Tags of tags that are followed, at most."""
_BRANCHES, _TAGS, _REMOTE = "refs/heads/", "refs/tags/", "refs/remotes/origin/"


class GitRepository:
    """The Git repository at `folder`, or above it."""

    def __init__(self, folder: Path) -> None:
        """Find the repository; raise NotGit, ShallowHistory."""
        shown = escape_name(os.fspath(folder))
        answer = command.run(folder, "rev-parse", "--is-shallow-repository", "--git-common-dir")
        if answer.code:
            reason = _reason(answer.messages)
            raise errors.NotGit(path=shown, reason=reason, hint=_hint(reason, shown))
        is_shallow, common = os.fsdecode(answer.output).rstrip("\n").split("\n", 1)
        if is_shallow == "true":
            raise errors.ShallowHistory(path=shown)
        self.folder = folder
        self.common = Path(os.path.realpath(folder / common))
        """The folder `.git`, that of the main one if there are several working trees."""
        self.objects = GitObjects(folder)

    def __enter__(self) -> Self:
        """Return the repository."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the programs that read it."""
        self.objects.close()

    def top(self) -> Path:
        """Return the folder of the working tree, or that of the repository if it has none."""
        answer = command.run(self.folder, "rev-parse", "--show-toplevel")
        top = os.fsdecode(answer.output).rstrip("\n")
        return Path(top) if answer.code == 0 and top else self.common

    def setting(self, key: str) -> str | None:
        """Return a setting of the repository or the user; None if it is not set."""
        answer = command.run(self.folder, "config", "--get", key)
        return os.fsdecode(answer.output).rstrip("\n") if answer.code == 0 else None

    def branches(self) -> dict[str, str]:
        """Return the ids of the newest commits by branch, the current branch first; also those that only origin has."""
        refs = dict(self._refs(_BRANCHES, _REMOTE))
        current = os.fsdecode(command.run(self.folder, "symbolic-ref", "-q", "HEAD").output).strip()
        own = {ref.removeprefix(_BRANCHES): oid for ref, oid in refs.items() if ref.startswith(_BRANCHES)}
        distant = {ref.removeprefix(_REMOTE): oid for ref, oid in refs.items() if ref.startswith(_REMOTE)}
        distant.pop("HEAD", None)
        return dict(sorted({**distant, **own}.items(), key=lambda item: (_BRANCHES + item[0] != current, item[0])))

    def tags(self) -> list[Tag]:
        """Return the tags of commits, in the order of their names; raise BadGitObject."""
        return [tag for ref, oid in self._refs(_TAGS) if (tag := self._tag(ref.removeprefix(_TAGS), oid)) is not None]

    def commit(self, oid: str) -> Commit:
        """Return a commit; raise BadGitObject."""
        return commit_of(oid, self.objects.whole(oid, "commit"))

    def commits(self, tips: Iterable[str]) -> Iterator[Commit]:
        """Yield the commits `tips` and their ancestors, parents before their children; raise TooBig, BadGitObject."""
        done: set[str] = set()
        opened: dict[str, Commit] = {}
        stack = [(tip, False) for tip in reversed(list(tips))]
        while stack:
            oid, is_after = stack.pop()
            if is_after:
                done.add(oid)
                yield opened.pop(oid)
            elif oid not in done and oid not in opened:
                if len(done) + len(opened) >= MAX_COMMITS:
                    shown = escape_name(os.fspath(self.folder))
                    raise errors.TooBig(what=shown, reason=f"it has more than {MAX_COMMITS:,} commits")
                opened[oid] = commit = self.commit(oid)
                stack += [(oid, True), *((parent, False) for parent in reversed(commit.parents))]

    def _refs(self, *under: str) -> Iterator[tuple[str, str]]:
        answer = command.run(self.folder, "for-each-ref", "--format=%(objectname) %(refname)", *under)
        for line in os.fsdecode(answer.output).splitlines():
            oid, _, name = line.partition(" ")
            yield name, oid

    def _tag(self, name: str, oid: str) -> Tag | None:
        """Return a tag, that of a tag with the first one's author and message; None if it names no commit."""
        first: bytes | None = None
        for _ in range(_MAX_TAGS):
            kind = self.objects.info(oid)[0]
            if kind == "commit":
                return tag_of(name, first, self.commit(oid))
            if kind != "tag":
                break
            data = self.objects.whole(oid, "tag")
            first = data if first is None else first
            oid = target_of(oid, data)
        return None


def _reason(messages: str) -> str:
    first = messages.strip().splitlines()[0] if messages.strip() else "git failed"
    return escape_name(first.removeprefix("fatal: "))


def _hint(reason: str, path: str) -> str:
    if "dubious ownership" in reason:
        return f"Another user owns it. If you trust that user: `git config --global --add safe.directory {path}`."
    return "Name the folder of a Git repository."
