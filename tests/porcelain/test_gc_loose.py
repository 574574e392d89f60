"""gc packs loose files: the same versions from fewer files, whatever interrupts it."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from mvc.porcelain import fsck_repair
from mvc.porcelain.fsck import fsck
from mvc.porcelain.gc import gc
from mvc.repository import history, reachable
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.disk import primitives
from mvc.storage.packs import loose
from tests.cli import built
from tests.cli.shell import MODEL, Shell

VERSIONS = 12


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A repository of 12 versions of one line, which gc packs."""
    monkeypatch.setattr(loose, "LEAST", 8)
    monkeypatch.setattr(loose, "RECOGNIZED", 4)
    return built.copy(_line, tmp_path, monkeypatch)


def _line(shell: Shell) -> None:
    shell.write("w.bin", b"weights" * 9_000)
    shell.ok("add", "w.bin", "--as", "weights")
    _commit(shell, VERSIONS)


def _commit(shell: Shell, count: int) -> None:
    for number in range(count):
        shell.set(parameters__step=number, parameters__of=count)
        shell.commit(f"step {number} of {count}")


def _files(shell: Shell, *folders: str) -> list[Path]:
    top = shell.folder / ".mvc"
    return [path for folder in folders for path in (top / folder).rglob("*") if path.is_file()]


def _contents(repository: Repository) -> dict[VersionId, tuple[Any, ...]]:
    """Return everything that the versions of main consist of."""
    objects, tip = repository.objects, Model(repository, MODEL).current
    assert tip is not None
    return {
        id_: (
            version,
            objects.manifest(version.manifest),
            [
                (entry.path, b"".join(map(bytes, repository.extract.stream(entry.file))))
                for entry in objects.tree(version.tree).entries
            ],
            b"".join(map(bytes, repository.extract.stream(version.model_toml))),
        )
        for id_, version in history.walk(objects, [tip])
    }


def test_the_versions_are_the_same_and_the_files_few(shell: Shell) -> None:
    before, count = _contents(shell.repository), len(_files(shell, "objects", "recipes"))
    assert "Would pack" in shell.ok("gc", "-n").out
    assert len(_files(shell, "objects", "recipes")) == count
    said = shell.ok("gc", "--json").json
    left = _files(shell, "objects", "recipes")
    assert said["packed"] == count - len(left)
    assert len(left) == 2, "the tip, and the recipe of chunks"
    assert len(_files(shell, "meta")) == 1
    assert _contents(Repository(shell.folder)) == before
    assert not fsck(Repository(shell.folder), read_data=True).findings
    again = shell.ok("gc", "--json").json
    assert (again["packed"], len(_files(shell, "meta"))) == (0, 1)
    assert len(shell.ok("log", "--oneline").lines) == VERSIONS


def test_few_loose_files_stay(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loose, "LEAST", 1_000)
    before = sorted(_files(shell, "objects", "recipes", "meta"))
    assert "Packed" not in shell.ok("gc").out
    assert sorted(_files(shell, "objects", "recipes", "meta")) == before


def test_what_is_not_reachable_any_more_leaves_its_pack(shell: Shell) -> None:
    shell.ok("gc")
    shell.ok("config", "gc.reflog-expire", "0")
    old = list(_contents(shell.repository))[:4]
    shell.ok("reset", "--hard", "HEAD~4")
    shell.tick()
    shell.ok("gc", "--grace", "0s")
    repository = Repository(shell.folder)
    assert not any(repository.objects.has(id_) for id_ in old)
    assert len(_contents(repository)) == VERSIONS - 4
    assert not fsck(repository, read_data=True).findings


def test_a_pack_of_which_little_is_left_is_unpacked(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.ok("gc")
    shell.ok("config", "gc.reflog-expire", "0")
    shell.ok("reset", "--hard", f"HEAD~{VERSIONS - 1}")
    shell.tick()
    before = _contents(shell.repository)
    monkeypatch.setattr(loose, "RECOGNIZED", 16)
    monkeypatch.setattr(loose, "LEAST", 100)
    shell.ok("gc", "--grace", "0s")
    assert _files(shell, "meta") == []
    assert _contents(Repository(shell.folder)) == before


def test_packs_are_joined_when_there_are_many(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loose, "MANY", 2)
    for _ in range(3):
        shell.ok("gc")
        _commit(shell, 4)
    assert len(_files(shell, "meta")) == 3
    before = _contents(shell.repository)
    shell.ok("gc")
    shell.ok("gc")
    assert len(_files(shell, "meta")) <= 2
    assert _contents(Repository(shell.folder)) == before
    assert not fsck(Repository(shell.folder), read_data=True).findings


def test_a_large_pack_is_not_joined_and_a_reader_beside_it_finds_the_others(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loose, "MANY", 1)
    for _ in range(3):
        shell.ok("gc")
        _commit(shell, 4)
    sizes = {path: path.stat().st_size for path in (shell.folder / ".mvc" / "meta").rglob("*.pack")}
    large = max(sizes, key=sizes.__getitem__)
    monkeypatch.setattr(loose, "SMALL", sizes[large])
    reader = Repository(shell.folder)
    before = _contents(Repository(shell.folder))
    assert reader.metapacks.object("ab" * 32) is None  # it knows the packs of before
    shell.ok("gc")
    shell.ok("gc")
    assert large.exists()
    assert not any(path.exists() for path in sizes if path != large)
    assert _contents(reader) == before


def test_a_reader_beside_it_finds_what_was_loose(shell: Shell) -> None:
    reader = Repository(shell.folder)
    before = _contents(Repository(shell.folder))
    assert reader.metapacks.object("ab" * 32) is None  # it knows the packs of before
    shell.ok("gc")
    assert _contents(reader) == before


def test_a_lost_log_is_noticed_all_the_same(shell: Shell) -> None:
    shell.ok("gc")
    shutil.rmtree(next((shell.folder / ".mvc" / "refs").rglob("main")))
    repository = Repository(shell.folder)
    with pytest.raises(errors.LogLost):
        reachable.roots(repository, 0)


KILLED = 9


def _killed_at(number: int, shell: Shell) -> bool:
    """Collect in another process that ends before its step `number`; return False if it has fewer steps."""
    child = os.fork()
    if not child:
        left = itertools.count(number, -1)
        primitives.on_step = lambda *_: None if next(left) else os._exit(KILLED)
        with contextlib.suppress(BaseException):
            gc(Repository(shell.folder), shell.actor)
            os._exit(0)
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED


def test_killed_at_any_step_it_loses_nothing(shell: Shell, rng: random.Random, deep: bool, tmp_path: Path) -> None:
    before = _contents(shell.repository)
    place, copy = shell.folder / ".mvc", tmp_path / "copy"
    shutil.copytree(place, copy)
    steps: list[str] = []
    primitives.on_step = lambda name, _: steps.append(name)
    gc(Repository(shell.folder), shell.actor)
    primitives.on_step = None
    assert {"fsync", "rename", "unlink"} <= set(steps)
    chosen = range(len(steps)) if deep else sorted(rng.sample(range(len(steps)), 8))
    for number in chosen:
        shutil.rmtree(place)
        shutil.copytree(copy, place)
        assert _killed_at(number, shell), (number, steps)
        assert _contents(Repository(shell.folder)) == before, (number, steps[number])
        shell.ok("gc")
        assert len(_files(shell, "objects", "recipes")) < 2 + loose.LEAST, (number, steps[number])
        assert not fsck(Repository(shell.folder)).findings, (number, steps[number])


@pytest.mark.parametrize("harm", ["entry", "trailer"])
def test_of_a_damaged_pack_a_repair_keeps_the_intact_entries(shell: Shell, harm: str) -> None:
    shell.ok("gc")
    before = _contents(shell.repository)
    path = _files(shell, "meta")[0]
    data = bytearray(path.read_bytes())
    data[100 if harm == "entry" else -10] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)
    repository = Repository(shell.folder)
    fsck_repair._remove_metadata(repository, f"meta/{path.name}")
    fresh = Repository(shell.folder)
    intact = set(fresh.metapacks.object_ids())
    wanted = {id_ for id_, (version, *_) in before.items() for id_ in (id_, version.manifest, version.tree)}
    missing = wanted - intact - set(fresh.objects.loose())
    assert len(missing) == (harm == "entry")
    assert not [finding for finding in fsck(fresh).findings if finding.kind == "pack"]


@pytest.mark.parametrize("kind", ["folder", "link", "fifo"])
def test_a_pack_that_is_no_file_hides_no_other(shell: Shell, kind: str) -> None:
    shell.ok("gc")
    before = _contents(shell.repository)
    place = next((shell.folder / ".mvc" / "meta").rglob("*.pack")).with_name(f"{'0' * 64}.pack")
    if kind == "folder":
        place.mkdir()
    elif kind == "link":
        place.symlink_to(place)
    else:
        os.mkfifo(place)
    assert _contents(Repository(shell.folder)) == before
    assert [finding.path for finding in fsck(Repository(shell.folder)).findings] == [f"meta/{place.name}"]
