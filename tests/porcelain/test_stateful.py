"""Random verbs, beside plain dicts: after each one the files, the names and the answer are those of the dicts.

A failure prints the steps, and a blob that repeats them; `--deep` runs a hundred times as many.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.cli.shell import MODEL, begin
from tests.porcelain.world import ROLES, TOML, File, Files, Merge, Refused, Version, World, normal, says

PATHS = ("a.bin", "b.bin", "deep/c.bin", "data/x.bin", "data/sub/y.bin")
CONTENTS = (b"", b"short", b"other", *(bytes([n, n + 1]) * 40_000 for n in range(3)))

paths, roles, contents = st.sampled_from(PATHS), st.sampled_from(sorted(ROLES)), st.sampled_from(CONTENTS)
branches = st.sampled_from(("main", "dev", "fix"))
tags, aliases, keys = (
    st.sampled_from(("one", "two")),
    st.sampled_from(("prod", "edge")),
    st.sampled_from(("lr", "epochs")),
)
revisions = st.integers(0, 40)
"""Which one of the names and versions that there are."""
having_versions = precondition(lambda self: bool(self.world.versions))


class Verbs(RuleBasedStateMachine):
    """A repository, and the world that it is to be like."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.top = Path(tempfile.mkdtemp())
        self.folder = self.top / "work"
        self.folder.mkdir()
        self.shell = begin(self.folder, self.patch)
        self.world = World({TOML: File((self.folder / TOML).read_bytes())})
        self.steps = 0
        self.said: dict[str, Any] = {}

    def teardown(self) -> None:
        try:
            for id_ in sorted(self.world.reachable()):
                self._exported(id_)
            assert self.shell("fsck", "--read-data").code == 0
        finally:
            self.patch.undo()
            shutil.rmtree(self.top)

    @initialize(values=st.lists(contents, min_size=4, max_size=4))
    def begin(self, values: list[bytes]) -> None:
        """Two branches, of which one is a version ahead."""
        for path, content in zip(("a.bin", "b.bin", "data/x.bin"), values, strict=False):
            self.write(path, content, executable=False)
        for role in ("a", "b", "data"):
            self.add(role)
        self.commit(amend=False)
        self.branch("dev", 0)
        self.write("a.bin", values[3], executable=True)
        self.commit(amend=False)

    # --- by hand

    @rule(path=paths, content=contents, executable=st.booleans())
    def write(self, path: str, content: bytes, executable: bool) -> None:
        self.shell.write(path, content)
        (self.folder / path).chmod(0o755 if executable else 0o644)
        self.world.files[path] = File(content, executable)

    @rule(path=paths)
    def delete(self, path: str) -> None:
        (self.folder / path).unlink(missing_ok=True)
        self.world.files.pop(path, None)

    # --- model.toml

    @rule(role=roles)
    def add(self, role: str) -> None:
        pattern, told = ROLES[role], says(self.world.files)
        patterns = told.get("files", {})
        here = any(path == pattern or path.startswith(pattern.removesuffix("**")) for path in self.world.files)
        code = self.shell("add", pattern.removesuffix("/**")).code
        assert code == (0 if here else 2) or role in patterns
        if here:
            self._model_toml({**told, "files": {**patterns, role: pattern}})

    @rule(role=roles, cached=st.booleans())
    def rm(self, role: str, cached: bool) -> None:
        told = self._verb(
            lambda world: world.untrack(role, cached=cached), "rm", "--cached" if cached else "--force", role
        )
        if told is not None:
            self._model_toml(told)

    @rule(key=keys, value=st.integers(0, 3))
    def set(self, key: str, value: int) -> None:
        self.shell.set(**{f"parameters__{key}": value})
        told = says(self.world.files)
        self._model_toml({**told, "parameters": {**told.get("parameters", {}), key: value}})

    @rule(key=keys)
    def unset(self, key: str) -> None:
        told = says(self.world.files)
        values = dict(told.get("parameters", {}))
        assert self.shell("unset", f"parameters.{key}").code == (0 if key in values else 1)
        values.pop(key, None)
        self._model_toml({**told, "parameters": values})

    # --- versions

    @precondition(lambda self: self.world.head is not None)
    @rule(path=paths, content=contents, key=keys, value=st.integers(0, 3))
    def work(self, path: str, content: bytes, key: str, value: int) -> None:
        """What a day brings: another file, another value, a version."""
        self.write(path, content, executable=False)
        self.set(key, value)
        self.commit(amend=False)

    @rule(amend=st.booleans())
    def commit(self, amend: bool) -> None:
        self._tick()
        more = ["--amend"] if amend else []
        version = self._verb(lambda world: world.commit(amend=amend), "commit", "-m", f"step {self.steps}", *more)
        if version is not None:
            assert self.said["number"] == version.number
            self.world.record(self.said["id"], version)

    @precondition(lambda self: self.world.branches)
    @rule(index=st.integers(0, 2), path=paths, content=contents, key=keys, value=st.integers(0, 3))
    def work_elsewhere(self, index: int, path: str, content: bytes, key: str, value: int) -> None:
        """The same on another branch, with nothing left to do here."""
        name = sorted(self.world.branches)[index % len(self.world.branches)]
        self.switch_to(name, create=None, detach=False, force=True)
        self.work(path, content, key, value)

    @having_versions
    @rule(
        revision=revisions,
        side=st.sampled_from((None, "ours", "theirs")),
        then=st.sampled_from(("ours", "theirs", "abort")),
    )
    def merge(self, revision: int, side: str | None, then: str) -> None:
        name, theirs = self._revision(revision)
        if self.world.at is not None and self.world.is_clean() and self.world.files[TOML] != self.world.at.files[TOML]:
            return  # values in another order: in the way where the merge writes model.toml, which the world does not know
        self._tick()
        ours, before = self.world.at, self.world.copy()
        merged = self._verb(lambda world: world.merge(theirs, side), "merge", name, *([f"--{side}"] if side else []))
        if isinstance(merged, str):
            assert self.said["outcome"] == merged
        if not isinstance(merged, Merge) or ours is None:
            return
        if merged.sure:
            assert self.said["outcome"] == ("conflicts" if merged.conflicts and side is None else "merged")
        if self.said["outcome"] == "conflicts" and then == "abort":
            self.shell.ok("merge", "--abort")
            self.world = before
            return
        if self.said["outcome"] == "conflicts":
            self.said = self.shell.ok("--json", "merge", "--continue", f"--{then}").json
            merged = before.copy().merge(theirs, then)
            assert isinstance(merged, Merge)
        found = _read(self.folder)
        if merged.sure:
            untracked = {path: file for path, file in before.files.items() if path not in ours.files}
            assert {**found, TOML: None} == {**untracked, **merged.files, TOML: None}
            assert says(found) == merged.says
        self.world.files = found
        parents = (str(before.current), theirs)
        self.world.record(self.said["id"], Version(ours.number + 1, parents, self.world.commit_of_files()))

    @having_versions
    @rule(revision=revisions, create=st.none() | branches, detach=st.booleans(), force=st.booleans())
    def switch(self, revision: int, create: str | None, detach: bool, force: bool) -> None:
        self.switch_to(self._revision(revision)[0], create=create, detach=detach and create is None, force=force)

    def switch_to(self, name: str, *, create: str | None, detach: bool, force: bool) -> None:
        more = [*(["-c", create] if create else []), *(["--detach"] if detach else []), *(["--force"] if force else [])]
        self._verb(lambda world: world.switch(name, create=create, detach=detach, force=force), "switch", *more, name)

    @having_versions
    @rule(revision=revisions, mode=st.sampled_from(("", "--keep", "--hard")))
    def reset(self, revision: int, mode: str) -> None:
        name, id_ = self._revision(revision)
        self._verb(lambda world: world.reset(id_, mode), "reset", *([mode] if mode else []), name)

    @having_versions
    @rule(revision=revisions, path=st.sampled_from((".", TOML, *PATHS)))
    def restore(self, revision: int, path: str) -> None:
        name, id_ = self._revision(revision)
        self._verb(lambda world: world.restore(path, id_), "restore", "--source", name, path)

    # --- names

    @having_versions
    @rule(name=branches, revision=revisions)
    def branch(self, name: str, revision: int) -> None:
        called, id_ = self._revision(revision)
        self._verb(lambda world: world.create_branch(name, id_), "branch", name, called)

    @rule(name=branches, force=st.booleans())
    def delete_branch(self, name: str, force: bool) -> None:
        self._verb(lambda world: world.delete_branch(name, force=force), "branch", "-D" if force else "-d", name)

    @rule(old=branches, new=branches)
    def rename_branch(self, old: str, new: str) -> None:
        self._verb(lambda world: world.rename_branch(old, new), "branch", "-m", old, new)

    @having_versions
    @rule(name=tags, revision=revisions)
    def tag(self, name: str, revision: int) -> None:
        called, id_ = self._revision(revision)
        self._verb(lambda world: world.set_tag(name, id_), "tag", name, called)

    @precondition(lambda self: self.world.tags)
    @rule(name=tags)
    def delete_tag(self, name: str) -> None:
        self._verb(lambda world: world.delete_tag(name), "tag", "-d", name)

    @having_versions
    @rule(name=aliases, revision=revisions)
    def alias(self, name: str, revision: int) -> None:
        called, id_ = self._revision(revision)
        self._verb(lambda world: world.set_alias(name, id_), "alias", "set", name, called)

    @precondition(lambda self: self.world.aliases)
    @rule(name=aliases)
    def delete_alias(self, name: str) -> None:
        self._verb(lambda world: world.delete_alias(name), "alias", "rm", name)

    @precondition(lambda self: self.world.moves)
    @rule(name=aliases)
    def rollback(self, name: str) -> None:
        self._verb(lambda world: world.rollback(name), "alias", "rollback", name)

    # --- all of it

    @precondition(lambda self: self.world.reachable() != set(self.world.versions))
    @rule()
    def gc(self) -> None:
        self._verb(World.collect, "gc", "--grace", "0d")

    @having_versions
    @rule(revision=revisions)
    def export(self, revision: int) -> None:
        self._exported(self._revision(revision)[1])

    @having_versions
    @rule(revision=revisions)
    def log(self, revision: int) -> None:
        name, id_ = self._revision(revision)
        ids = [each["id"] for each in self.shell.ok("log", "--json", name).json["versions"]]
        assert sorted(ids) == sorted(self.world.ancestors(id_))

    # --- what holds after each

    @invariant()
    def all_is_as_in_the_world(self) -> None:
        assert _read(self.folder) == self.world.files
        assert self.shell.ok("status", "--json").json["clean"] == self.world.is_clean()
        repository, found = self.shell.repository, {}
        for kind in ("heads", "tags", "aliases"):
            found[kind] = {ref.name: repository.refs.target(ref) for ref in repository.refs.all(MODEL, kind)}
        now = {kind: {name: id_ for name, id_ in names.items() if id_} for kind, names in found.items()}
        assert now == {"heads": self.world.branches, "tags": self.world.tags, "aliases": self.world.aliases}
        head = repository.head(MODEL)
        assert (head.branch, head.version) == (self.world.head, self.world.detached)

    # --- inside

    def _verb(self, change: Callable[[World], Any], *arguments: str) -> Any:
        """Run a verb here and in the world; what `change` gives, None when both refuse."""
        changed = self.world.copy()
        try:
            made, refused = change(changed), None
        except Refused as refusal:
            made, refused = None, refusal
        said = self.shell("--json", "--progress", "none", *arguments)
        if refused is not None:
            assert said.code, f"{arguments} is not refused, as {refused.kinds}"
            assert json.loads(said.err.splitlines()[-1])["kind"] in refused.kinds
            return None
        assert said.code in (0, 1 if arguments[0] == "merge" else 0), said
        assert not said.err, said
        self.said = said.json if said.out else {}
        self.world = changed
        return made

    def _revision(self, number: int) -> tuple[str, str]:
        """A name or an id to type, and the version that it stands for."""
        known = sorted(self.world.names().items()) + [(id_, id_) for id_ in sorted(self.world.versions)]
        return known[number % len(known)]

    def _model_toml(self, told: dict[str, Any]) -> None:
        """Take model.toml as the verb wrote it, which says what it is to say."""
        text = File((self.folder / TOML).read_bytes())
        assert says({TOML: text}) == normal(told)
        self.world.files[TOML] = text

    def _tick(self) -> None:
        self.shell.tick()
        self.steps += 1

    def _exported(self, id_: str) -> None:
        target = self.top / "exported"
        self.shell.ok("export", id_, str(target))
        assert _read(target) == self.world.versions[id_].files
        shutil.rmtree(target)


def _read(top: Path) -> Files:
    """The files of a folder, without those of the store."""
    found = {}
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if name != ".mvc"]
        for name in names:
            path = Path(folder, name)
            found[path.relative_to(top).as_posix()] = File(path.read_bytes(), bool(path.stat().st_mode & 0o100))
    return found


def test_verbs_do_what_plain_dicts_say(deep: bool) -> None:
    run_state_machine_as_test(
        Verbs,
        settings=settings(
            max_examples=2_000 if deep else 6,
            stateful_step_count=50,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
