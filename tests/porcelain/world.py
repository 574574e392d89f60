"""A repository of one model as plain dicts: what each verb is to do, without chunks, locks, journals or renames.

A verb is a method that changes the world, or raises Refused with the kind of error that `mvc` answers with.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

TOML = "model.toml"
GLOB = "data/**"
"""The pattern of the one folder that is tracked as a whole; all other patterns are paths."""
ROLES = {"a": "a.bin", "b": "b.bin", "c": "deep/c.bin", "data": GLOB}
"""What each role tracks."""


class Refused(Exception):  # noqa: N818 - named for what happened, as the errors of mvc are
    """The verb is refused; `kinds` are the errors that say so."""

    def __init__(self, *kinds: str) -> None:
        super().__init__(*kinds)
        self.kinds = kinds


class File(NamedTuple):
    """The bytes of a file, and whether it may be executed."""

    data: bytes
    executable: bool = False


Files = dict[str, File]
"""Files by their paths, model.toml among them."""


class Version(NamedTuple):
    """A version: its number, its parents, and its files."""

    number: int
    parents: tuple[str, ...]
    files: Mapping[str, File]


class Merge(NamedTuple):
    """What a merge makes: its files, what its model.toml says, and whether sides had to be chosen."""

    files: Files
    says: dict[str, Any]
    conflicts: bool
    sure: bool
    """Whether the files are known: not where only one side still tracks the folder."""


@dataclass
class World:
    """All of it; `head` is a branch, or None with `detached` the version."""

    files: Files
    versions: dict[str, Version] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    tagged: dict[str, str] = field(default_factory=dict)
    """What each tag stood for first, deleted ones included."""
    aliases: dict[str, str] = field(default_factory=dict)
    moves: dict[str, list[str]] = field(default_factory=dict)
    """Where each alias stood, the oldest first, as far as it can be rolled back."""
    head: str | None = "main"
    detached: str | None = None

    def copy(self) -> World:
        """A world that may be changed, or thrown away."""
        return World(
            files=dict(self.files),
            versions=dict(self.versions),
            branches=dict(self.branches),
            tags=dict(self.tags),
            tagged=dict(self.tagged),
            aliases=dict(self.aliases),
            moves={name: list(row) for name, row in self.moves.items()},
            head=self.head,
            detached=self.detached,
        )

    # --- questions

    @property
    def current(self) -> str | None:
        """The version that the files stand at."""
        return self.detached if self.head is None else self.branches.get(self.head)

    @property
    def at(self) -> Version | None:
        """The same, whole."""
        return self.versions[self.current] if self.current is not None else None

    def names(self) -> dict[str, str]:
        """All names, with what they stand for."""
        return {**self.branches, **self.tags, **self.aliases}

    def ancestors(self, *ids: str) -> set[str]:
        """These versions, and all that they were made from."""
        found: set[str] = set()
        left = list(ids)
        while left:
            id_ = left.pop()
            if id_ not in found:
                found.add(id_)
                left += self.versions[id_].parents
        return found

    def reachable(self) -> set[str]:
        """The versions that a name or the head leads to."""
        return self.ancestors(*self.names().values(), *([self.current] if self.current else []))

    def commit_of_files(self) -> Files:
        """The files that a commit takes, as they are."""
        patterns = says(self.files).get("files", {})
        taken = {TOML: self.files[TOML]}
        faults = []
        for pattern in patterns.values():
            here = _matching(self.files, pattern)
            faults += [] if here else ["role-without-file" if pattern == GLOB else "missing-file"]
            taken |= here
        if faults:
            raise Refused(faults[0] if len(faults) == 1 else "unfit-files")
        return taken

    def is_clean(self) -> bool:
        """Whether a commit would find nothing to do."""
        try:
            return self.at is not None and same(self.commit_of_files(), self.at.files)
        except Refused:
            return False

    # --- verbs

    def untrack(self, role: str, *, cached: bool) -> dict[str, Any]:
        """`mvc rm`: what model.toml says afterwards."""
        patterns = dict(says(self.files).get("files", {}))
        if role not in patterns:
            raise Refused("not-tracked")
        gone = {} if cached else _matching(self.files, patterns[role])
        self.files = {path: file for path, file in self.files.items() if path not in gone}
        del patterns[role]
        return {**says(self.files), "files": patterns}

    def commit(self, *, amend: bool) -> Version:
        """`mvc commit`: the version that is made."""
        if self.head is None:
            raise Refused("detached")
        old = self.current
        if amend and old is None:
            raise Refused("nothing-to-amend")
        if amend and [name for name, id_ in self.names().items() if id_ == old and name != self.head]:
            raise Refused("amend-held")
        files = self.commit_of_files()
        before = self.at
        if before is not None and same(files, before.files) and not amend:
            raise Refused("nothing-to-commit")
        if amend and before is not None:
            return Version(before.number, before.parents, files)
        return Version(before.number + 1 if before else 1, (old,) if old else (), files)

    def record(self, id_: str, version: Version) -> None:
        """Have the current branch stand for a new version."""
        assert self.head is not None
        self.versions[id_] = version
        self.branches[self.head] = id_

    def switch(self, target: str, *, create: str | None, detach: bool, force: bool) -> None:
        """`mvc switch` to a branch or the version `target`."""
        branch = create or (target if target in self.branches and not detach else None)
        version = self.names().get(target, target)
        if create is not None and (create in self.branches or create == self.head):
            raise Refused("branch-exists")
        if force or version != self.current:
            self._check_out(dict(self.at.files) if self.at else {}, self.versions[version].files, force=force)
        if create is not None:
            self.branches[create] = version
        self.head, self.detached = (branch, None) if branch is not None else (None, version)

    def reset(self, version: str, mode: str) -> None:
        """`mvc reset` with `--keep`, `--hard` or neither."""
        if mode:
            base = dict(self.at.files) if self.at else {}
            self._check_out(base, self.versions[version].files, force=mode == "--hard")
        if self.head is None:
            self.detached = version
        else:
            self.branches[self.head] = version

    def restore(self, name: str, version: str) -> None:
        """`mvc restore`."""
        source = self.versions[version].files
        chosen = {path: file for path, file in source.items() if name in (".", path)}
        if not chosen:
            raise Refused("not-in-version")
        self.files = {**self.files, **chosen}

    def create_branch(self, name: str, version: str) -> None:
        """`mvc branch`."""
        if name in self.branches or name == self.head:
            raise Refused("branch-exists")
        self.branches[name] = version

    def delete_tag(self, name: str) -> None:
        """`mvc tag -d`."""
        if self.tags.pop(name, None) is None:
            raise Refused("no-such-name")

    def delete_alias(self, name: str) -> None:
        """`mvc alias rm`."""
        if self.aliases.pop(name, None) is None:
            raise Refused("no-such-name")

    def set_tag(self, name: str, version: str) -> None:
        """`mvc tag`."""
        if self.tagged.setdefault(name, version) != version:
            raise Refused("tag-exists")
        self.tags[name] = version

    def set_alias(self, name: str, version: str) -> None:
        """`mvc alias set`."""
        stood = self.moves.setdefault(name, [])
        if not stood or stood[-1] != version:
            stood.append(version)
        self.aliases[name] = version

    def rollback(self, name: str) -> None:
        """`mvc alias rollback`."""
        stood = self.moves.get(name, [])
        if not stood:
            raise Refused("no-such-name")
        if name in self.aliases:
            if len(stood) == 1:
                raise Refused("nothing-before")
            stood.pop()
        self.aliases[name] = stood[-1]

    def delete_branch(self, name: str, *, force: bool) -> None:
        """`mvc branch -d` and `-D`."""
        if name == self.head:
            raise Refused("current-branch")
        if name not in self.branches:
            raise Refused("no-such-name")
        tip = self.branches.pop(name)
        if not force and tip not in self.reachable():
            raise Refused("unmerged-branch")

    def rename_branch(self, old: str, new: str) -> None:
        """`mvc branch -m`."""
        if new in self.branches or new == self.head:
            raise Refused("branch-exists")
        if old not in self.branches and old != self.head:
            raise Refused("no-such-name")
        if old in self.branches:
            self.branches[new] = self.branches.pop(old)
        self.head = new if self.head == old else self.head

    def collect(self) -> None:
        """`mvc gc`: versions that nothing leads to may be gone from now on; those that an alias was at are kept."""
        reachable = self.reachable() | self.ancestors(*(id_ for stood in self.moves.values() for id_ in stood))
        self.versions = {id_: version for id_, version in self.versions.items() if id_ in reachable}

    def merge(self, theirs: str, side: str | None) -> str | Merge:
        """`mvc merge`: "up-to-date", "fast-forward", or what it makes."""
        ours = self.current
        if ours is None:
            raise Refused("no-version-yet")
        if self.head is None:
            raise Refused("detached")
        if theirs in self.ancestors(ours):
            return "up-to-date"
        if ours in self.ancestors(theirs):
            self._check_out(dict(self.versions[ours].files), self.versions[theirs].files, force=False)
            self.branches[self.head] = theirs
            return "fast-forward"
        bases = self._merge_bases(ours, theirs)
        if len(bases) != 1:
            raise Refused("criss-cross" if bases else "unrelated")
        if not self.is_clean():
            raise Refused("unsaved-changes")
        merged = _merged([dict(self.versions[id_].files) for id_ in (*bases, ours, theirs)], side)
        self._check_out(dict(self.versions[ours].files), {**merged.files, TOML: self.files[TOML]}, force=False)
        return merged

    # --- inside

    def _merge_bases(self, ours: str, theirs: str) -> list[str]:
        shared = self.ancestors(ours) & self.ancestors(theirs)
        below = {parent for id_ in shared for parent in self.ancestors(*self.versions[id_].parents)}
        return sorted(shared - below)

    def _check_out(self, base: Mapping[str, File], wanted: Mapping[str, File], *, force: bool) -> None:
        """Bring the files of `base` to those of `wanted`; an edit that would be lost is in the way."""
        files = dict(self.files)
        for path in {**base, **wanted}:
            old, new, now = base.get(path), wanted.get(path), files.get(path)
            edited = now is not None and (old is None or now.data != old.data)
            if edited and (new is None or now is None or now.data != new.data) and not force:
                raise Refused("in-the-way")
            if new is not None:
                files[path] = new
            elif now is not None:
                del files[path]
        self.files = files


def says(files: Mapping[str, File]) -> dict[str, Any]:
    """What model.toml says, its empty tables left out."""
    return normal(tomllib.loads(files[TOML].data.decode()))


def normal(tables: Mapping[str, Any]) -> dict[str, Any]:
    """What tables say, the empty ones left out."""
    return {name: table for name, table in tables.items() if table != {}}


def same(one: Mapping[str, File], two: Mapping[str, File]) -> bool:
    """Whether two versions of these files would be the same: of model.toml counts what it says, not its text."""
    return says(one) == says(two) and {**one, TOML: None} == {**two, TOML: None}


def _matching(files: Mapping[str, File], pattern: str) -> Files:
    folder = pattern.removesuffix("**")
    return {p: file for p, file in files.items() if p == pattern or (p.startswith(folder) and folder != pattern)}


def _merged(versions: Sequence[Files], side: str | None) -> Merge:
    """The merge of the files of base, ours and theirs; of what both changed, `side`, or else ours."""
    sides = [dict(_facts(each)) for each in versions]
    keep = sides[2 if side == "theirs" else 1]
    facts: dict[tuple[str, str], Any] = {}
    conflicts = False
    for key in sorted({*sides[1], *sides[2]}):
        three = [each.get(key) for each in sides]
        agreed, chosen = _chosen(*three)
        here = [fact for fact in three if isinstance(fact, File)]
        if len(here) == 3:  # its bytes and its mode change by themselves
            parts = [_chosen(*each) for each in zip(*here, strict=True)]
            agreed, chosen = all(found for found, _ in parts), File(*(part for _, part in parts))
        facts[key] = chosen if agreed else keep.get(key)
        conflicts |= not agreed
    patterns = {role: fact for (kind, role), fact in facts.items() if kind == "glob" and fact}
    patterns |= {role: _path(role) for (kind, role), fact in facts.items() if kind == "file" and fact}
    values = {key: fact for (kind, key), fact in facts.items() if kind == "value" and fact is not None}
    files = {_path(role): fact for (kind, role), fact in facts.items() if kind in ("file", "inside") and fact}
    sure = len({each.get(("glob", "data")) for each in sides}) == 1
    told = normal({"model": says(versions[1])["model"], "files": patterns, "parameters": values})
    return Merge(files, told, conflicts, sure)


def _chosen(base: Any, ours: Any, theirs: Any) -> tuple[bool, Any]:
    """Whether a fact can be merged, and what comes of it."""
    if theirs in (ours, base):
        return True, ours
    return ours == base, theirs


def _facts(files: Files) -> Iterator[tuple[tuple[str, str], Any]]:
    """What a version says, each by its kind and name."""
    told = says(files)
    yield from ((("value", key), value) for key, value in told.get("parameters", {}).items())
    for role, pattern in told.get("files", {}).items():
        if pattern == GLOB:
            yield ("glob", role), pattern
            yield from ((("inside", path), file) for path, file in _matching(files, pattern).items())
        else:
            yield ("file", role), files[pattern]


def _path(role: str) -> str:
    """The path of a role; below the folder each role is a path."""
    return ROLES.get(role, role)
