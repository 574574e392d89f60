"""gc: what is reachable stays, byte for byte; the rest goes, once it is old; what cannot be told is left alone."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import FileId
from mvc.porcelain import gc as verb
from mvc.porcelain.fsck import fsck
from mvc.porcelain.gc import Collected
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.chunks.ingest import Ingest
from mvc.storage.packs import gc
from tests.cli.shell import MODEL, Shell, begin
from tests.weights import Tensors, network, rounded, safetensors, tuned

WEIGHTS = "w.safetensors"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return begin(tmp_path, monkeypatch)


def collected(shell: Shell, *, grace: float = 0, dry_run: bool = False) -> Collected:
    """Collect as if all ref logs were old."""
    shell.ok("config", "gc.reflog-expire", "0")
    shell.tick()
    return verb.gc(shell.repository, shell.actor, grace=grace, dry_run=dry_run)


def _track(shell: Shell, data: bytes) -> None:
    shell.write(WEIGHTS, data)
    shell.ok("add", WEIGHTS, "--as", "weights")


def _bytes(shell: Shell, revision: str) -> bytes:
    repository = shell.repository
    version = repository.objects.version(revisions.resolve(Model(repository, MODEL), revision))
    file = repository.objects.tree(version.tree).by_role["weights"].file
    return b"".join(map(bytes, repository.extract.stream(file)))


def _packs(shell: Shell) -> list[Path]:
    return sorted((shell.folder / ".mvc" / "packs").rglob("*.pack"))


def _everything(shell: Shell) -> dict[str, bytes]:
    top = shell.folder / ".mvc"
    files = (
        path for path in top.rglob("*") if path.is_file() and path.relative_to(top).parts[0] not in ("cache", "lock")
    )
    return {path.relative_to(top).as_posix(): path.read_bytes() for path in files}


def test_an_amended_version_goes_and_its_successor_stays(shell: Shell, rng: random.Random) -> None:
    _track(shell, rng.randbytes(300_000))
    shell.commit("one")
    kept = rng.randbytes(300_000)
    shell.write(WEIGHTS, kept)
    shell.commit("better", "--amend")
    before = len(_packs(shell))
    found = collected(shell, dry_run=True)
    assert [(model, version.subject) for _, model, version in found.versions] == [(MODEL, "one")]
    assert len(_packs(shell)) == before
    found = collected(shell)
    assert found.kept == 1
    assert len(_packs(shell)) == before - 1
    assert _bytes(shell, "main") == kept
    assert not fsck(shell.repository, read_data=True).findings
    assert collected(shell).plan.is_empty
    assert "collected" in shell.ok("reflog").out


def test_what_a_name_stood_for_not_long_ago_stays(shell: Shell, rng: random.Random) -> None:
    _track(shell, rng.randbytes(300_000))
    shell.commit("one")
    shell.commit("better", "--amend", "--allow-empty")
    found = verb.gc(shell.repository, shell.actor, grace=0)
    assert found.versions == ()
    shell.tick(91 * 86_400)
    assert len(verb.gc(shell.repository, shell.actor, grace=0).versions) == 1


def test_what_is_young_stays(shell: Shell, rng: random.Random) -> None:
    _track(shell, rng.randbytes(300_000))
    shell.commit("one")
    shell.commit("better", "--amend", "--allow-empty")
    assert collected(shell, grace=3_600).plan.is_empty
    for path in (shell.folder / ".mvc").rglob("*"):
        os.utime(path, (time.time() - 7_200,) * 2)
    assert not collected(shell, grace=3_600).plan.is_empty


def test_heads_tags_aliases_branches_and_their_ancestors_stay(shell: Shell, rng: random.Random) -> None:
    held: dict[str, bytes] = {}
    _track(shell, b"")
    for name in ("tagged", "alias", "side", "stood"):
        held[name] = rng.randbytes(100_000)
        shell.write(WEIGHTS, held[name])
        shell.commit(name)
        if name == "tagged":
            shell.ok("tag", name)
        elif name == "alias":
            shell.ok("alias", "set", name, "main")
        elif name == "side":
            shell.ok("branch", name)
    shell.ok("switch", "--detach", "main")
    stood = revisions.resolve(Model(shell.repository, MODEL), "HEAD")
    shell.ok("branch", "other", "tagged")
    shell.ok("branch", "-D", "main")
    assert collected(shell).versions == ()
    for name in ("tagged", "alias", "side"):
        assert _bytes(shell, name) == held[name]
    assert _bytes(shell, stood) == held["stood"]


def test_a_base_stays_while_anything_rests_on_it(shell: Shell, rng: random.Random) -> None:
    tensors = network(rng)
    _track(shell, safetensors(tensors))
    shell.commit("base")
    after = safetensors(tuned(tensors, rng, 1e-6))
    shell.write(WEIGHTS, after)
    shell.commit("tuned", "--amend")  # the first version is in nobody's history any more
    assert len(collected(shell).versions) == 1
    assert _bytes(shell, "main") == after
    assert not fsck(shell.repository, read_data=True).findings
    shell.write(WEIGHTS, rng.randbytes(300_000))
    shell.commit("another", "--amend")
    assert len(collected(shell).plan.packs) == 2


def test_packs_that_are_mostly_dead_are_rewritten_and_small_ones_merged(shell: Shell, rng: random.Random) -> None:
    _track(shell, b"")
    shell.write("b.bin", rng.randbytes(1_000_000))
    shell.ok("add", "b.bin", "--as", "other")
    kept = rng.randbytes(100_000)
    shell.write(WEIGHTS, kept)
    shell.commit("both")
    shell.ok("rm", "--cached", "other")
    shell.commit("one", "--amend")
    found = collected(shell)
    assert len(found.plan.rewritten) == 1
    assert sum(path.stat().st_size for path in _packs(shell)) < 200_000
    assert _bytes(shell, "main") == kept
    for number in range(gc.MANY + 1):
        shell.write(WEIGHTS, rng.randbytes(50_000))
        shell.commit(f"small {number}")
    assert len(_packs(shell)) > gc.MANY
    collected(shell)
    assert len(_packs(shell)) == 1
    assert not fsck(shell.repository, read_data=True).findings


def test_a_reader_reads_on(shell: Shell, rng: random.Random) -> None:
    _track(shell, rng.randbytes(1_000_000))
    shell.write("b.bin", rng.randbytes(3_000_000))
    shell.ok("add", "b.bin", "--as", "other")
    shell.commit("both")
    repository = shell.repository
    version = repository.objects.version(revisions.resolve(Model(repository, MODEL), "main"))
    file = repository.objects.tree(version.tree).by_role["weights"].file
    stream = repository.extract.stream(file)
    first = bytes(next(stream))
    shell.ok("rm", "--cached", "other")
    shell.commit("one", "--amend")
    assert collected(shell).plan.rewritten
    assert first + b"".join(map(bytes, stream)) == (shell.folder / WEIGHTS).read_bytes()
    assert b"".join(map(bytes, repository.extract.stream(file))) == (shell.folder / WEIGHTS).read_bytes()


@pytest.mark.parametrize("part", ["objects", "recipes", "packs", "refs"])
def test_when_anything_needed_is_damaged_nothing_is_removed(shell: Shell, rng: random.Random, part: str) -> None:
    _track(shell, rng.randbytes(300_000))
    shell.commit("one")
    shell.write(WEIGHTS, rng.randbytes(300_000))
    shell.commit("two", "--amend")
    shell.ok("config", "gc.reflog-expire", "0")
    tip = revisions.resolve(Model(shell.repository, MODEL), "main")
    victims = {
        "objects": shell.folder / ".mvc" / "objects" / tip[:2] / tip,
        "recipes": next(iter((shell.folder / ".mvc" / "recipes").glob(f"*/{_file(shell, 'main')}/*"))),
        "packs": _packs(shell)[0],
        "refs": max((shell.folder / ".mvc" / "refs").glob("*/heads/main/*")),
    }
    victims[part].chmod(0o644)
    data = victims[part].read_bytes()
    victims[part].write_bytes(data[:-20])
    before = _everything(shell)
    with pytest.raises(errors.Damaged):
        collected(shell)
    assert _everything(shell) == before


def _file(shell: Shell, revision: str) -> FileId:
    repository = shell.repository
    version = repository.objects.version(revisions.resolve(Model(repository, MODEL), revision))
    return repository.objects.tree(version.tree).by_role["weights"].file


def test_a_commit_under_way_notices(shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """It leaves out chunks that are there; when they are collected before it is done, it must not be made."""
    data = rng.randbytes(300_000)
    _track(shell, data)
    shell.commit("one")
    shell.write(WEIGHTS, rng.randbytes(300_000))
    shell.commit("two", "--amend")
    shell.ok("config", "gc.reflog-expire", "0")
    shell.write(WEIGHTS, data)
    close = Ingest.close

    def collect_before(ingest: Ingest) -> None:
        assert collected(shell).versions
        close(ingest)

    monkeypatch.setattr(Ingest, "close", collect_before)
    shell.tick()
    assert shell("commit", "-m", "three").code == 13
    monkeypatch.undo()
    assert not fsck(Repository(shell.folder), read_data=True).findings
    monkeypatch.setenv("MVC_AUTHOR_NAME", "Ana")
    shell.ok("commit", "-m", "three")
    assert _bytes(shell, "main") == data


def test_any_history_keeps_what_is_reachable(shell: Shell, rng: random.Random) -> None:
    tensors: Tensors = network(rng, layers=1, width=160)
    _track(shell, safetensors(tensors))
    shell.commit("first")
    for number in range(14):
        tensors = tuned(tensors, rng, 1e-5) if rng.random() < 0.8 else network(rng, layers=1, width=160)
        shell.write(WEIGHTS, safetensors(rounded(tensors, "BF16") if rng.random() < 0.3 else tensors))
        kind = rng.choice(["commit", "commit", "amend", "branch", "reset", "delete", "gc"])
        # A version that another branch names cannot be amended: then there is one more version instead.
        if kind != "amend" or shell("commit", "-q", "-m", f"step {number}", "--amend").code:
            shell.commit(f"step {number}")
        branches = [line[2:].split()[0] for line in shell.ok("branch").lines]
        if kind == "branch":
            shell.ok("switch", "-c", f"b{number}", f"v{rng.randint(1, 2)}")
        elif kind == "reset":
            shell("reset", "--hard", "HEAD~1")
        elif kind == "delete" and len(branches) > 1:
            here = shell.repository.head(MODEL).branch
            shell.ok("branch", "-D", rng.choice([each for each in branches if each != here]))
        elif kind == "gc":
            collected(shell)
    wanted = {}
    for branch in shell.repository.refs.names(MODEL, "heads"):
        for step in range(
            shell.repository.objects.version(revisions.resolve(Model(shell.repository, MODEL), branch)).number
        ):
            wanted[f"{branch}~{step}"] = _bytes(shell, f"{branch}~{step}")
    collected(shell)
    assert not fsck(shell.repository, read_data=True).findings
    for revision, data in wanted.items():
        assert _bytes(shell, revision) == data
    assert collected(shell).plan.is_empty
    reachable = {revisions.resolve(Model(shell.repository, MODEL), revision) for revision in wanted}
    assert reachable == {id_ for id_ in shell.repository.objects.loose() if _is_version(shell, id_)}


def _is_version(shell: Shell, id_: str) -> bool:
    return b'"kind":"version"' in shell.repository.objects.read(id_)


def test_the_command_says_what_went(shell: Shell, rng: random.Random) -> None:
    _track(shell, rng.randbytes(300_000))
    first = shell.commit("one \x1b[31m")
    shell.commit("two", "--amend", "--allow-empty")
    shell.ok("config", "gc.reflog-expire", "0")
    shell.tick()
    lines = shell.ok("gc", "-n", "--grace", "0").lines
    assert lines[0].startswith(f"{MODEL} v1 {first[:10]}")
    assert "\x1b" not in lines[0]
    assert lines[1].startswith("Would remove 1 version")
    document = shell.ok("gc", "--grace", "0", "--json").json
    assert document["schema"] == "mvc.gc/1"
    assert document["done"] is True
    assert [each["id"] for each in document["versions"]] == [first]
    assert shell.ok("gc", "--grace", "0").out.startswith("Nothing to remove; 1 version kept.")
    assert shell("gc", "--grace", "soon").code == 2


def test_it_says_what_holds_unreachable_versions_and_until_when(shell: Shell, rng: random.Random) -> None:
    _track(shell, rng.randbytes(50_000))
    shell.commit("one")
    shell.commit("better", "--amend", "--allow-empty")
    held = verb.gc(shell.repository, shell.actor, dry_run=True).held
    until = shell.actor.at.seconds + 90 * 86_400
    assert [(each.version.subject, each.cause) for each in held] == [("one", "the reflog of main")]
    assert held[0].until is not None
    assert abs(held[0].until.seconds - until) <= 2 * 86_400
    assert "the reflog of main until 2026-05" in shell.ok("gc").out
    assert [each["cause"] for each in shell.ok("--json", "gc", "-n").json["held"]] == ["the reflog of main"]
    shell.ok("config", "gc.reflog-expire", "0")
    shell.tick()
    assert [each.cause for each in verb.gc(shell.repository, shell.actor).held] == ["the grace period"]
    shell.write(WEIGHTS, rng.randbytes(50_000))
    shell.ok("stash")
    assert "a stash" in {each.cause for each in verb.gc(shell.repository, shell.actor).held}
