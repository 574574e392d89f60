"""Many pushes, few files to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mvc.model.ids import PackId
from mvc.porcelain.fsck_remote import survey
from mvc.porcelain.gc_remote import gc_remote
from mvc.porcelain.init import make_repository
from mvc.remotes import compaction
from mvc.remotes.backends.local import LocalBackend
from mvc.remotes.inventory import Inventory
from mvc.repository.repository import Repository
from mvc.storage.packs import metapacks, packformat
from mvc.storage.packs.packfile import PackFile
from tests.cli.shell import Shell, begin
from tests.remotes.clones import clone, folder, push_main, remote_on
from tests.remotes.faults import Faulty


@pytest.fixture
def pushed(tmp_path: Path, monkeypatch: Any) -> Shell:
    """A repository that was pushed after each of 12 versions, with 4 small metadata packs let be."""
    monkeypatch.setattr(compaction, "MANY", 4)
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    for number in range(12):
        shell.set(parameters__step=number)
        shell.commit(f"step {number}")
        push_main(shell, folder(tmp_path / "origin"))
    return shell


def test_a_clone_reads_few_files_after_many_pushes(pushed: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    files = list((tmp_path / "origin" / "meta").glob("*.pack"))
    merged = list((tmp_path / "origin" / "meta" / "merged").iterdir())
    assert (len(files), len(merged)) == (12, 3)
    backend = Faulty(LocalBackend(tmp_path / "origin"))
    ben = clone(tmp_path, monkeypatch, "ben", "--meta")
    assert not survey(ben.repository, remote_on(backend)).findings
    came = {path.name for path in (ben.folder / ".mvc" / "meta").iterdir()}
    assert [path for path in merged if path.name in came] == [max(merged, key=lambda path: path.stat().st_size)]
    assert len(came) <= 1 + 4


def test_of_a_merged_one_that_is_damaged_the_others_are_read_and_it_is_fetched_once(
    pushed: Shell, tmp_path: Path
) -> None:
    merged = sorted((tmp_path / "origin" / "meta" / "merged").iterdir(), key=lambda path: path.stat().st_size)
    data = bytearray(merged[-1].read_bytes())
    data[len(data) // 2] ^= 1
    merged[-1].chmod(0o600)
    merged[-1].write_bytes(data)
    (tmp_path / "ben").mkdir()
    make_repository(tmp_path / "ben")
    backend = Faulty(LocalBackend(tmp_path / "origin"))
    there = Inventory(Repository(tmp_path / "ben"), backend, 2)
    assert [*there.damaged] == [merged[-1].stem]
    assert [call for call in backend.calls if merged[-1].name in call] == [f"get meta/merged/{merged[-1].name}"]
    assert there.objects == Inventory(pushed.repository, LocalBackend(tmp_path / "origin"), 2).objects


def test_what_was_merged_may_be_collected(pushed: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    remote = folder(tmp_path / "origin")
    for _ in range(2):
        gc_remote(pushed.repository, remote, pushed.actor, grace=0)
    assert len(list((tmp_path / "origin" / "meta").rglob("*.pack"))) <= 4
    ben = clone(tmp_path, monkeypatch, "ben")
    assert len(ben.ok("log", "--oneline").lines) == 12
    assert ben("fsck", "--remote", "origin", "--read-data").code == 0


def _local(shell: Shell) -> list[Path]:
    return sorted((shell.folder / ".mvc" / "meta").glob("*.pack"))


def test_what_was_merged_is_removed_here(pushed: Shell, tmp_path: Path) -> None:
    assert len(_local(pushed)) <= 1 + 4
    assert len(pushed.ok("log", "--oneline").lines) == 12
    assert pushed("fsck").code == 0
    there = Inventory(pushed.repository, LocalBackend(tmp_path / "origin"), 2)
    assert (there.received, there.damaged) == (0, {})


def test_the_number_of_indexes_that_a_verb_reads_does_not_grow_with_pushes(
    pushed: Shell, tmp_path: Path, monkeypatch: Any
) -> None:
    read: list[str] = []
    read_index_bytes = packformat.read_index_bytes

    def counted(pack: PackFile) -> bytes:
        read.append(pack.name)
        return read_index_bytes(pack)

    monkeypatch.setattr(packformat, "read_index_bytes", counted)
    for number in range(12, 24):
        pushed.set(parameters__step=number)
        pushed.commit(f"step {number}")
        push_main(pushed, folder(tmp_path / "origin"))
    read.clear()
    assert Repository(pushed.folder).metapacks.object("ab" * 32) is None
    assert 1 <= len(read) <= 1 + 4


def test_copies_that_a_killed_push_left_are_removed_by_the_next_push_and_by_gc(
    pushed: Shell, tmp_path: Path, monkeypatch: Any
) -> None:
    before = {path.name: path.read_bytes() for path in _local(pushed)}
    with monkeypatch.context() as patch:
        patch.setattr(compaction, "_drop", lambda *_: None)
        for number in range(12, 20):
            pushed.set(parameters__step=number)
            pushed.commit(f"step {number}")
            push_main(pushed, folder(tmp_path / "origin"))
    assert len(_local(pushed)) > len(before) + 4
    left = {path.name: path.read_bytes() for path in _local(pushed)}
    pushed.set(parameters__step=20)
    pushed.commit("step 20")
    push_main(pushed, folder(tmp_path / "origin"))
    assert len(_local(pushed)) <= 2 + 4
    for name, data in left.items():
        (pushed.folder / ".mvc" / "meta" / name).write_bytes(data)
    pushed.ok("gc")
    assert len(_local(pushed)) <= 2 + 4
    assert len(pushed.ok("log", "--oneline").lines) == 21
    assert pushed("fsck").code == 0


def test_no_copy_is_removed_for_a_merged_one_that_is_damaged(pushed: Shell, tmp_path: Path, monkeypatch: Any) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(compaction, "_drop", lambda *_: None)
        for number in range(12, 16):
            pushed.set(parameters__step=number)
            pushed.commit(f"step {number}")
            push_main(pushed, folder(tmp_path / "origin"))
    merged = max(_local(pushed), key=lambda path: path.stat().st_size)
    others = {path.stem for path in _local(pushed) if path != merged}
    packs = Repository(pushed.folder).metapacks
    assert metapacks.replaces(packs, PackId(merged.stem), others)
    data = bytearray(merged.read_bytes())
    data[100] ^= 1  # in the bytes of its first entry
    merged.chmod(0o600)
    merged.write_bytes(data)
    assert metapacks.replaces(packs, PackId(merged.stem), others) == set()


def test_a_reader_beside_it_finds_the_entries_in_the_merged_one(
    pushed: Shell, tmp_path: Path, monkeypatch: Any
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(compaction, "_drop", lambda *_: None)
        for number in range(12, 16):
            pushed.set(parameters__step=number)
            pushed.commit(f"step {number}")
            push_main(pushed, folder(tmp_path / "origin"))
    reader = Repository(pushed.folder).metapacks
    ids = reader.object_ids()
    before = len(_local(pushed))
    pushed.set(parameters__step=20)
    pushed.commit("step 20")
    push_main(pushed, folder(tmp_path / "origin"))
    assert len(_local(pushed)) < before
    assert all(reader.object(id_) is not None for id_ in ids)
