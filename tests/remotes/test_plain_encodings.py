"""A remote that an mvc of before began gets only encodings that it knew, until it is upgraded; then it refuses by name.

The mvc of before is the last commit that knew the encodings 0 to 5 only.
"""

from __future__ import annotations

import contextlib
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mvc import errors
from mvc.model.ids import ChunkId, digest
from mvc.remotes import remote as remotes
from mvc.remotes.backends.backend import Outcome
from mvc.remotes.backends.local import LocalBackend
from mvc.storage.chunks import codec, encoder, encodings
from mvc.storage.chunks.block_layouts import NUMBERS
from mvc.storage.chunks.encoder import Under
from mvc.storage.chunks.encodings import BLOCKS, DIFFERENCE, Shape
from mvc.storage.packs import transcode
from tests.cli.shell import Shell, begin
from tests.older import PLAIN, PLAIN_FEATURES, REFUSED, Older, mark_plain
from tests.quantised import gguf
from tests.remotes.clones import WEIGHTS, Weights, clone, push_main, remote_on
from tests.remotes.faults import Fault, Faulty
from tests.remotes.strict import PutOnly
from tests.required import encodings_of, entries_of

DAMAGED = 14
"""The exit code for damage."""
UNKNOWN = "numbers.bin"
QUANTISED = "q8.gguf"
_FEATURES = frozenset(PLAIN_FEATURES)
_PLAIN = {encoding for encoding in encodings.NAMES if encodings.features(encoding) <= _FEATURES}


@pytest.fixture(scope="session")
def older(tmp_path_factory: pytest.TempPathFactory) -> Older:
    return Older(PLAIN, tmp_path_factory.mktemp("plain"))


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random) -> tuple[Shell, Weights]:
    """Ana's repository with three versions, and an empty remote of before.

    They have all encodings of deltas that are written today.
    """
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    weights = Weights(shell, rng, layers=1, width=64)
    shell.ok("remote", "add", "origin", "../origin")
    shell.commit("one")
    for step in range(2):
        weights.train()
        shell.write(UNKNOWN, _numbers(step))
        shell.write(QUANTISED, _quantised(step))
        shell.ok("add", UNKNOWN, QUANTISED)
        shell.commit(f"step {step}")
    entries = entries_of(shell.folder / ".mvc")
    assert {each.encoding for each in entries} >= {DIFFERENCE, BLOCKS}
    assert len({each.width >> 4 for each in entries if each.encoding == DIFFERENCE}) > 1  # phases
    mark_plain(tmp_path / "origin")
    return shell, weights


def _numbers(step: int) -> bytes:
    """Numbers that the next step changes a little, and that begin at an odd place."""
    drawn = np.random.default_rng(3).standard_normal(60_000).astype("<f4").view("<u4") + np.uint32(step)
    return b"abc" + drawn.tobytes()


def _quantised(step: int) -> bytes:
    weights = np.random.default_rng(0).standard_normal((32, 1024)).astype(np.float32)
    return gguf({"w": weights + np.float32(step * 1e-4)}, "Q8_0")


def _encodings(tmp_path: Path) -> set[int]:
    """The encodings of the chunks on the remote."""
    return set().union(*encodings_of(tmp_path / "origin").values())


def _packs(tmp_path: Path) -> list[Path]:
    """The packs of chunks on the remote."""
    return sorted((tmp_path / "origin" / "packs").rglob("*.pack"))


def test_an_older_mvc_works_on_what_is_pushed(older: Older, made: tuple[Shell, Weights], tmp_path: Path) -> None:
    shell, weights = made
    assert shell.ok("push", "-n", "origin", "--json").json["encoded_again"] > 0
    assert "mvc remote upgrade origin" in shell.ok("push", "origin").err
    older.ok("clone", str(tmp_path / "origin"), str(tmp_path / "ben"), folder=tmp_path)
    ben = tmp_path / "ben"
    assert (ben / WEIGHTS).read_bytes() == (shell.folder / WEIGHTS).read_bytes()
    assert (ben / UNKNOWN).read_bytes() == _numbers(1)
    assert (ben / QUANTISED).read_bytes() == _quantised(1)
    older.ok("fsck", "--read-data", folder=ben)
    older.ok("fsck", "--remote", "origin", "--read-data", folder=ben)
    older.ok("gc", "--remote", "origin", "--grace", "0", folder=ben)
    older.ok("set", "metrics.mAP50=0.7", folder=ben)
    older.ok("commit", "-m", "By the older one", folder=ben)
    older.ok("push", "origin", folder=ben)
    shell.ok("pull", "origin")
    weights.train()
    shell.commit("By the newer one")
    assert shell.ok("push", "origin", "--json").json["encoded_again"] > 0
    older.ok("pull", "origin", folder=ben)
    assert (ben / WEIGHTS).read_bytes() == (shell.folder / WEIGHTS).read_bytes()
    older.ok("fsck", "--read-data", folder=ben)
    shell.ok("fsck", "--remote", "origin", "--read-data")


def test_the_fixture_of_before_is_continued(
    older: Older, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random
) -> None:
    shutil.copytree(Path(__file__).parents[1] / "stores" / "casts-remote", tmp_path / "origin")
    shell = clone(tmp_path, monkeypatch, "ana")
    data = np.frombuffer((shell.folder / "weights.safetensors").read_bytes(), np.uint8).copy()
    data[-1000::4] ^= 1
    shell.write("weights.safetensors", data.tobytes())
    shell.commit("Head only")
    assert "difference" in (shell.folder / ".mvc" / "config.toml").read_text()
    shell.ok("push", "origin")
    older.ok("clone", str(tmp_path / "origin"), str(tmp_path / "ben"), folder=tmp_path)
    assert (tmp_path / "ben" / "weights.safetensors").read_bytes() == data.tobytes()
    older.ok("fsck", "--read-data", folder=tmp_path / "ben")


def test_an_upgraded_remote_is_refused_by_name(older: Older, made: tuple[Shell, Weights], tmp_path: Path) -> None:
    shell, weights = made
    shell.ok("push", "origin")
    older.ok("clone", str(tmp_path / "origin"), str(tmp_path / "ben"), folder=tmp_path)
    assert "mvc remote upgrade origin" in shell.ok("remote", "check", "origin").out
    upgraded = shell.ok("remote", "upgrade", "origin", "--json").json
    assert set(upgraded["features"]) - set(upgraded["new"]) == set(PLAIN_FEATURES)
    assert shell.ok("remote", "upgrade", "origin", "--json").json["new"] == []
    assert shell.ok("remote", "check", "origin", "--json").json["warnings"] == []
    weights.train()
    shell.commit("After the upgrade")
    assert shell.ok("push", "origin", "--json").json["encoded_again"] == 0
    assert DIFFERENCE in _encodings(tmp_path)
    for line in (["fetch", "origin"], ["push", "origin"], ["gc", "--remote", "origin"], ["pull", "origin"]):
        refused = older(*line, folder=tmp_path / "ben")
        assert refused.returncode == REFUSED, (line, refused.stderr)
        assert "difference" in refused.stderr
        assert "Traceback" not in refused.stderr


def test_an_older_mvc_that_looked_before_the_upgrade_deletes_nothing(
    older: Older, made: tuple[Shell, Weights], tmp_path: Path
) -> None:
    shell, weights = made
    shell.ok("push", "origin")
    older.ok("clone", str(tmp_path / "origin"), str(tmp_path / "ben"), folder=tmp_path)
    shell.ok("remote", "upgrade", "origin")
    weights.train()
    shell.commit("After the upgrade")
    shell.ok("push", "origin")
    record = (tmp_path / "origin" / "format").read_bytes()
    mark_plain(tmp_path / "origin")  # what the older one has read
    files = set((tmp_path / "origin").rglob("*.pack"))
    for line in (["gc", "--remote", "origin", "--grace", "0"], ["fetch", "origin"]):
        refused = older(*line, folder=tmp_path / "ben")
        assert refused.returncode not in (0, 1), (line, refused.stdout)
        assert "Traceback" not in refused.stderr
    (tmp_path / "origin" / "format").unlink()
    (tmp_path / "origin" / "format").write_bytes(record)
    assert files <= set((tmp_path / "origin").rglob("*.pack"))
    shell.ok("fsck", "--remote", "origin", "--read-data")


def test_an_upgrade_needs_a_key_that_may_replace(made: tuple[Shell, Weights], tmp_path: Path) -> None:
    shell, _ = made
    before = (tmp_path / "origin" / "format").read_bytes()
    with pytest.raises(errors.RemoteDenied):
        remotes.upgrade(PutOnly(LocalBackend(tmp_path / "origin")), shell.repository.door)
    assert (tmp_path / "origin" / "format").read_bytes() == before
    assert not list((shell.folder / ".mvc" / "tmp").glob("*"))


class _NoOverwrite(PutOnly):
    """By a key that may create and delete, and not overwrite; `fails` has it lose the connection when it creates."""

    fails = False

    def create(self, name: str, body: bytes) -> Outcome:
        if self.fails:
            raise errors.RemoteUnreachable(remote=self.where, reason="the line is cut")
        return super().create(name, body)

    def delete(self, names: Sequence[str]) -> None:
        self.inner.delete(names)


def test_an_upgrade_without_overwriting(made: tuple[Shell, Weights], tmp_path: Path) -> None:
    shell, _ = made
    shell.ok("push", "origin")
    backend = _NoOverwrite(LocalBackend(tmp_path / "origin"))
    backend.fails = True
    with pytest.raises(errors.RemoteUnreachable):
        remotes.upgrade(backend, shell.repository.door)
    assert shell("push", "origin").code == DAMAGED  # between deleting and creating
    shell.ok("push", "--repair", "origin")
    mark_plain(tmp_path / "origin")
    backend.fails = False
    assert remotes.upgrade(backend, shell.repository.door) == set(remotes.FEATURES) - _FEATURES
    assert remotes.upgrade(backend, shell.repository.door) == set()
    shell.ok("fsck", "--remote", "origin")


@pytest.mark.parametrize("fault", Fault)
def test_an_upgrade_that_goes_wrong_is_repeated(made: tuple[Shell, Weights], tmp_path: Path, fault: Fault) -> None:
    shell, _ = made
    backend = LocalBackend(tmp_path / "origin")
    for call in (1, 2, 3):  # read, put, read
        mark_plain(tmp_path / "origin")
        with contextlib.suppress(errors.OutOfReach, errors.Damaged, errors.RemoteDenied):
            remotes.upgrade(Faulty(backend, fault, call), shell.repository.door)
        if fault is Fault.CUT and call == 2:  # no backend puts a part of a file in place
            continue
        remotes.upgrade(backend, shell.repository.door)
        assert remotes.features(backend) == set(remotes.FEATURES)


def test_an_interrupted_push_finds_what_it_encoded_again(made: tuple[Shell, Weights], tmp_path: Path) -> None:
    shell, _ = made
    backend = LocalBackend(tmp_path / "origin")
    written: list[str] = []

    def fail(name: str) -> None:
        written.append(name)
        if name.startswith("meta/"):
            raise errors.RemoteUnreachable(remote=backend.where, reason="the line is cut")

    with pytest.raises(errors.RemoteUnreachable):
        push_main(shell, remote_on(PutOnly(backend, fail)))
    packs = [name for name in written if name.startswith("packs/")]
    assert packs
    written.clear()
    push_main(shell, remote_on(PutOnly(backend, written.append)))
    assert [name for name in written if name.startswith("packs/")] == []
    assert _encodings(tmp_path) <= _PLAIN
    push_main(shell, remote_on(PutOnly(backend, written.append)))
    assert [path.relative_to(tmp_path / "origin").as_posix() for path in _packs(tmp_path)] == sorted(packs)


def test_a_repaired_remote_has_plain_encodings_only(older: Older, made: tuple[Shell, Weights], tmp_path: Path) -> None:
    shell, _ = made
    shell.ok("push", "origin")
    older.ok("clone", str(tmp_path / "origin"), str(tmp_path / "ben"), folder=tmp_path)
    before = _packs(tmp_path)
    pack = max(before, key=lambda path: path.stat().st_size)
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.chmod(0o644)
    pack.write_bytes(data)
    shell.ok("fsck", "--remote", "origin", "--repair")
    assert set(_packs(tmp_path)) > set(before)
    assert _encodings(tmp_path) <= _PLAIN
    older.ok("fsck", "--remote", "origin", "--read-data", folder=tmp_path / "ben")


def test_what_a_pruned_remote_keeps_has_plain_encodings_only(
    older: Older, made: tuple[Shell, Weights], tmp_path: Path
) -> None:
    shell, weights = made
    kept = []
    for number in range(3):
        shell.ok("push", "origin")
        kept.append((shell.folder / WEIGHTS).read_bytes())
        weights.train()
        shell.commit(f"more {number}")
    shell.ok("push", "origin")
    before = set(_packs(tmp_path))
    shell.ok("prune", "--remote", "origin", "--keep-last", "2", "--yes")
    assert set(_packs(tmp_path)) - before
    assert _encodings(tmp_path) <= _PLAIN
    older.ok("clone", str(tmp_path / "origin"), str(tmp_path / "ben"), folder=tmp_path)
    older.ok("switch", "main~1", folder=tmp_path / "ben")
    assert (tmp_path / "ben" / WEIGHTS).read_bytes() == kept[-1]


# --- one entry


SHAPES = [Shape(4), Shape(4, 1), Shape(4, 3), Shape(2), Shape(2, 1), Shape(1), Shape(1, 5, NUMBERS["Q8_0"])]


@pytest.mark.parametrize("features", [_FEATURES, frozenset({"planes"}), frozenset()], ids=["plain", "planes", "none"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_an_entry_is_encoded_again(shape: Shape, features: frozenset[str], rng: random.Random) -> None:
    numbers = np.random.default_rng(rng.getrandbits(64)).standard_normal(20_000) * 0.02
    old = numbers.astype("<f2" if shape.width == 2 else "<f4").tobytes()
    new = bytes(byte ^ (place % 28 == 0) for place, byte in enumerate(old)) + b"rest"
    encoding = BLOCKS if shape.blocks else DIFFERENCE
    for under in (None, old):
        base = Under(ChunkId(digest(old)), 1, (encoding, old)) if under else None
        entry, _ = encoder.encode(ChunkId(digest(new)), new, shape, base)
        again, parts = transcode.transcode(entry, new, under if entry.base else None, features)
        made = b"".join(parts)
        assert again.well_formed
        assert transcode.is_supported(again, features)
        assert (again.depth <= entry.depth, again.stored) == (True, len(made))
        base_again = old if again.base else None
        assert bytes(codec.decode(again.encoding, made, len(new), width=again.width, base=base_again)) == new
        assert transcode.transcode(entry, new, under if entry.base else None, features) == (again, parts)
