"""The history of a Git repository as steps: each commit in which weights, or the files of their values, changed.

    commit ─► its files ─► weights, roles ─► values beside them ─► state ─ as before? ─ no ─► step
                 └ contents: Git, Git LFS, DVC                        └ yes ─► that of its parent

A state, and so a version, depends on the commit and its ancestors alone: everybody who imports it gets the same id.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.intake.histories import commit_roles, commit_values
from mvc.intake.histories.commit_files import CommitFiles, GitFile
from mvc.intake.histories.commit_roles import Before
from mvc.intake.histories.contents import Content, Contents, File
from mvc.intake.histories.graph import Graph
from mvc.intake.layouts import LATEST
from mvc.model.paths import escape_name
from mvc.model.version import Code
from mvc.repository.git.commit import Commit
from mvc.repository.imports.source import Step
from mvc.repository.worktree import globs


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a commit is taken: all files by path, and which of them are `weights`.

    `latest` are the model's weights, if they are named; `declared` the files of values by section; `about` the section
    `model`.
    """

    files: Mapping[str, File]
    weights: frozenset[str]
    latest: str | None = None
    declared: Mapping[str, Sequence[str]] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Known:
    """A commit that was added: its listed files, those that were looked up, and what its children begin with."""

    listed: Mapping[str, GitFile]
    looked_up: Mapping[str, GitFile | None]
    before: Before
    state: object | None


Select = Callable[[Mapping[str, GitFile]], Selection]
"""A function that selects the files of a commit, from those that were listed."""


class Steps:
    """The steps of commits, which are added parents first."""

    def __init__(self, files: CommitFiles, contents: Contents, select: Select) -> None:
        """Begin without a step."""
        self.graph = Graph()
        self.steps: list[Step] = []
        self.notes: dict[str, None] = {}
        """What was not understood in commits without weights, each once."""
        self._files = files
        self._contents = contents
        self._select = select
        self._known: dict[str, _Known] = {}

    def add(self, commit: Commit) -> None:
        """Add a commit; raise BadGitObject, TooBig."""
        listed = self._files.of(commit.tree)
        first = self._first(commit)
        made = None
        if first is None or first.listed != listed or self._looked_up(commit, first) != first.looked_up:
            made = self._made(commit, listed, first)
            first = made.known(listed) if made is not None else _Known(listed, {}, self._before(first), None)
        self._known[commit.oid] = first
        is_step = self.graph.is_step(commit.parents, first.state)
        if is_step:
            made = made or self._made(commit, listed, first)
            assert made is not None  # noqa: S101 - a commit without weights is no step
            self.steps.append(made.step(self.graph.before(commit.parents)))
            is_step = not self.steps[-1].missing
        self.graph.add(commit.oid, commit.parents, first.state, is_step=is_step)

    def _made(self, commit: Commit, listed: Mapping[str, GitFile], first: _Known | None) -> _Made | None:
        """Return what a commit has; None without weights."""
        selection = self._select(listed)
        if not selection.weights:
            self.notes |= dict.fromkeys(selection.warnings)
            return None
        return _Made(commit, selection, self._before(first), self._files, self._contents)

    @staticmethod
    def _before(first: _Known | None) -> Before:
        return first.before if first is not None else commit_roles.NONE

    def _first(self, commit: Commit) -> _Known | None:
        """Return the first parent of which files are known, or the first one."""
        known = [self._known[parent] for parent in commit.parents if parent in self._known]
        return next((each for each in known if each.before.roles), known[0] if known else None)

    def _looked_up(self, commit: Commit, first: _Known) -> dict[str, GitFile | None]:
        return {path: self._files.find(commit.tree, path) for path in first.looked_up}


class _Made:
    """The step that a commit is, if its state differs from the one before."""

    def __init__(
        self, commit: Commit, selection: Selection, before: Before, files: CommitFiles, contents: Contents
    ) -> None:
        self.looked_up: dict[str, GitFile | None] = {}
        self._commit = commit
        self._selection = selection
        self._files = files
        self._contents = contents
        self._found: dict[str, File] = dict(selection.files)
        self._missing: dict[str, str] = {}
        paths = list(self._found)
        weights = {path: self._content(path).key for path in sorted(selection.weights)}
        self.roles = commit_roles.of_weights(weights, paths, before, selection.latest)
        latest = next((path for path, role in self.roles.items() if role == LATEST), min(weights))
        self._run = commit_roles.run_of(latest, paths)
        self._sources = commit_values.sources(
            self._run, self._found, self._load, exists=self._exists, declared=selection.declared
        )
        self._add_values(before)

    def known(self, listed: Mapping[str, GitFile]) -> _Known:
        """Return what the children of the commit begin with."""
        before = Before(self.roles, {path: self._content(path).key for path in self.roles})
        return _Known(listed, self.looked_up, before, self._state())

    def _state(self) -> object:
        """Return what makes a version differ from another."""
        contents = {path: self._content(path) for path in self.roles}
        files = {path: (self.roles[path], content.key, content.executable) for path, content in contents.items()}
        return files, self._selection.about, self._sources.sections()

    def step(self, parents: tuple[str, ...]) -> Step:
        """Return the step."""
        contents = {path: self._content(path) for path in sorted(self.roles)}
        missing = {path: content.missing for path, content in contents.items() if content.place is None} | self._missing
        commit, about = self._commit, self._selection.about
        return Step(
            commit.oid,
            parents,
            () if missing else tuple(content.file(path, self.roles[path]) for path, content in contents.items()),
            commit.message or f"Commit {commit.oid[:10]}",
            commit.author,
            commit.time,
            {**({"model": about} if about else {}), **self._sources.sections()},
            code=Code(commit.oid, None, None, dirty=False),
            missing=tuple(f"{escape_name(path)} ({reason})" for path, reason in sorted(missing.items())),
            warnings=(*self._selection.warnings, *self._sources.notes),
        )

    def _content(self, path: str) -> Content:
        return self._contents.of(self._found[path])

    def _add_values(self, before: Before) -> None:
        """Add the files of values of the run, and those that were read."""
        parts = {self._run.at(file.path): file.part.role for file in self._run.files if file.part.sections}
        named = {file.path: section for section, file in self._sources.entries.items()}
        further = {path: posixpath.basename(path).partition(".")[0] for path in self._sources.files}
        parts = {**further, **named, **parts}
        taken = set(self.roles.values())
        for path in sorted(parts):
            if path in self.roles or path not in self._found:
                continue
            role = before.roles.get(path, "")
            if not role or role in taken:
                role = commit_roles.free(path, parts[path], taken)
            self.roles[path] = role
            taken.add(role)

    def _exists(self, path: str) -> bool:
        """Return whether the commit has a file, also one that was not listed."""
        if path not in self._found:
            file = self.looked_up[path] = self._files.find(self._commit.tree, path)
            if file is not None:
                self._found[path] = file
        return path in self._found

    def _load(self, path: str, limit: int) -> bytes:
        if path not in self._found:
            raise errors.NoValueFile(path=escape_name(path), role="from")
        content = self._content(path)
        if content.place is None:
            self._missing[path] = content.missing
        return self._contents.read(path, content, limit)


def selected(paths: Iterable[str], patterns: Sequence[str]) -> frozenset[str]:
    """Return the paths that patterns name; without a pattern, those of weights."""
    if not patterns:
        return frozenset(path for path in paths if commit_roles.is_weights(path))
    matches = [globs.compile_glob(pattern).match for pattern in patterns]
    return frozenset(path for path in paths if any(match(path) for match in matches))
