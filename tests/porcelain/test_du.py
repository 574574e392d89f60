from __future__ import annotations

import random
from pathlib import Path

import pytest

from mvc.model.ids import VersionId
from mvc.model.tree import Tree
from mvc.model.version import Person, Timestamp
from mvc.porcelain.commit import commit
from mvc.porcelain.du import du
from mvc.porcelain.init import init
from mvc.repository import disk_usage
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.objects import Objects

ACTOR = Actor(Person("Ana", "ana@example.org"), Timestamp(0))


def commit_files(root: Path, files: dict[str, bytes]) -> VersionId:
    """A version of the model `m` with exactly these files, each its own role."""
    listed = "\n".join(f'{name} = "{name}"' for name in files)
    (root / "model.toml").write_text(f'[model]\nname = "m"\n\n[files]\n{listed}\n', encoding="utf-8")
    for name, data in files.items():
        (root / name).write_bytes(data)
    made = commit(Model(Repository(root), "m"), "files", ACTOR).id
    assert made is not None
    return made


def tree(repository: Repository, version: VersionId) -> Tree:
    return repository.objects.tree(repository.objects.version(version).tree)


def test_unique_is_what_no_other_version_needs(tmp_path: Path, rng: random.Random) -> None:
    init(tmp_path, model="m")
    big, more, small = rng.randbytes(1_500_000), rng.randbytes(700_000), rng.randbytes(100)
    first = commit_files(tmp_path, {"a": big, "b": small})
    second = commit_files(tmp_path, {"a": big + more, "b": small, "copy": big + more})
    found = du(Model(Repository(tmp_path), "m"))
    by_id = {usage.id: usage for usage in found.versions}
    assert [usage.id for usage in found.versions] == [second, first]
    assert by_id[first].total == len(big) + len(small)
    assert by_id[second].total == 2 * len(big + more) + len(small)
    assert by_id[second].unique >= len(more)
    assert by_id[first].shared == by_id[second].shared > len(big) // 2
    assert found.store >= by_id[first].unique + by_id[second].unique + by_id[first].shared
    assert found.checked_out == by_id[first].total + by_id[second].total
    assert du(Model(Repository(tmp_path), "m"), [first]).versions == (by_id[first],)


def test_what_several_new_files_share_is_brought_once(tmp_path: Path, rng: random.Random) -> None:
    init(tmp_path, model="m")
    big, more = rng.randbytes(1_500_000), rng.randbytes(700_000)
    first = commit_files(tmp_path, {"a": big})
    second = commit_files(tmp_path, {"a": big + more, "b": more + big + more})
    repository = Repository(tmp_path)
    old, new = tree(repository, first), tree(repository, second)
    assert sum(disk_usage.added_bytes(repository, None, old).values()) == len(big)
    assert disk_usage.added_bytes(repository, new, new) == {}
    brought = disk_usage.added_bytes(repository, old, new)
    assert len(more) <= sum(brought.values()) < 3 * len(more) + len(big)
    assert set(brought) == {entry.file for entry in new.entries}


def test_each_object_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tree of many versions is one, and no object of a known version is read to see whether it is a version."""
    init(tmp_path, model="m")
    model_toml = tmp_path / "model.toml"
    commit_files(tmp_path, {"a": b"weights"})
    text = model_toml.read_text(encoding="utf-8")
    for number in range(6):
        model_toml.write_text(f"{text}\n[parameters]\nstep = {number}\n", encoding="utf-8")
        commit(Model(Repository(tmp_path), "m"), f"step {number}", ACTOR)
    ids: list[str] = []
    read = Objects.read

    def counted(objects: Objects, id_: str, what: str = "object") -> bytes:
        ids.append(id_)
        return read(objects, id_, what)

    monkeypatch.setattr(Objects, "read", counted)
    assert len(du(Model(Repository(tmp_path), "m")).versions) == 7
    assert len(ids) == 7 + 1, "seven versions, and their tree"
