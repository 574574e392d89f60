"""Weights through commit and switch: what new versions rest on, what the store then asks of readers, files that lie."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

import pytest

from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.chunks import encodings
from mvc.storage.packs.packformat import Entry
from tests.cli.shell import Shell, begin
from tests.weights import network, rounded, safetensors, tuned


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return begin(tmp_path, monkeypatch)


def _entries(shell: Shell, revision: str, role: str = "weights", model: str = "helmets") -> list[Entry]:
    repository = Repository(shell.folder)
    version = repository.objects.version(revisions.resolve(Model(repository, model), revision))
    recipe = repository.recipes.best(repository.objects.tree(version.tree).by_role[role].file)
    assert recipe is not None
    return [repository.chunks.find(chunk)[0].entry for chunk, _ in recipe.chunks]


def _encodings(entries: list[Entry]) -> set[int]:
    return {entry.encoding for entry in entries if entry.raw > 1 << 17}


def _requires(shell: Shell) -> list[str]:
    return list(tomllib.loads((shell.folder / ".mvc" / "config.toml").read_text(encoding="utf-8"))["requires"])


def test_a_version_rests_on_its_parent_and_the_store_says_what_readers_need(shell: Shell, rng: random.Random) -> None:
    tensors = network(rng)
    shell.write("w.safetensors", b"")
    shell.ok("add", "w.safetensors", "--as", "weights")
    shell.commit("nothing yet")
    assert _requires(shell) == []
    steps = [(tensors, ["planes"], encodings.PLANES)]
    steps += [(rounded(tensors, "BF16"), ["cast", "planes"], encodings.BFLOAT)]
    steps += [(rounded(tuned(tensors, rng, 1e-6), "BF16"), ["cast", "difference", "planes"], encodings.DIFFERENCE)]
    steps += [(tuned(tensors, rng, 1e-6), ["cast", "difference", "planes"], encodings.DIFFERENCE)]
    for number, (step, requires, encoding) in enumerate(steps, 2):
        shell.write("w.safetensors", safetensors(step))
        shell.commit(f"step {number}")
        assert _requires(shell) == requires
        assert _encodings(_entries(shell, f"v{number}")) == {encoding}
    shell.ok("fsck", "--read-data")
    for number, (step, _, _) in enumerate(steps, 2):
        shell.ok("switch", f"v{number}")
        assert (shell.folder / "w.safetensors").read_bytes() == safetensors(step)


def test_an_amended_version_rests_on_the_one_it_replaces(shell: Shell, rng: random.Random) -> None:
    tensors = network(rng, layers=1)
    shell.write("w.safetensors", safetensors(tensors))
    shell.ok("add", "w.safetensors", "--as", "weights")
    shell.commit("one")
    shell.write("w.safetensors", safetensors(tuned(tensors, rng, 1e-6)))
    shell.ok("commit", "--amend", "-m", "one, better")
    assert _encodings(_entries(shell, "main")) == {encodings.DIFFERENCE}


def test_the_first_version_rests_on_the_model_it_was_made_from(shell: Shell, rng: random.Random) -> None:
    tensors = network(rng, layers=1)
    shell.write("w.safetensors", safetensors(tensors))
    shell.ok("add", "w.safetensors", "--as", "weights")
    shell.commit("base")
    other = shell.folder / "other"
    shell.ok("init", "--model", "gloves", "other")
    (other / "best.safetensors").write_bytes(safetensors(tuned(tensors, rng, 1e-6), {"made": "from helmets"}))
    shell.ok("-C", "other", "add", "best.safetensors", "--as", "weights")
    shell.ok("-C", "other", "set", "model.parent=helmets@v1")
    shell.ok("-C", "other", "commit", "-m", "gloves")
    assert _encodings(_entries(shell, "v1", model="gloves")) == {encodings.DIFFERENCE}


def test_a_parent_that_is_not_here_is_no_base(shell: Shell, rng: random.Random) -> None:
    shell.write("w.safetensors", safetensors(network(rng, layers=1)))
    shell.ok("add", "w.safetensors", "--as", "weights")
    shell.set(model__parent="elsewhere@v3")
    shell.commit("from elsewhere")
    assert _encodings(_entries(shell, "v1")) == {encodings.PLANES}


def test_a_truncated_weight_file_is_reported_and_committed(shell: Shell, rng: random.Random) -> None:
    data = safetensors(network(rng, layers=1))
    shell.write("w.safetensors", data[:-1])
    shell.ok("add", "w.safetensors", "--as", "weights")
    for verb in (["status"], ["commit", "--dry-run"], ["commit", "-m", "cut off"]):
        assert shell.ok(*verb).err.startswith("warning: w.safetensors: it is truncated or malformed"), verb
    assert shell.ok("commit", "--allow-empty", "-m", "again").err == ""
    assert shell.ok("status").err == ""
    assert shell.raw("cat", "v1:weights")[1] == data[:-1]
    shell.write("w.safetensors", b"")
    assert "w.safetensors: it is empty" in shell.ok("status").err
    assert shell.ok("status", "--json").json["notes"] == [{"path": "w.safetensors", "reason": "it is empty"}]


@pytest.mark.parametrize("use", ["training", "pre-annotation", "deployment/own", "conversion", "storage", "edge"])
def test_a_truncated_weight_file_is_fit_for_no_use(shell: Shell, rng: random.Random, use: str) -> None:
    data = safetensors(network(rng, layers=1))
    shell.ok("set", 'intent.require=[{use="edge", role="weights"}]')
    shell.write("w.safetensors", data[: len(data) // 2])
    shell.ok("add", "w.safetensors", "--as", "weights")
    shell.commit("cut off")
    for where in ([], ["v1"]):
        said = shell("check", *where, "--for", use)
        assert said.code == 1
        assert "w.safetensors: it is truncated or malformed" in said.out
    shell.write("w.safetensors", data)
    shell.commit("whole")
    assert "truncated" not in shell("check", "--for", use).out
