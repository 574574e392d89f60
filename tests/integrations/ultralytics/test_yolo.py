"""YOLO, trained on the CPU: one version for each training, of best.pt with its metrics."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from torch import nn
from ultralytics import YOLO

from mvc.training.ultralytics import attach
from tests.integrations import versions
from tests.integrations.small import slow
from tests.integrations.ultralytics import pictures

QUICK = {"imgsz": pictures.SIZE, "device": "cpu", "workers": 0, "plots": False, "verbose": False, "seed": 1}
PICTURES = 24
FITTED: dict[str, Any] = {
    "epochs": 10,
    "batch": 8,
    "nbs": 8,
    "optimizer": "AdamW",
    "lr0": 0.005,
    "warmup_epochs": 0,
    "mosaic": 0.0,
    "scale": 0.0,
    "translate": 0.0,
    "fliplr": 0.0,
    "hsv_h": 0.0,
    "hsv_s": 0.0,
    "hsv_v": 0.0,
}
"""Arguments with which so many pictures are learned in seconds, however a processor rounds.

None changes a picture at random, and every step counts (`nbs`). To try another processor's arithmetic:
`ONEDNN_MAX_CPU_ISA=SSE41 ATEN_CPU_CAPABILITY=default`.
"""
FORGETS = 0.3
"""The momentum of batch normalization; with that of Ultralytics, 0.03, its statistics take hundreds of steps to settle."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(versions.project(tmp_path / "project"))
    pictures.write(tmp_path / "project" / "data")
    return tmp_path / "project"


def train(yolo: Any, folder: Path, **arguments: Any) -> Path:
    """Train, and return the run folder."""
    given = {"data": str(folder / "data" / "data.yaml"), "project": str(folder / "runs"), "name": "exp"}
    yolo.train(**given | QUICK | arguments)
    return Path(yolo.trainer.save_dir)


def settle_soon(trainer: Any) -> None:
    """Have the statistics of batch normalization follow the pictures within a few steps."""
    for module in trainer.model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = FORGETS


def test_a_training_is_one_version_of_its_best_weights(folder: Path) -> None:
    said: list[str] = []
    pictures.write(folder / "data", PICTURES)
    yolo = YOLO("yolo11n.yaml")
    yolo.add_callback("on_train_start", settle_soon)
    attach(yolo, versions.MODEL, alias="candidate", report=said.append)
    run = train(yolo, folder, **FITTED)

    version = versions.only(folder)
    best = (run / "weights" / "best.pt").read_bytes()
    assert version.files["model-latest"].read() == best
    assert len(best) < 6_000_000, "the optimizer was not stripped yet"

    again = YOLO(run / "weights" / "best.pt")
    fresh = again.val(
        data=str(folder / "data" / "data.yaml"),
        batch=2 * FITTED["batch"],  # as the trainer takes it: other sums of other batches are rounded differently
        imgsz=pictures.SIZE,
        device="cpu",
        workers=0,
        plots=False,
    )
    expected = {name: value for name, value in fresh.results_dict.items() if name != "fitness"}
    assert any(expected.values()), "nothing was learned, so nothing would be compared"
    assert version.metrics == pytest.approx(expected, abs=1e-6)

    assert [(claim.place, claim.license.expression) for claim in version.licenses] == [("license", "AGPL-3.0")]
    assert version.labelmap == {0: "helmet", 1: "head"}
    assert {name: version.parameters[name] for name in FITTED} == FITTED
    assert not {"momentum", "save_dir", "project"} & {*version.parameters}, "a default, and where it wrote"
    assert version.files["dataset"].read() == (folder / "data" / "data.yaml").read_bytes()

    rows = list(csv.DictReader(io.StringIO(version.files["training-log"].read().decode())))
    assert [float(row["epoch"]) for row in rows] == list(range(1, FITTED["epochs"] + 1))
    with open(run / "results.csv", encoding="utf-8", newline="") as file:
        theirs = [float(row["metrics/mAP50(B)"]) for row in csv.DictReader(file)]
    assert [float(row["metrics/mAP50(B)"]) for row in rows] == pytest.approx(theirs, abs=1e-5)
    assert version.names == {"main": "branch", "candidate": "alias"}
    assert [line for line in said if not line.startswith("recorded ")] == []


def test_a_training_that_fails_leaves_no_version_and_its_own_error(folder: Path) -> None:
    def fail(trainer: Any) -> None:
        raise KeyError("as the training")

    yolo = YOLO("yolo11n.yaml")
    attach(yolo, versions.MODEL)
    yolo.add_callback("on_train_epoch_end", fail)
    with pytest.raises(KeyError, match="as the training"):
        train(yolo, folder, epochs=1, batch=6)
    assert versions.versions(folder) == []


def test_a_training_goes_on_when_it_cannot_be_recorded(folder: Path) -> None:
    (folder / ".mvc" / "config.toml").write_text("broken", encoding="utf-8")
    said: list[str] = []
    yolo = YOLO("yolo11n.yaml")
    attach(yolo, versions.MODEL, report=said.append)
    run = train(yolo, folder, epochs=1, batch=6)
    assert (run / "weights" / "best.pt").is_file()
    assert said


def test_versions_of_epochs_are_on_a_branch_of_the_run(folder: Path) -> None:
    yolo = YOLO("yolo11n.yaml")
    attach(yolo, versions.MODEL, every=1, name="first")
    run = train(yolo, folder, epochs=2, batch=6)
    found = versions.versions(folder)
    # The log sorts by seconds, and the result may be recorded in that of the last epoch.
    (result,) = (version for version in found if "main" in version.names)
    epochs = [version for version in found if version.id != result.id]
    assert result.names == {"main": "branch"}
    assert result.files["model-latest"].read() == (run / "weights" / "best.pt").read_bytes()
    assert [version.names for version in epochs] == [{"run/first": "branch"}, {}]
    assert all(version.files["model-latest"].size > 9_000_000 for version in epochs), "with the optimizer, as they were"


def test_a_classifier_is_recorded_as_well(folder: Path) -> None:
    for name in ("head", "helmet"):
        for part in ("train", "val"):
            (folder / "faces" / part / name).mkdir(parents=True)
            for number in range(2):
                picture = folder / "data" / "images" / f"{number}.png"
                (folder / "faces" / part / name / picture.name).write_bytes(picture.read_bytes())
    said: list[str] = []
    yolo = YOLO("yolo11n-cls.yaml")
    attach(yolo, versions.MODEL, report=said.append)
    run = train(yolo, folder, data=str(folder / "faces"), epochs=1, batch=4)
    version = versions.only(folder)
    assert version.files["model-latest"].read() == (run / "weights" / "best.pt").read_bytes()
    assert version.labelmap == {0: "head", 1: "helmet"}
    assert set(version.metrics) == {"metrics/accuracy_top1", "metrics/accuracy_top5"}
    assert [line for line in said if not line.startswith("recorded ")] == []


DISTRIBUTED = """
import os
from datetime import timedelta

from torch import distributed, nn
from ultralytics import YOLO
from ultralytics.engine import validator
from ultralytics.models.yolo.detect import DetectionTrainer

from mvc.training.ultralytics import attach


class TwoProcesses(DetectionTrainer):
    # As with two GPUs: Ultralytics starts the processes, and sends them its callbacks.

    def __init__(self, *given, **named):
        super().__init__(*given, **named)
        self.world_size, self.ddp = 2, "RANK" not in os.environ

    def _setup_ddp(self):
        distributed.init_process_group("gloo", timeout=timedelta(seconds=60))
        whole = nn.parallel.DistributedDataParallel
        nn.parallel.DistributedDataParallel = lambda model, device_ids=None, **given: whole(model, **given)

    def final_eval(self):
        # With a rank, it would look for the GPU of this process.
        backend, rank = validator.AutoBackend, validator.RANK

        def on_cpu(**given):
            validator.RANK = rank
            return backend(**given)

        validator.AutoBackend, validator.RANK = on_cpu, -1
        super().final_eval()


yolo = YOLO("yolo11n.yaml")
attach(yolo, "helmet-detector", strict=True)
yolo.train(trainer=TwoProcesses, data="data/data.yaml", epochs=2, batch=4, imgsz=64, device="cpu", workers=0, plots=False,
           project=os.path.abspath("runs"), name="exp")
"""


@slow
def test_two_processes_make_one_version(folder: Path) -> None:
    done = versions.python(DISTRIBUTED, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    version = versions.only(folder)
    assert version.files["model-latest"].read() == (folder / "runs" / "exp" / "weights" / "best.pt").read_bytes()
    assert version.labelmap == {0: "helmet", 1: "head"}
    assert done.stderr.count("mvc: recorded ") == 1
