"""`mvc add --run` after `mvc add --run`, of any trainers and in any folders: no value and no file of another training stays.

A random sequence of runs is added and committed one by one. After each, parameters and metrics are those that the same run
has in a repository of its own; or the command was refused and changed nothing.
"""

from __future__ import annotations

import random
import shutil
import tomllib
from pathlib import Path
from typing import Any

from mvc import errors
from mvc.model.toml.value_file import MERGED
from mvc.model.version import Person, Timestamp
from mvc.porcelain.add import add
from mvc.porcelain.add_run import add_run
from mvc.porcelain.commit import commit
from mvc.porcelain.edit import get, set_values
from mvc.porcelain.init import init
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from tests.cli.shell import MODEL
from tests.intake import runs

LAYOUTS = ("ultralytics", "lightning", "transformers", "plain", "nested")
ACTOR = Actor(Person("Ana", "ana@example.org"), Timestamp(1_770_000_000))
PLACES = ("runs/t{}", "logs/version_{}", "out/checkpoint-{}", "exp/{}", "t{}", "deep/er/{}/run")


FILES = {"ultralytics": "results.csv", "lightning": "metrics.csv", "transformers": "preprocessor_config.json",
         "plain": "metrics.json", "nested": "params.yaml"}  # fmt: skip
"""A file that a run may lack."""


def run(folder: Path, layout: str, number: int) -> Path:
    """A run whose parameters, metrics and weights no other run has."""
    if layout == "ultralytics":
        return runs.ultralytics(folder, step=number)
    if layout == "lightning":
        runs.lightning(folder)
        (folder / "hparams.yaml").write_text(f"lr: {number}\n", encoding="utf-8")
        (folder / "metrics.csv").write_text(f"epoch,val_acc\n0,0.1\n1,0.{number}\n", encoding="utf-8")
    elif layout == "transformers":
        runs.transformers(folder, step=number)
        state = (folder / "trainer_state.json").read_text(encoding="utf-8")
        state = state.replace('"max_steps": 1000', f'"max_steps": {number}').replace("0.9", f"0.{number}")
        (folder / "trainer_state.json").write_text(state, encoding="utf-8")
    else:
        weights = folder / "weights" if layout == "nested" else folder
        weights.mkdir(parents=True, exist_ok=True)
        (weights / "model.pt").write_bytes(f"weights {number}".encode())
        (folder / "params.yaml").write_text(f"lr: {number}\n", encoding="utf-8")
        (folder / "metrics.json").write_text(f'{{"acc": 0.{number}}}', encoding="utf-8")
    return folder


def begin(root: Path) -> Model:
    init(root, model=MODEL)
    return Model(Repository(root), MODEL)


def toml(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "model.toml").read_text(encoding="utf-8"))


def values(model: Model) -> dict[str, dict[str, Any]]:
    found = toml(model.repository.root)
    return {name: get(model, name) for name in MERGED if name in found or name in found.get("from", {})}


def own_values(folder: Path, top: Path) -> dict[str, dict[str, Any]]:
    """The values of a run in a repository of its own."""
    shutil.copytree(folder, top / folder.name)
    model = begin(top)
    add_run(model, top / folder.name)
    return values(model)


def by_hand(model: Model, folder: Path, number: int) -> None:
    """Weights and values that were named by `mvc add` and `mvc set`."""
    run(folder, "plain", number)
    place = folder.relative_to(model.repository.root).as_posix()
    add(model, [folder / "model.pt"], role="model-latest")
    prefix = "" if place == "." else f"{place}/"
    set_values(model, [f"from.parameters={prefix}params.yaml", f"from.metrics={prefix}metrics.json"])


def test_values_and_files_are_those_of_the_new_run(tmp_path: Path, rng: random.Random, deep: bool) -> None:
    for number in range(100 if deep else 5):
        sequence(tmp_path / str(number), rng)


def sequence(top: Path, rng: random.Random) -> None:
    """Add and commit a few runs, one after the other."""
    root = top / "repo"
    root.mkdir(parents=True)
    model = begin(root)
    if rng.random() < 0.5:
        by_hand(model, root / rng.choice(("old", "old/one", "runs/t0", ".")), 11)
        commit(model, "by hand", ACTOR)
    for number in range(12, 12 + rng.randint(3, 5)):
        layout = rng.choice(LAYOUTS)
        folder = run(root / rng.choice(PLACES).format(number), layout, number)
        if rng.random() < 0.15:
            (folder / FILES[layout]).unlink()
        expected = own_values(folder, top / f"own{number}")
        before, known = (root / "model.toml").read_bytes(), toml(root).get("from", {})
        try:
            add_run(model, folder)
        except errors.NoValuesOfRun:
            assert (root / "model.toml").read_bytes() == before
            own = {**expected, **({"labelmap": {}} if layout == "transformers" else {})}
            assert known.keys() - own.keys(), "refused, although the run has a file for each section"
            continue
        commit(model, layout, ACTOR)
        assert values(model) == expected, layout
        paths = toml(root)["files"].values()
        assert all(path.startswith(f"{folder.relative_to(root)}/") for path in paths), paths
        assert len(set(paths)) == len(paths), paths
