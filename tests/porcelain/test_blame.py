"""`mvc blame` says which version last changed a value, as following each value from parent to parent does."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from mvc.model.ids import FileId, digest
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry
from mvc.porcelain.blame import blame
from tests.cli.shell import MODEL, Shell, begin
from tests.crash.harness import memory_folder
from tests.porcelain.dags import Content, History, history
from tests.weights import safetensors

HISTORIES, DEEP = 60, 300
VALUES: list[Any] = [0, 1, 1.0, True, "1", [1], "x"]
Facts = dict[str, Any]


def _facts(content: Content) -> Facts:
    """The items of a version as plain values, by the keys that blame gives them."""
    manifest, tree = content
    found: Facts = {f"metrics.{key}": value for key, value in manifest.metrics.items()}
    for key, value in manifest.parameters.items():
        inner = value if isinstance(value, dict) else {None: value}
        found |= {f"parameters.{key}" + (f".{name}" if name else ""): each for name, each in inner.items()}
    found |= {f"labelmap.{number}": name for number, name in manifest.labelmap}
    found |= {f"files.{entry.role}": (entry.file, entry.exec) for entry in tree.entries}
    return {**found, "model.name": MODEL}


def _edited(rng: random.Random, parents: tuple[Content, ...]) -> Content:
    """A content that mixes those of the parents, with some values changed, added or removed."""

    def mixed(name: str) -> dict[str, Any]:
        values = [dict(getattr(manifest, name)) for manifest, _ in parents] or [{}]
        keys = {key for each in values for key in each}
        return {key: one[key] for key in sorted(keys) if key in (one := rng.choice(values))}

    metrics, parameters, classes = (
        mixed("metrics"),
        mixed("parameters"),
        {str(n): name for n, name in mixed("labelmap").items()},
    )
    files = {entry.role: entry for _, tree in parents[::-1] for entry in tree.entries if rng.random() < 0.95}
    for _ in range(rng.randint(0, 2)):
        metrics[rng.choice("abc")] = rng.choice([0.5, 0.6, 1, 1.0])
        parameters[rng.choice("pq")] = rng.choice([*VALUES, {"in": rng.choice(VALUES[:4]), "out": 1}])
        classes[rng.choice("012")] = rng.choice(["car", "van", "bus"])
        role = rng.choice("xyz")
        file = FileId(digest(bytes([rng.randrange(4)])))
        files[role] = TreeEntry(
            role=role, path=f"runs/{rng.randrange(3)}/{role}", size=1, file=file, exec=rng.random() < 0.2
        )
        if metrics and rng.random() < 0.3:
            metrics.pop(rng.choice(sorted(metrics)))
    manifest = Manifest(
        model={"name": MODEL},
        metrics=metrics,
        parameters=parameters,
        labelmap=tuple((int(number), name) for number, name in sorted(classes.items())),
    )
    return manifest, Tree.of(list(files.values()))


def _followed(made: History, facts: list[Facts], position: int, key: str) -> int:
    """Follow one value from parent to parent, the first that has it."""
    wanted = repr(facts[position][key])
    for parent in made.parents[position]:
        if key in facts[parent] and repr(facts[parent][key]) == wanted:
            return _followed(made, facts, parent, key)
    return position


def test_it_says_what_following_each_value_says(tmp_path: Path, rng: random.Random, *, deep: bool) -> None:
    with memory_folder(tmp_path) as folder:
        for number in range(DEEP if deep else HISTORIES):
            made = history(folder / str(number), rng, rng.randint(1, 12), lambda parents: _edited(rng, parents))
            facts = [_facts(content) for content in made.contents]
            for position in {len(made.ids) - 1, rng.randrange(len(made.ids))}:
                found = {item.key: item.id for item in blame(made.model, made.ids[position]).items}
                expected = {key: made.ids[_followed(made, facts, position, key)] for key in facts[position]}
                assert found == expected, f"history {number}, version {position}"
                key = rng.choice(sorted(expected))
                assert [item.id for item in blame(made.model, made.ids[position], [key]).items] == [expected[key]]
            shutil.rmtree(folder / str(number))


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random) -> Shell:
    """v1: all; v2: a metric, and one layer; v3: classes, and the path of the weights."""
    shell = begin(tmp_path, monkeypatch)
    first, second, new = (rng.randbytes(40_000) for _ in range(3))
    shape = (100, 100)
    shell.write(
        "exp1/w.safetensors", safetensors({"a.weight": ("F32", shape, first), "b.weight": ("F32", shape, second)})
    )
    shell.ok("add", "exp1/w.safetensors", "--as", "weights")
    shell.set(metrics__mAP50=0.5, parameters__lr=0.1, labelmap__0="car")
    shell.commit("one")
    shell.write("exp1/w.safetensors", safetensors({"a.weight": ("F32", shape, first), "b.weight": ("F32", shape, new)}))
    shell.set(metrics__mAP50=0.6)
    shell.commit("two")
    (shell.folder / "exp2").mkdir()
    (shell.folder / "exp1" / "w.safetensors").rename(shell.folder / "exp2" / "w.safetensors")
    shell.set(files__weights="exp2/w.safetensors", labelmap__1="car", labelmap__0="van")
    shell.commit("three")
    return shell


def _blamed(shell: Shell, *arguments: str) -> dict[str, int]:
    return {item["key"]: item["number"] for item in shell.ok("blame", *arguments, "--json").json["items"]}


def test_names_are_keys_sections_classes_roles_and_paths(shell: Shell) -> None:
    assert _blamed(shell) == {
        "model.name": 1, "parameters.lr": 1, "metrics.mAP50": 2, "labelmap.0": 3, "labelmap.1": 3, "files.weights": 2,
    }  # fmt: skip
    assert _blamed(shell, "metrics", "parameters.lr") == {"metrics.mAP50": 2, "parameters.lr": 1}
    assert _blamed(shell, "car") == {"labelmap.car": 3}
    assert _blamed(shell, "--rev", "v2", "car", "labelmap.0") == {"labelmap.car": 1, "labelmap.0": 1}
    for name in ("weights", "files.weights", "exp2/w.safetensors"):
        assert _blamed(shell, name) == {"files.weights": 2}  # its path changed in v3, its bytes did not
    assert set(_blamed(shell, "model.toml")) == {
        "model.name",
        "parameters.lr",
        "metrics.mAP50",
        "labelmap.0",
        "labelmap.1",
    }
    said = shell("blame", "metrics.mAP5")
    assert said.code == 2
    assert "Did you mean metrics.mAP50?" in said.err
    assert shell.ok("blame", "metrics.mAP50").out.split()[1:] == [
        "v2",
        "2026-02-05",
        "Ana",
        "metrics.mAP50",
        "=",
        "0.6",
    ]


def test_tensors_are_blamed_without_reading_weights(shell: Shell) -> None:
    shutil.rmtree(shell.folder / ".mvc" / "packs")
    expected = {"weights:a.weight": 1, "weights:b.weight": 2}
    assert _blamed(shell, "weights", "--tensors") == expected
    assert _blamed(shell, "weights:*.weight") == expected
    assert _blamed(shell, "weights:b.weight") == {"weights:b.weight": 2}
    assert _blamed(shell, "--rev", "v1", "weights:b*") == {"weights:b.weight": 1}
    assert shell("blame", "weights:c*").code == 2
    assert shell("blame", "--tensors").code == 2
