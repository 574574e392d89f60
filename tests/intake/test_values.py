"""`mvc add --run`: labelmap, parameters and metrics are read from the files of the run, and never from those of another."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.formats.values import csv_text
from mvc.porcelain.add import add
from mvc.porcelain.add_run import add_run
from mvc.porcelain.edit import get, set_values
from mvc.porcelain.init import init
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from tests.cli.shell import MODEL
from tests.intake import runs

METRICS = {"best": "metrics/mAP50-95(B)", "select": ["metrics/*"]}


@pytest.fixture
def model(tmp_path: Path) -> Model:
    init(tmp_path, model=MODEL)
    return Model(Repository(tmp_path), MODEL)


def entries(root: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((root / "model.toml").read_text(encoding="utf-8")).get("from", {})
    return found


@pytest.mark.parametrize("padded", [False, True], ids=["8.3", "8.0"])
def test_ultralytics(tmp_path: Path, model: Model, padded: bool) -> None:
    runs.data_yaml(tmp_path / "data.yaml", "helmet", "head")
    runs.ultralytics(tmp_path / "exp1", padded=padded)
    done = add_run(model, tmp_path / "exp1")
    assert entries(tmp_path) == {
        "labelmap": "data.yaml",
        "parameters": "exp1/args.yaml",
        "metrics": {"path": "exp1/results.csv", **METRICS},
    }
    assert done.values == entries(tmp_path)
    assert get(model, "labelmap") == {"0": "helmet", "1": "head"}
    assert get(model, "parameters.epochs") == 3
    assert get(model, "metrics")["metrics/mAP50-95(B)"] == max(runs.MAP)


def test_the_metrics_are_those_of_the_weights(tmp_path: Path, model: Model) -> None:
    runs.ultralytics(tmp_path / "exp1")
    (tmp_path / "exp1/weights/best.pt").unlink()
    add_run(model, tmp_path / "exp1")
    assert get(model, "metrics")["metrics/mAP50-95(B)"] == runs.MAP[-1]


def test_lightning(tmp_path: Path, model: Model) -> None:
    runs.lightning(tmp_path / "version_0", "epoch=0-val_acc=0.61.ckpt", "epoch=1-val_acc=0.72.ckpt")
    add_run(model, tmp_path / "version_0")
    assert entries(tmp_path) == {
        "parameters": "version_0/hparams.yaml",
        "metrics": {"path": "version_0/metrics.csv", "best": "val_acc"},
    }
    assert (get(model, "metrics.val_acc"), get(model, "metrics.train_loss")) == (0.72, 0.5)


def test_transformers(tmp_path: Path, model: Model) -> None:
    runs.transformers(tmp_path / "checkpoint-500")
    add_run(model, tmp_path / "checkpoint-500")
    assert get(model, "labelmap") == {"0": "helmet", "1": "head"}
    assert get(model, "metrics") == {"eval_accuracy": 0.9, "eval_loss": 0.3}
    assert get(model, "parameters") == {"max_steps": 1000, "num_train_epochs": 4, "train_batch_size": 8}


def test_a_plain_folder(tmp_path: Path, model: Model) -> None:
    (tmp_path / "exp").mkdir()
    for name, text in (("best.pt", "x"), ("params.json", '{"lr": 0.1}'), ("metrics.csv", "epoch,acc\n1,0.5\n2,0.6\n"),
                       ("classes.txt", "cat\ndog\n")):  # fmt: skip
        (tmp_path / "exp" / name).write_text(text, encoding="utf-8")
    add_run(model, tmp_path / "exp")
    assert (get(model, "parameters"), get(model, "metrics.acc")) == ({"lr": 0.1}, 0.6)
    assert get(model, "labelmap") == {"0": "cat", "1": "dog"}


@pytest.mark.parametrize(
    "data", ["../outside/data.yaml", "/etc/hostname", "coco8.yaml", "C:\\data\\data.yaml", "a\\0b", "data"]
)
def test_classes_outside_of_the_models_folder_are_not_read(tmp_path: Path, data: str) -> None:
    runs.data_yaml(tmp_path / "data.yaml", "helmet")
    (tmp_path / "outside").mkdir()
    runs.data_yaml(tmp_path / "outside/data.yaml", "helmet")
    root = tmp_path / "repo"
    init(root, model=MODEL)
    model = Model(Repository(root), MODEL)
    (root / "data").mkdir()
    runs.ultralytics(root / "exp1", data=data)
    (note,) = add_run(model, root / "exp1").notes
    assert note.startswith("No labelmap is read: ")
    assert "is not a file in the model's folder" in note
    assert "labelmap" not in entries(root)


def test_a_link_to_classes_elsewhere_is_not_followed(tmp_path: Path) -> None:
    runs.data_yaml(tmp_path / "data.yaml", "helmet")
    root = tmp_path / "repo"
    init(root, model=MODEL)
    (root / "data.yaml").symlink_to("../data.yaml")
    runs.ultralytics(root / "exp1")
    add_run(Model(Repository(root), MODEL), root / "exp1")
    assert "labelmap" not in entries(root)


def test_the_entries_follow_the_run_with_what_was_chosen_for_them(tmp_path: Path, model: Model) -> None:
    runs.data_yaml(tmp_path / "data.yaml", "helmet")
    runs.ultralytics(tmp_path / "exp1")
    runs.ultralytics(tmp_path / "exp2", step=1)
    add_run(model, tmp_path / "exp1")
    set_values(model, ["from.metrics.best=metrics/recall(B)"])
    done = add_run(model, tmp_path / "exp2")
    assert entries(tmp_path) == {
        "labelmap": "data.yaml",
        "parameters": "exp2/args.yaml",
        "metrics": {"path": "exp2/results.csv", "best": "metrics/recall(B)", "select": ["metrics/*"]},
    }
    assert set(done.values) == {"parameters", "metrics"}


def test_values_of_model_toml_give_way_to_those_of_the_file_and_others_stay(tmp_path: Path, model: Model) -> None:
    runs.data_yaml(tmp_path / "data.yaml", "helmet", "head")
    runs.ultralytics(tmp_path / "exp1")
    set_values(model, ["parameters.epochs=100", "parameters.seed=7", "metrics.fps=30", "labelmap.0=hat"])
    done = add_run(model, tmp_path / "exp1")
    assert done.removed == ("parameters.epochs",)
    assert (get(model, "parameters.epochs"), get(model, "parameters.seed"), get(model, "metrics.fps")) == (3, 7, 30)
    assert get(model, "labelmap") == {"0": "hat"}
    assert done.notes == (
        "The labelmap of model.toml stays, and differs from data.yaml (`mvc set from.labelmap=data.yaml`)",
    )


def test_the_older_key_of_the_labelmap_follows_the_run_too(tmp_path: Path, model: Model) -> None:
    for name in ("exp1", "exp2"):
        runs.data_yaml(runs.ultralytics(tmp_path / name) / "names.yaml", name)
    set_values(model, ["labelmap.path=exp1/names.yaml"])
    add_run(model, tmp_path / "exp1")
    add_run(model, tmp_path / "exp2")
    assert get(model, "labelmap.path") == "exp2/names.yaml"
    assert "labelmap" not in entries(tmp_path)


def test_entries_that_name_other_files_stay(tmp_path: Path, model: Model) -> None:
    (tmp_path / "team.yaml").write_text("lr: 1\n", encoding="utf-8")
    runs.ultralytics(tmp_path / "exp1")
    set_values(model, ["from.parameters=team.yaml"])
    assert set(add_run(model, tmp_path / "exp1").values) == {"metrics"}
    assert entries(tmp_path)["parameters"] == "team.yaml"


@pytest.mark.parametrize(
    "text",
    [
        "epoch,metrics/mAP50-95(B)\n",
        "",
        "\0",
        "epoch,metrics/mAP50-95(B)\n1,0.5,7\n",
        "x\n" * 102,
        "epoch,acc\n1,nan\n",
    ],
    ids=["no row", "empty", "no text", "too many cells", "too many rows", "not a number"],
)
def test_metrics_that_cannot_be_read_are_left_out_of_the_first_run_and_refuse_the_next(
    tmp_path: Path, model: Model, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_text, "MAX_ROWS", 100)
    runs.data_yaml(tmp_path / "data.yaml", "helmet")
    for name in ("exp1", "exp2"):
        runs.ultralytics(tmp_path / name)
    (tmp_path / "exp2/results.csv").write_text(text, encoding="utf-8")
    done = add_run(model, tmp_path / "exp2", dry_run=True)
    assert ("metrics" in done.values, len(done.notes)) in ((False, 1), (True, 0))
    add_run(model, tmp_path / "exp1")
    before = (tmp_path / "model.toml").read_bytes()
    with pytest.raises(errors.BadValueFile, match=r"exp2/results\.csv"):
        add_run(model, tmp_path / "exp2")
    assert (tmp_path / "model.toml").read_bytes() == before


def test_metrics_of_the_run_before_do_not_stay_with_new_weights(tmp_path: Path, model: Model) -> None:
    for name in ("exp1", "exp2"):
        runs.ultralytics(tmp_path / name)
    add_run(model, tmp_path / "exp1")
    (tmp_path / "exp2/results.csv").unlink()
    with pytest.raises(
        errors.NoValuesOfRun, match=r"exp2 has no file for metrics; exp1/results\.csv is of another training"
    ):
        add_run(model, tmp_path / "exp2")
    runs.lightning(tmp_path / "logs/version_0")
    add_run(model, tmp_path / "logs/version_0")
    assert entries(tmp_path) == {
        "parameters": "logs/version_0/hparams.yaml",
        "metrics": {"path": "logs/version_0/metrics.csv", "row": "last"},
    }


@pytest.mark.parametrize("place", ["old", "runs/t0", "."])
def test_values_go_with_the_weights_that_they_belong_to(tmp_path: Path, model: Model, place: str) -> None:
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    for name, text in (("model.pt", "x"), ("p.yaml", "lr: 1"), ("m.json", '{"mAP50": 0.99}')):
        (tmp_path / place / name).write_text(text, encoding="utf-8")
    add(model, [tmp_path / place / "model.pt"], role="model-latest")
    set_values(model, [f"from.parameters={(Path(place) / 'p.yaml')}", f"from.metrics={(Path(place) / 'm.json')}"])
    runs.ultralytics(tmp_path / "runs/t1")
    done = add_run(model, tmp_path / "runs/t1")
    assert entries(tmp_path) == {
        "parameters": "runs/t1/args.yaml",
        "metrics": {"path": "runs/t1/results.csv", **METRICS},
    }
    notes = [f"The {name} are no longer read from {file}, which is not of this run." for name, file in (("parameters", "p.yaml"), ("metrics", "m.json"))]  # fmt: skip
    assert set(notes) <= set(done.notes) or place != "."


def test_values_that_stayed_at_other_weights_go_too(tmp_path: Path, model: Model) -> None:
    """A model.toml of an mvc that left them there."""
    runs.ultralytics(tmp_path / "runs/t1")
    add_run(model, tmp_path / "runs/t1")
    (tmp_path / "old").mkdir()
    (tmp_path / "old/model.pt").write_bytes(b"x")
    (tmp_path / "old/m.json").write_text('{"mAP50": 0.99}', encoding="utf-8")
    set_values(model, ["from.metrics=old/m.json"])
    add_run(model, tmp_path / "runs/t1")
    assert entries(tmp_path)["metrics"] == {"path": "runs/t1/results.csv", **METRICS}


def test_values_elsewhere_without_a_file_in_the_new_run_are_refused(tmp_path: Path, model: Model) -> None:
    runs.ultralytics(tmp_path / "runs/t1")
    add_run(model, tmp_path / "runs/t1")
    (tmp_path / "eval.json").write_text('{"mAP50": 0.99}', encoding="utf-8")
    set_values(model, ["from.metrics=eval.json"])
    runs.ultralytics(tmp_path / "runs/t2")
    (tmp_path / "runs/t2/results.csv").unlink()
    before = (tmp_path / "model.toml").read_bytes()
    with pytest.raises(errors.NoValuesOfRun, match=r"metrics; eval\.json is of another training") as caught:
        add_run(model, tmp_path / "runs/t2")
    assert (caught.value.exit_code, (tmp_path / "model.toml").read_bytes()) == (17, before)


def test_a_diverged_run_has_the_metrics_of_its_last_finite_epoch(tmp_path: Path, model: Model) -> None:
    runs.ultralytics(tmp_path / "exp1")
    rows = "epoch,metrics/mAP50-95(B)\n1,0.4\n2,nan\n3,nan\n"
    (tmp_path / "exp1/results.csv").write_text(rows, encoding="utf-8")
    add_run(model, tmp_path / "exp1")
    assert get(model, "metrics") == {"metrics/mAP50-95(B)": 0.4}


def test_a_role_that_moves_takes_the_entry_of_its_file_along(tmp_path: Path, model: Model) -> None:
    for name in ("exp1", "exp2"):
        runs.ultralytics(tmp_path / name)
    add_run(model, tmp_path / "exp1")
    add(model, [tmp_path / "exp2/results.csv"], role="results")
    assert entries(tmp_path)["metrics"] == {"path": "exp2/results.csv", **METRICS}
    assert entries(tmp_path)["parameters"] == "exp1/args.yaml"
