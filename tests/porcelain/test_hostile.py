"""A version that somebody else made by hand: its paths are checked by `fsck`, and never written."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import FileId
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Person, Timestamp
from mvc.porcelain.export import export
from mvc.porcelain.fsck import fsck
from mvc.porcelain.switch import switch
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.reflog import HEADS, RefName
from tests.crash.scenarios import two_versions

ACTOR = Actor(Person("Mallory", "m@example.org"), Timestamp(1_770_112_800))
PATHS = (
    "../escape", "/tmp/escape", "a/../../escape", "./x", "a//b", "", "a\\b", "C:x", "a:stream", ".mvc/config.toml",
    ".MVC/config.toml", ".git/hooks/post-checkout", ".GIT/config", "git~1/config", ".g\u200cit/config", "sub/.hg/hgrc",
    "con", "aux.txt", "a\x00b", "a\nb", "trailing.", "trailing ", "e\u0301", "x" * 300, "/".join("a" * 100),
)  # fmt: skip


def _outside(root: Path) -> set[str]:
    return {
        os.path.join(folder, name)
        for folder, _, files in os.walk(root.parent)
        for name in files
        if not folder.startswith(f"{root}/.mvc")
    }


@pytest.mark.parametrize("path", PATHS, ids=ascii)
def test_a_hostile_path_is_found_and_never_written(tmp_path: Path, path: str) -> None:
    root = tmp_path / "deep" / "repository"
    root.mkdir(parents=True)
    two_versions(root)
    repository = Repository(root)
    tip = repository.current("helmets")
    assert tip is not None
    good = repository.objects.version(tip)
    file: FileId = repository.objects.tree(good.tree).entries[0].file
    bad_tree = repository.objects.put_tree(Tree((TreeEntry(path, "evil", 5, file),)))
    bad = repository.objects.put_version(replace(good, parents=(), number=1, tree=bad_tree))
    repository.refs.append(RefName("helmets", HEADS, "evil"), None, bad, ACTOR.move("made by hand"))
    before = _outside(root)
    with pytest.raises(errors.MvcError) as refused:
        switch(Model(repository, "helmets"), "evil", force=True, actor=ACTOR)
    assert refused.value.exit_code == errors.Refused.exit_code
    with pytest.raises(errors.MvcError):
        export(Model(repository, "helmets"), bad, tmp_path / "out")
    assert "path" in {finding.kind for finding in fsck(Repository(root)).findings}
    assert _outside(root) == before
