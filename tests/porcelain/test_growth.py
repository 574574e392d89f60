"""What a verb does for files that did not change is the same for few of them and for many, counted instead of timed."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mvc.remotes.inventory import Inventory
from mvc.remotes.push_session import PushSession
from mvc.remotes.upload_plan import DroppedFiles, UploadPlan, plan
from mvc.storage.chunks import chunking, recipes
from mvc.storage.chunks.recipes import MAX_INLINE, Recipe
from mvc.storage.disk.timestamps import FileSystem
from mvc.storage.packs.index import ChunkIndex
from mvc.storage.records import sparse
from tests.cli.shell import Shell, begin
from tests.remotes.clones import folder

FEW, MANY = 3, 30


class Work:
    """The recipes that were decoded and encoded, and the queries of the chunk index."""

    def __init__(self) -> None:
        self.decoded = self.encoded = self.queries = 0

    @property
    def all(self) -> tuple[int, int, int]:
        return self.decoded, self.encoded, self.queries


@contextmanager
def _counted(patch: pytest.MonkeyPatch) -> Iterator[Work]:
    work = Work()
    recipes._verified.cache_clear()
    decode, encode, open_ = Recipe.decode, Recipe.encode, ChunkIndex._open

    def decoded(data: bytes) -> Recipe:
        work.decoded += 1
        return decode(data)

    def encoded(recipe: Recipe) -> bytes:
        work.encoded += 1
        return encode(recipe)

    def opened(index: ChunkIndex) -> Any:
        work.queries += 1
        return open_(index)

    with patch.context() as counting:
        counting.setattr(Recipe, "decode", staticmethod(decoded))
        counting.setattr(Recipe, "encode", encoded)
        counting.setattr(ChunkIndex, "_open", opened)
        yield work


def _pushed(place: Path, patch: pytest.MonkeyPatch, rng: random.Random, files: int) -> Shell:
    """A version with so many small files and half as many in chunks, whose recipes are loose and, pushed, in a pack too."""
    place.mkdir()
    shell = begin(place, patch)
    for number in range(files):
        shell.write(f"data/{number:03}.txt", b"%d" % number * 100)
    for number in range(files // 2):
        shell.write(f"data/{number:03}.bin", rng.randbytes(MAX_INLINE + 1_000))
    shell.ok("add", "data", "--as", "data")
    shell.ok("remote", "add", "origin", str(place / "origin"))
    shell.commit("one")
    shell.ok("push")
    patch.setattr(FileSystem, "flush", staticmethod(lambda _: None))  # a file system in memory does not stamp each edit
    patch.setattr(FileSystem, "has_passed", lambda *_: True)
    shell.ok("status")
    return shell


def _one_line(shell: Shell, epochs: int) -> None:
    shell.set(parameters__epochs=epochs)
    shell.commit("one line")


@pytest.mark.parametrize("verb", ["commit", "show", "push", "push -n"])
def test_a_version_of_one_changed_line_costs_the_same_for_few_and_many_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random, verb: str
) -> None:
    done = []
    for files in (FEW, MANY):
        shell = _pushed(tmp_path / str(files), monkeypatch, rng, files)
        if verb == "commit":
            shell.set(parameters__epochs=2)
        else:
            _one_line(shell, 2)
        arguments = ["commit", "-m", "x"] if verb == "commit" else verb.split()
        with _counted(monkeypatch) as work:
            shell.ok(*arguments)
        done.append(work)
    few, many = done
    assert few.all == many.all


@pytest.mark.parametrize("verb", ["show", "diff v1 v2"])
def test_a_version_with_one_small_file_changed_costs_the_same_for_few_and_many_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random, verb: str
) -> None:
    done = []
    for files in (FEW, MANY):
        shell = _pushed(tmp_path / str(files), monkeypatch, rng, files)
        shell.write("data/000.txt", b"changed")
        shell.commit("one file")
        with _counted(monkeypatch) as work:
            assert "data/000.txt" in shell.ok(*verb.split()).out
        done.append(work.all)
    assert done[0] == done[1]


def test_a_first_version_is_shown_without_a_look_into_small_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random
) -> None:
    shell = _pushed(tmp_path / "r", monkeypatch, rng, MANY)
    with _counted(monkeypatch) as work:
        shell.ok("show")
    assert work.decoded == MANY // 2


def test_the_status_of_files_that_were_never_fetched_decodes_no_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random
) -> None:
    shell = _pushed(tmp_path / "r", monkeypatch, rng, MANY)
    shell.ok("clone", "--meta", str(shell.folder / "origin"), "clone")
    shell.folder /= "clone"
    shutil.rmtree(shell.folder / ".mvc" / sparse.FOLDER)  # each file is looked up, as in a clone of before it
    with _counted(monkeypatch) as work:
        assert f"Not checked out: {MANY // 2} files" in shell.ok("status").out
    assert not work.decoded


@pytest.mark.parametrize("verb", ["commit", "show"])
def test_in_a_clone_only_files_in_chunks_are_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random, verb: str
) -> None:
    """Each file of a clone has a record that it is promised, also once it was fetched."""
    done = []
    for files in (FEW, MANY):
        shell = _pushed(tmp_path / str(files), monkeypatch, rng, files)
        shell.ok("clone", str(shell.folder / "origin"), "clone")
        shell.folder /= "clone"
        shell.ok("status")
        if verb == "commit":
            shell.set(parameters__epochs=2)
        else:
            _one_line(shell, 2)
        with _counted(monkeypatch) as work:
            shell.ok(*(["commit", "-m", "x"] if verb == "commit" else ["show"]))
        done.append(work.decoded - files // 2)
    assert done[0] == done[1]


def test_the_chunks_to_send_are_looked_up_by_few_queries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random
) -> None:
    monkeypatch.setattr(chunking, "MIN", 64)
    monkeypatch.setattr(chunking, "AVERAGE", 256)
    monkeypatch.setattr(chunking, "MAX", 1024)
    monkeypatch.setattr(chunking, "_cutter", chunking._cutter.__wrapped__)
    shell = begin(tmp_path, monkeypatch)
    shell.write("w.bin", rng.randbytes(100_000))
    shell.ok("add", "w.bin", "--as", "w")
    shell.commit("one")
    shell.ok("remote", "add", "origin", str(tmp_path / "origin"))
    with _counted(monkeypatch) as work:
        shell.ok("push")
    (entry,) = shell.repository.objects.tree(shell.repository.objects.version(_tip(shell)).tree).entries
    recipe = shell.repository.recipes.best(entry.file)
    assert recipe is not None
    assert len(recipe.chunks) > 200
    assert work.queries < 50


def _tip(shell: Shell) -> Any:
    return shell.ok("rev-parse", "HEAD").out.strip()


def _plan(shell: Shell, **how: Any) -> UploadPlan:
    """What a push of the newest version would send."""
    repository = shell.repository
    tip = _tip(shell)
    inventory = Inventory(repository, folder(shell.folder / "origin").backend, 1)
    return plan(repository, inventory, [(tip, repository.objects.version(tip))], **how)


def test_what_a_remote_lost_of_the_parent_is_left_to_a_repair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random
) -> None:
    shell = _pushed(tmp_path / "r", monkeypatch, rng, FEW)
    _one_line(shell, 2)
    shutil.rmtree(tmp_path / "r" / "origin" / "packs")
    assert not _plan(shell).size
    assert _plan(shell, partial=True).size
    shell.ok("push")
    shell.ok("push", "--repair")
    assert shell("fsck", "--remote", "origin", "--read-data").code == 0


def test_a_file_that_the_remote_dropped_is_sent_although_the_parent_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random
) -> None:
    shell = _pushed(tmp_path / "r", monkeypatch, rng, FEW)
    _one_line(shell, 2)
    shutil.rmtree(tmp_path / "r" / "origin" / "packs")
    tree = shell.repository.objects.tree(shell.repository.objects.version(_tip(shell)).tree)
    dropped = {entry.file for entry in tree.entries}
    assert _plan(shell, dropped=DroppedFiles(doubted=dropped)).size


def test_what_a_collection_took_beside_a_push_is_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random
) -> None:
    shell = _pushed(tmp_path / "r", monkeypatch, rng, FEW)
    _one_line(shell, 2)
    repository, tip, remote = shell.repository, _tip(shell), folder(tmp_path / "r" / "origin")
    with PushSession(repository, remote.backend, shell.actor.move("push"), remote.pause, 1) as session:
        shutil.rmtree(tmp_path / "r" / "origin" / "packs")
        fresh = [(tip, repository.objects.version(tip))]
        session.send(fresh, [])
        assert not (tmp_path / "r" / "origin" / "packs").exists()
        (tmp_path / "r" / "origin" / "intents").rename(tmp_path / "gone")  # the announcement of this push
        session.resend(fresh, [])
    assert list((tmp_path / "r" / "origin" / "packs").glob("*/*.pack"))


def test_a_damaged_remote_is_compared_file_by_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random
) -> None:
    shell = _pushed(tmp_path / "r", monkeypatch, rng, FEW)
    _one_line(shell, 2)
    (pack,) = (tmp_path / "r" / "origin" / "packs").glob("*/*")
    pack.write_bytes(pack.read_bytes()[:-1])
    assert _plan(shell).size


def test_a_file_of_the_parent_whose_absence_is_recorded_is_stored_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random
) -> None:
    shell = _pushed(tmp_path / "r", monkeypatch, rng, FEW)
    shell.folder = tmp_path
    shell.ok("clone", "--meta", str(tmp_path / "r" / "origin"), "c")
    shell.folder = tmp_path / "c"
    shutil.copytree(tmp_path / "r" / "data", tmp_path / "c" / "data", dirs_exist_ok=True)
    shell.ok("status")
    _one_line(shell, 2)
    tree = shell.repository.objects.tree(shell.repository.objects.version(_tip(shell)).tree)
    assert len(tree.entries) == FEW + FEW // 2
    assert all(shell.repository.recipes.best(entry.file) for entry in tree.entries)
