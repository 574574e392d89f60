"""gc in doubt: what is lost or half done elsewhere never makes it remove what is needed; who works meanwhile is told."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import ManifestId, VersionId
from mvc.porcelain import commit as committing
from mvc.porcelain import gc as verb
from mvc.porcelain import reset as resetting
from mvc.porcelain.fsck import fsck
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.chunks.ingest import Ingest
from mvc.storage.disk import primitives
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records import journal
from mvc.storage.records.reflog import HEADS, TAGS, RefName
from tests.cli.shell import MODEL, Shell, begin
from tests.weights import network, safetensors, tuned

WEIGHTS = "w.safetensors"


class Stop(BaseException):
    """The end of a process."""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    (tmp_path / "here").mkdir()
    shell = begin(tmp_path / "here", monkeypatch)
    shell.write(WEIGHTS, b"")
    shell.ok("add", WEIGHTS, "--as", "weights")
    shell.ok("config", "gc.reflog-expire", "0")
    return shell


def _commit(shell: Shell, data: bytes, *options: str) -> VersionId:
    shell.write(WEIGHTS, data)
    shell.commit(f"{len(data)} bytes", *options)
    return revisions.resolve(Model(shell.repository, MODEL), "HEAD")


def _replaced(shell: Shell, rng: random.Random) -> VersionId:
    """A version that was amended, so that nothing leads to it."""
    old = _commit(shell, rng.randbytes(200_000))
    _commit(shell, rng.randbytes(300_000), "--amend")
    shell.tick()
    return old


def _store(shell: Shell) -> set[Path]:
    folders = ("objects", "recipes", "packs", "refs", "heads")
    return {path for name in folders for path in (shell.folder / ".mvc" / name).rglob("*") if path.is_file()}


def _assert_refuses(shell: Shell) -> None:
    before = _store(shell)
    with pytest.raises(errors.Damaged):
        verb.gc(shell.repository, shell.actor, grace=0)
    assert _store(shell) == before


def _assert_sound(root: Path) -> None:
    findings = fsck(Repository(root), read_data=True).findings
    assert not findings, findings


@contextlib.contextmanager
def _stopping(folder: str, after: int) -> Iterator[None]:
    """End the process before the unlink of a file of `folder` that follows `after` others."""
    unlinked = 0

    def on_step(name: str, path: str) -> None:
        nonlocal unlinked
        if name == "unlink" and f"/.mvc/{folder}" in path:
            unlinked += 1
            if unlinked > after:
                raise Stop

    primitives.on_step = on_step
    try:
        with contextlib.suppress(Stop):
            yield
    finally:
        primitives.on_step = None


def test_a_recipe_that_is_lost_stops_it(shell: Shell, rng: random.Random) -> None:
    """The chunks of the file are there still, and storing it again brings it back."""
    _replaced(shell, rng)
    repository = shell.repository
    tree = repository.objects.version(revisions.resolve(Model(repository, MODEL), "main")).tree
    file = repository.objects.tree(tree).by_role["weights"].file
    shutil.rmtree(shell.folder / ".mvc" / "recipes" / file[:2] / file)
    _assert_refuses(shell)


def test_a_version_in_place_of_a_manifest_stops_it(shell: Shell, rng: random.Random) -> None:
    """It may be one that nothing else names, with files of its own."""
    old = _replaced(shell, rng)
    repository = shell.repository
    model = Model(repository, MODEL)
    version = repository.objects.version(revisions.resolve(model, "main"))
    with repository.writing():
        wrong = repository.objects.put_version(replace(version, manifest=ManifestId(old), parents=(), number=1))
        repository.door.barrier()
        ref = model.ref(TAGS, "wrong")
        repository.refs.append(ref, None, wrong, shell.actor.move(""))
    _assert_refuses(shell)


def test_a_pack_with_bases_that_is_lost_stops_it(shell: Shell, rng: random.Random) -> None:
    tensors = network(rng, layers=1, width=128)
    _commit(shell, safetensors(tensors))
    bases = [path for path in _store(shell) if path.suffix == ".pack"]
    version = _commit(shell, safetensors(tuned(tensors, rng, 1e-6)))
    away = {path: path.read_bytes() for path in bases}
    for path in bases:
        path.unlink()
    _assert_refuses(shell)
    for path, data in away.items():
        path.write_bytes(data)
    assert verb.gc(shell.repository, shell.actor, grace=0).plan.packs == ()
    assert revisions.resolve(Model(shell.repository, MODEL), "main") == version
    _assert_sound(shell.folder)


def test_a_head_that_is_lost_stops_it(shell: Shell, rng: random.Random) -> None:
    """It may have stood at a version that nothing else leads to."""
    _commit(shell, b"one")
    _commit(shell, rng.randbytes(100_000))
    shell.ok("switch", "--detach", "main")
    shell.ok("branch", "other", "v1")
    shell.ok("branch", "-D", "main")
    (shell.folder / ".mvc" / "heads" / MODEL).unlink()
    _assert_refuses(shell)


def test_an_entry_that_is_lost_from_a_log_stops_it(shell: Shell, rng: random.Random) -> None:
    _replaced(shell, rng)
    _commit(shell, b"again", "--amend")
    (shell.folder / ".mvc" / RefName(MODEL, HEADS, "main").path(2)).unlink()
    _assert_refuses(shell)


def test_damage_of_what_nothing_needs_does_not_stop_it(shell: Shell, rng: random.Random) -> None:
    old = _replaced(shell, rng)
    repository = shell.repository
    file = repository.objects.tree(repository.objects.version(old).tree).by_role["weights"].file
    (recipe,) = (shell.folder / ".mvc" / "recipes" / file[:2] / file).iterdir()
    recipe.chmod(0o644)
    recipe.write_bytes(b"damaged")
    verb.gc(shell.repository, shell.actor, grace=0)
    assert not recipe.exists()
    _assert_sound(shell.folder)


def test_a_young_version_keeps_what_is_old_of_it(shell: Shell, rng: random.Random) -> None:
    data = rng.randbytes(200_000)
    _commit(shell, b"first")
    _commit(shell, data)
    for path in _store(shell):
        os.utime(path, (time.time() - 7_200,) * 2)
    young = _commit(shell, data, "--amend", "--allow-empty")
    _commit(shell, rng.randbytes(300_000), "--amend")
    shell.tick()
    found = verb.gc(shell.repository, shell.actor, grace=3_600)
    assert [version.parents for _, _, version in found.versions] == [shell.repository.objects.version(young).parents]
    assert found.kept == 3
    _assert_sound(shell.folder)
    shell.ok("branch", "back", young)
    _assert_sound(shell.folder)


def test_stopped_anywhere_no_version_is_left_without_its_parent(shell: Shell, tmp_path: Path) -> None:
    _commit(shell, b"first")
    for number in range(8):
        _commit(shell, b"%d" % number)
    shell.ok("reset", "--hard", "v1")
    shell.tick()
    for after in range(9):
        root = shutil.copytree(shell.folder, tmp_path / str(after))
        with _stopping("objects", after):
            verb.gc(Repository(root), shell.actor, grace=0)
        _assert_sound(root)


def test_a_change_that_was_interrupted_keeps_what_it_is_about_to_set(shell: Shell, rng: random.Random) -> None:
    old = _replaced(shell, rng)
    with _stopping("journal", 0):
        resetting.reset(Model(shell.repository, MODEL), old, mode=resetting.HARD, actor=shell.actor)
    (entry,) = (path for path in _store(shell) if path.name == "0000000003")
    entry.unlink()  # as if it had been stopped before its first step
    assert journal.pending(shell.repository.door) is not None
    shell.tick()
    assert verb.gc(shell.repository, shell.actor, grace=0, dry_run=True).versions == ()
    assert len(verb.gc(shell.repository, shell.actor, grace=0).versions) == 1  # what it had been amended to
    assert revisions.resolve(Model(shell.repository, MODEL), "main") == old
    _assert_sound(shell.folder)


@pytest.mark.parametrize(
    "words",
    [
        ("branch", "new"),
        ("tag", "new"),
        ("alias", "set", "new"),
        ("reset",),
        ("reset", "--keep"),
        ("switch", "--detach"),
        ("switch", "-c", "new"),
    ],
    ids=" ".join,
)
def test_no_name_is_given_to_what_goes_meanwhile(
    shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """The command has seen the version before it waits for the lock, which a collection holds."""
    old, actor, lock = _replaced(shell, rng), shell.actor, StoreDoor.lock

    @contextlib.contextmanager
    def late(here: StoreDoor, timeout: float) -> Iterator[None]:
        monkeypatch.setattr(StoreDoor, "lock", lock)
        verb.gc(Repository(shell.folder), actor, grace=0)
        with here.lock(timeout):
            yield

    monkeypatch.setattr(StoreDoor, "lock", late)
    before = {path for path in _store(shell) if "/refs/" in path.as_posix()}
    assert shell(*words, old).code != 0
    assert {path for path in _store(shell) if "/refs/" in path.as_posix()} == before
    _assert_sound(shell.folder)


def test_a_commit_that_begins_while_things_go_is_told(
    shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for the lock first, gets it before the collection does, and looks at the store while that removes."""
    data = rng.randbytes(200_000)
    _commit(shell, data)
    _commit(shell, rng.randbytes(300_000), "--amend")
    shell.write(WEIGHTS, data)
    shell.tick()
    begin_, close, remove_all = committing._begin, Ingest.close, StoreDoor.remove_all
    removing, stored = threading.Event(), threading.Event()

    def collect(actor: Actor) -> None:
        verb.gc(Repository(shell.folder), actor, grace=0)

    collection = threading.Thread(target=collect, args=(shell.actor,))

    def begin_late(*given: object) -> object:
        collection.start()
        assert removing.wait(60)
        return begin_(*given)  # type: ignore[arg-type]

    def close_first(ingest: Ingest) -> None:
        close(ingest)
        stored.set()
        collection.join()

    def remove_late(here: StoreDoor, names: list[str]) -> None:
        removing.set()
        assert stored.wait(60)
        remove_all(here, names)

    monkeypatch.setattr(committing, "_begin", begin_late)
    monkeypatch.setattr(Ingest, "close", close_first)
    monkeypatch.setattr(StoreDoor, "remove_all", remove_late)
    assert shell("commit", "-m", "three").code == 13
    _assert_sound(shell.folder)


def _discarded(shell: Shell, rng: random.Random) -> tuple[bytes, Path]:
    """Discard an edit; its bytes, and the operation that names them."""
    shell.ok("config", "--unset", "gc.reflog-expire")
    _commit(shell, rng.randbytes(40_000))
    edit = rng.randbytes(50_000)
    shell.write(WEIGHTS, edit)
    shell.ok("restore", WEIGHTS)
    return edit, max((shell.folder / ".mvc" / "operations").iterdir())


def test_a_damaged_operation_may_be_the_only_one_that_names_an_edit(shell: Shell, rng: random.Random) -> None:
    edit, record = _discarded(shell, rng)
    whole = record.read_bytes()
    record.chmod(0o644)
    record.write_bytes(whole[:-9])
    shell.set(parameters__epochs=3)
    for command in (("gc", "--grace", "0"), ("gc", "-n")):
        assert shell(*command).code == 14
    record.write_bytes(whole)
    shell.ok("gc", "--grace", "0")
    shell.ok("undo")
    shell.ok("undo")
    assert (shell.folder / WEIGHTS).read_bytes() == edit
    record.unlink()  # as `mvc fsck` advises for a damaged one
    shell.ok("gc", "--grace", "0")


def test_a_missing_edit_of_an_operation_is_found(shell: Shell, rng: random.Random) -> None:
    _, record = _discarded(shell, rng)
    (max((shell.folder / ".mvc" / "packs").rglob("*.pack"), key=lambda path: path.stat().st_size)).unlink()
    found = fsck(shell.repository).findings
    assert ("missing", f"operations/{record.name}") in {(each.kind, each.path) for each in found}


def test_undo_refuses_versions_and_stashes_that_were_removed(shell: Shell, rng: random.Random) -> None:
    """The reflog entry of a version may be older than the operation, as with a commit date in the past."""
    _commit(shell, rng.randbytes(40_000))
    _commit(shell, rng.randbytes(50_000))
    shell.ok("undo")
    shell.tick()
    shell.ok("gc", "--grace", "0")
    said = shell("redo")
    assert said.code == 13
    assert "`mvc gc` removed version" in said.err
    shell.ok("stash")
    shell.ok("stash", "drop")
    shell.ok("gc", "--grace", "0")
    said = shell("undo")
    assert said.code == 13
    dropped = said.err[said.err.index("`mvc undo --op ") :].split("`")[1].split()[1:]
    said = shell(*dropped)
    assert said.code == 13
    assert "`mvc gc` removed stash" in said.err
    assert not fsck(shell.repository).findings
