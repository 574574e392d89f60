"""Callbacks of trainers, without the trainers; `tests/integrations` runs them with the real ones."""

from __future__ import annotations

import pickle
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import mvc
from mvc import lazy
from mvc.training import ultralytics
from tests.training.conftest import Reports


class Yolo:
    """What `attach` needs of a YOLO."""

    def __init__(self) -> None:
        self.callbacks: dict[str, list[Callable[[Any], None]]] = defaultdict(list)

    def add_callback(self, event: str, function: Callable[[Any], None]) -> None:
        self.callbacks[event].append(function)

    def run(self, event: str, trainer: object) -> None:
        for callback in self.callbacks[event]:
            callback(trainer)


class Trainer:
    """What the callbacks read of a trainer of Ultralytics, in the order of its events."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.save_dir, self.epoch = folder, 0
        self.best, self.last = folder / "best.pt", folder / "last.pt"
        self.args = SimpleNamespace(epochs=2, lr0=0.02, save_dir=str(folder))
        self.data = {"names": {0: "helmet", 1: "head"}}
        self.tloss, self.lr, self.fitness, self.best_fitness = {"box": 0.5}, {"lr/pg0": 0.01}, 0.5, 0.5
        self.metrics: dict[str, float] = {"metrics/mAP50(B)": 0.6, "fitness": 0.5, "val/box_loss": 0.4}

    def label_loss_items(self, losses: dict[str, float], prefix: str) -> dict[str, float]:
        return {f"{prefix}/{name}": value for name, value in losses.items()}

    def train(self, yolo: Yolo, epochs: int = 2) -> None:
        yolo.run("on_pretrain_routine_end", self)
        for self.epoch in range(epochs):
            yolo.run("on_train_epoch_start", self)
            self.best.write_bytes(b"with the optimizer" * 100)
            yolo.run("on_fit_epoch_end", self)
        self.best.write_bytes(b"stripped")
        self.metrics = {"metrics/mAP50(B)": 0.7, "fitness": 0.6}
        self.epoch += 1
        yolo.run("on_fit_epoch_end", self)  # of the validation of best.pt
        self.epoch -= 1
        yolo.run("on_train_end", self)
        yolo.run("teardown", self)


def test_a_training_is_recorded_with_the_weights_and_metrics_of_its_end(
    model: mvc.Model, tmp_path: Path, reports: Reports
) -> None:
    yolo = Yolo()
    ultralytics.attach(yolo, "helmets", report=reports, parameters={"lr0": 0.03, "seed": 4})
    Trainer(tmp_path / "run").train(yolo)
    version = model["main"]
    assert version.number == 2
    assert version.files["model-latest"].read() == b"stripped"
    assert version.metrics == {"metrics/mAP50(B)": 0.7}
    assert version.labelmap == {0: "helmet", 1: "head"}
    assert version.parameters == {"epochs": 2, "lr0": 0.03, "seed": 4}
    log = version.files["training-log"].read().decode().splitlines()
    assert log[0].startswith("epoch,step,train/box,")
    assert len(log) == 3, "the validation of best.pt is no epoch"
    assert len(reports.texts) == 1
    assert reports.texts[0].startswith("recorded helmets v2 ")


def test_each_training_of_one_yolo_is_a_version(model: mvc.Model, tmp_path: Path, reports: Reports) -> None:
    yolo = Yolo()
    ultralytics.attach(yolo, "helmets", report=reports)
    for number in range(2):
        Trainer(tmp_path / str(number)).train(yolo, epochs=1 + number)
    assert [version.number for version in model.log()] == [3, 2, 1]


def test_a_trainer_that_lacks_something_goes_on(model: mvc.Model, reports: Reports) -> None:
    yolo = Yolo()
    ultralytics.attach(yolo, "helmets", report=reports)
    for event in ultralytics.EVENTS:
        yolo.run(event, SimpleNamespace())
    assert len(model.log()) == 1
    assert any("has no attribute" in text for text in reports.texts)


def test_with_strict_the_error_is_raised(model: mvc.Model, reports: Reports) -> None:
    yolo = Yolo()
    ultralytics.attach(yolo, "helmets", report=reports, strict=True)
    with pytest.raises(AttributeError):
        yolo.run("on_pretrain_routine_end", SimpleNamespace())


def test_other_processes_record_nothing(
    model: mvc.Model, tmp_path: Path, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    yolo = Yolo()
    ultralytics.attach(yolo, "helmets", report=reports)
    Trainer(tmp_path / "run").train(yolo)
    assert (len(model.log()), reports.texts) == (1, [])


def test_callbacks_go_to_other_processes_as_a_few_bytes(model: mvc.Model, tmp_path: Path) -> None:
    yolo = Yolo()
    ultralytics.attach(yolo, "helmets")
    sent = pickle.dumps(dict(yolo.callbacks))
    assert len(sent) < 10_000
    received = Yolo()
    received.callbacks.update(pickle.loads(sent))
    Trainer(tmp_path / "run").train(received)
    assert model["main"].files["model-latest"].read() == b"stripped"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("lightning", "MvcLogger"),
        ("transformers", "MvcCallback"),
        ("keras", "MvcCallback"),
        ("accelerate", "MvcTracker"),
    ],
)
def test_a_trainer_that_is_not_installed_is_named(module: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(attribute: str) -> object:
        raise ImportError(attribute)

    monkeypatch.setattr(lazy, "attribute", absent)
    callbacks = lazy.load(f"mvc.training.{module}")
    with pytest.raises(mvc.errors.MissingPackage) as caught:
        getattr(callbacks, name)
    assert caught.value.message == f"mvc.training.{module}.{name} needs {module}, which is not installed."
    with pytest.raises(AttributeError):
        callbacks.Other  # noqa: B018 - to read it is the test
