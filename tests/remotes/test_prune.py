"""prune --remote: recorded there, freed by collections, never sent again by a push; every client learns of it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from mvc.model.ids import FileId, VersionId, digest
from mvc.model.version import Timestamp
from mvc.porcelain.fsck import fsck
from mvc.remotes import expiries
from mvc.remotes.backends.local import LocalBackend
from mvc.storage.records.promised import Cause
from mvc.transport.file_reader import FileReader
from tests.cli.shell import START, Said, Shell, begin
from tests.weights import Tensors, network, safetensors, tuned

WEIGHTS = "w.safetensors"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    (tmp_path / "ana").mkdir()
    return begin(tmp_path / "ana", monkeypatch)


def _line(shell: Shell, rng: random.Random, count: int) -> list[bytes]:
    """Commit and push fine-tunes of one network, one by one; their bytes."""
    tensors: Tensors = network(rng)
    made = []
    shell.ok("remote", "add", "origin", "../origin")
    for number in range(count):
        made.append(safetensors(tensors))
        shell.write(WEIGHTS, made[-1])
        if not number:
            shell.ok("add", WEIGHTS, "--as", "weights")
        shell.commit(f"v{number + 1}")
        shell.ok("push", "origin", "main")
        tensors = tuned(tensors, rng)
    return made


def _clone(shell: Shell, name: str, monkeypatch: pytest.MonkeyPatch) -> Shell:
    above = Shell(shell.folder.parent, monkeypatch)
    above.ok("clone", "origin", name)
    other = Shell(shell.folder.parent / name, monkeypatch)
    other.tick(10_000_000)
    return other


def _size(shell: Shell) -> int:
    return sum(path.stat().st_size for path in (shell.folder.parent / "origin" / "packs").rglob("*.pack"))


def _error(said: Said) -> Any:
    return json.loads(said.err.splitlines()[-1])


def _collect(shell: Shell) -> None:
    for _ in range(2):
        shell.ok("gc", "--remote", "origin", "--grace", "0")


def test_two_collections_free_what_was_dropped(
    shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _line(shell, rng, 5)
    before = _size(shell)
    plan = shell.ok("--json", "prune", "--remote", "origin", "--keep-last", "2", "--yes").json
    assert [each["kept"] for each in plan["versions"]] == [True, True, False, False, False]
    assert not shell.ok("--json", "fsck", "--remote", "origin", "--read-data").json["findings"]
    _collect(shell)
    (shell.folder / "fresh").mkdir()
    fresh = begin(shell.folder / "fresh", monkeypatch)
    for number, data in enumerate(made[-2:]):
        fresh.write(WEIGHTS, data)
        if not number:
            fresh.ok("add", WEIGHTS, "--as", "weights")
        fresh.commit(str(number))
    least = sum(path.stat().st_size for path in (fresh.folder / ".mvc" / "packs").rglob("*.pack"))
    assert before - _size(shell) >= 0.95 * (before - least)
    assert not shell.ok("--json", "fsck", "--remote", "origin", "--read-data").json["findings"]
    other = _clone(shell, "ben", monkeypatch)
    assert (other.folder / WEIGHTS).read_bytes() == made[4]
    other.ok("switch", "v4")
    assert (other.folder / WEIGHTS).read_bytes() == made[3]
    assert other("switch", "v2").code == 14
    assert "prune --keep-last 2" in other("cat", "v1:weights").err
    assert not fsck(other.repository, read_data=True).findings
    shell.ok("cat", "v1:weights", "-o", "still here")


def test_a_push_does_not_bring_dropped_bytes_back(
    shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _line(shell, rng, 4)
    other = _clone(shell, "ben", monkeypatch)
    other.ok("cat", "v1:weights", "-o", "out")
    shell.ok("prune", "--remote", "origin", "--keep-last", "1", "--yes")
    _collect(shell)
    least = _size(shell)
    said = other.ok("fetch").out
    assert "3 versions were dropped on origin" in said
    assert "dropped" not in other.ok("fetch").out
    other.ok("cat", "v1:weights", "-o", "out")
    other.ok("gc", "--grace", "0")
    other.ok("cat", "v1:weights", "-o", "out")
    other.ok("branch", "again", "v1")
    assert other("push", "origin", "again").code == 13
    other.ok("push", "origin", "main")
    assert _size(shell) == least
    other.write(WEIGHTS, made[1])
    other.commit("as v2")
    other.ok("push", "origin", "main")
    assert _size(shell) > least
    _collect(shell)
    third = _clone(shell, "cy", monkeypatch)
    assert (third.folder / WEIGHTS).read_bytes() == made[1]
    assert third("switch", "v3").code == 14
    other.ok("push", "origin", "again", "--revive")
    _collect(shell)
    third.ok("fetch")
    third.ok("cat", "v1:weights", "-o", "out")
    assert (third.folder / "out").read_bytes() == made[0]
    assert not shell.ok("--json", "fsck", "--remote", "origin", "--read-data").json["findings"]


def test_a_pruned_repository_is_pushed_to_an_empty_remote(
    shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _line(shell, rng, 3)
    shell.ok("prune", "--keep-last", "1", "--yes")
    shell.ok("remote", "add", "second", "../second")
    shell.ok("push", "second", "main")
    assert not shell.ok("--json", "fsck", "--remote", "second", "--read-data").json["findings"]
    Shell(shell.folder.parent, monkeypatch).ok("clone", "second", "ben")
    other = Shell(shell.folder.parent / "ben", monkeypatch)
    assert (other.folder / WEIGHTS).read_bytes() == made[2]
    assert other("switch", "v1").code == 14


def test_what_a_clone_dropped_is_not_fetched_again(
    shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    _line(shell, rng, 3)
    other = _clone(shell, "ben", monkeypatch)
    other.ok("cat", "v1:weights", "-o", "out")
    other.ok("prune", "--keep-last", "1", "--yes")
    assert other("cat", "v1:weights", "-o", "out").code == 14
    other.ok("remote", "rename", "origin", "upstream")
    assert other("cat", "v1:weights", "-o", "out").code == 14


def test_what_somebody_else_pushed_meanwhile_is_on_the_list(
    shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    _line(shell, rng, 2)
    other = _clone(shell, "ben", monkeypatch)
    other.write(WEIGHTS, rng.randbytes(20_000))
    other.commit("v3")
    other.ok("push")
    said = shell.ok("prune", "--remote", "origin", "--keep-last", "1", "--yes")
    assert "Dropped the bytes of 2 versions" in said.out


def test_a_file_that_the_remote_has_is_not_sent_again_though_it_was_cut_otherwise_here(
    shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, after = _cut_twice(shell, rng, monkeypatch)
    other.ok("fetch")
    before = _size(shell)
    other.ok("push", "origin", "dev")
    assert _size(shell) - before < len(after) // 10
    Shell(shell.folder.parent, monkeypatch).ok("download", "origin#helmets@dev", "copy", "here")


def _cut_twice(shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch) -> tuple[Shell, bytes]:
    """Push a file as a difference; return a clone that recorded it before, cut by content, and the file."""
    first = network(rng)
    before, after = (b"\1".join(data for _, _, data in each.values()) for each in (first, tuned(first, rng)))
    shell.ok("remote", "add", "origin", "../origin")
    shell.write("w.bin", before)
    shell.ok("add", "w.bin", "--as", "weights")
    shell.commit("v1")
    shell.ok("push", "origin", "main")
    Shell(shell.folder.parent, monkeypatch).ok("clone", "--meta", "origin", "ben")
    other = Shell(shell.folder.parent / "ben", monkeypatch)
    other.write("../copy.bin", after)
    other.tick(10_000_000)
    other.ok("record", "-m", "same", "--branch", "dev", "--file", "copy=../copy.bin")  # no base is here
    shell.write("w.bin", after)  # cut as the first one
    shell.commit("v2")
    shell.ok("push", "origin", "main")
    return other, after


def test_a_file_that_was_cut_otherwise_and_dropped_here_is_fetched_as_the_remote_has_it(
    shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, after = _cut_twice(shell, rng, monkeypatch)
    other.write("../copy.bin", rng.randbytes(20_000))
    other.tick(10_000_000)
    other.ok("record", "-m", "next", "--branch", "dev", "--file", "copy=../copy.bin")
    other.ok("prune", "--keep-last", "1", "--unpushed", "--yes")
    other.ok("fetch")
    with FileReader(other.repository, FileId(digest(after))) as reader:
        assert reader.read_range(len(after) - 5, 5) == after[-5:]
    other.ok("cat", "origin/main:weights", "-o", "../out")
    assert (shell.folder.parent / "out").read_bytes() == after
    assert not fsck(other.repository, read_data=True).findings


def test_an_interrupted_upload_of_kept_chunks_is_completed_by_the_next_prune(
    shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    _line(shell, rng, 3)
    with monkeypatch.context() as patch:
        patch.setattr("mvc.transport.remote_rewrite.rewrite", lambda *_: 0)
        shell.ok("prune", "--remote", "origin", "--keep-last", "1", "--yes")
    _collect(shell)
    held = _size(shell)
    shell.ok("prune", "--remote", "origin", "--keep-last", "1", "--yes")
    _collect(shell)
    assert _size(shell) < held / 2
    assert shell("prune", "--remote", "origin", "--keep-last", "1", "--yes").code == 1


def test_downloading_a_dropped_version_fails_and_writes_nothing(
    shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _line(shell, rng, 3)
    shell.ok("prune", "--remote", "origin", "--keep-last", "1", "--yes")
    _collect(shell)
    above = Shell(shell.folder.parent, monkeypatch)
    above.ok("download", "origin#helmets@main", "new")
    assert (above.folder / "new" / WEIGHTS).read_bytes() == made[2]
    said = above("--json", "download", "origin#helmets@v1", "old")
    assert (said.code, _error(said)["kind"]) == (14, "expired-there")
    assert "v3" in _error(said)["hint"]
    assert "dropped its bytes" in _error(said)["message"]
    assert "resume" not in said.err
    assert not (above.folder / "old").exists()
    (pack,) = (shell.folder.parent / "origin" / "packs").rglob("*.pack")
    pack.unlink()
    assert _error(above("--json", "download", "origin#helmets@main", "other"))["kind"] == "missing-there"


def test_a_version_that_was_dropped_before_the_push_names_no_remote_that_lacks_it(
    shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    _line(shell, rng, 3)
    shell.ok("prune", "--keep-last", "1", "--yes")
    assert "origin may still have it" in shell("switch", "v1").err
    shell.ok("remote", "add", "second", "../second")
    shell.ok("remote", "rm", "origin")
    assert "may still have it: `mvc download URL#MODEL@REV DIR`" in shell("switch", "v1").err
    shell.ok("push", "second", "main")
    assert "may still have it: `mvc download URL#MODEL@REV DIR`" in shell("switch", "v1").err
    above = Shell(shell.folder.parent, monkeypatch)
    assert _error(above("--json", "download", "second#helmets@v1", "old"))["kind"] == "expired-there"
    above.ok("clone", "second", "ben")
    said = Shell(above.folder / "ben", monkeypatch)("export", "v1", "../out")
    assert (said.code, "`mvc download URL#MODEL@REV DIR`" in said.err) == (14, True)


def test_a_partial_clone_learns_of_dropped_bytes_when_it_fetches_them(
    shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.ok("remote", "add", "origin", "../origin")
    for number in range(3):  # unlike one another, so that the clone fetches no bytes of the first two
        shell.write(WEIGHTS, safetensors(network(rng)))
        if not number:
            shell.ok("add", WEIGHTS, "--as", "weights")
        shell.commit(f"v{number + 1}")
    shell.ok("push", "origin", "main")
    other = _clone(shell, "ben", monkeypatch)
    shell.ok("prune", "--remote", "origin", "--keep-last", "1", "--yes")
    _collect(shell)
    for command in ("switch v1", "cat v1:weights", "export v2 ../out"):
        said = other("--json", *command.split())
        assert (said.code, _error(said)["kind"]) == (14, "expired"), command
        assert "URL#MODEL@REV" in _error(said)["hint"]


def test_other_files_beside_the_records_are_ignored(shell: Shell, rng: random.Random) -> None:
    _line(shell, rng, 2)
    shell.ok("prune", "--remote", "origin", "--keep-last", "1", "--yes")
    folder = shell.folder.parent / "origin" / "expired"
    for name in (".DS_Store", "0000000001 (conflicted copy)", "desktop.ini"):
        (folder / name).write_bytes(b"of another program")
    for command in ("fetch", "push origin main", "gc --remote origin"):
        shell.ok(*command.split())
    (folder / "0000000001").chmod(0o644)
    (folder / "0000000001").write_bytes(b"damaged")
    assert shell("fetch").code == 14


def test_a_revival_ends_the_absence_in_a_clone_that_pruned(
    shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _line(shell, rng, 3)
    other = _clone(shell, "ben", monkeypatch)
    other.ok("cat", "v1:weights", "-o", "out")
    shell.ok("prune", "--keep-last", "1", "--yes")
    shell.ok("prune", "--remote", "origin", "--keep-last", "1", "--yes")
    _collect(shell)
    assert shell("cat", "v1:weights").code == 14
    other.ok("branch", "again", "v1")
    other.ok("push", "origin", "again", "--revive")
    shell.ok("fetch")
    shell.ok("switch", "v1")
    assert (shell.folder / WEIGHTS).read_bytes() == made[0]
    assert shell("switch", "v2").code == 14
    shell.ok("gc", "--grace", "0")
    for each in (shell, other):
        assert not fsck(each.repository, read_data=True).findings


@pytest.mark.parametrize("again", [True, False], ids=["dropped again", "repaired"])
def test_a_false_revival_deletes_nothing_and_can_be_corrected(
    shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch, *, again: bool
) -> None:
    made = _line(shell, rng, 3)
    other = _clone(shell, "ben", monkeypatch)
    other.ok("cat", "v1:weights", "-o", "out")
    shell.ok("prune", "--keep-last", "1", "--yes")
    shell.ok("prune", "--remote", "origin", "--keep-last", "1", "--yes")
    _collect(shell)
    first = VersionId(shell.ok("--json", "show", "v1").json["id"])
    backend = LocalBackend(shell.folder.parent / "origin")
    expiries.revive(backend, [first], Cause("push --revive", "Eve", Timestamp(START)), lambda _: None)
    shell.ok("fetch")
    before = _size(shell)
    assert "mvc push --repair origin" in shell("switch", "v1").err
    said = shell("gc", "--remote", "origin", "--grace", "0")
    assert said.code == 14
    assert "mvc fsck --remote" in said.err
    assert _size(shell) == before
    if again:
        shell.ok("prune", "--remote", "origin", "v1", "--yes")
        _collect(shell)
        assert "dropped its bytes" in shell("switch", "v1").err
    else:
        other.ok("fsck", "--remote", "origin", "--repair")
        _collect(shell)
        shell.ok("switch", "v1")
        assert (shell.folder / WEIGHTS).read_bytes() == made[0]
    assert not shell.ok("--json", "fsck", "--remote", "origin", "--read-data").json["findings"]
