"""Lightning, on the CPU: one version for each `fit`, of the best checkpoint with its metrics."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import lightning
import pytest
from lightning.pytorch.callbacks import ModelCheckpoint

import mvc
from mvc.training.lightning import MvcLogger
from tests.integrations import versions
from tests.integrations.trainers import nets
from tests.integrations.trainers.classifier import SCORES, Classifier

PLAIN = {
    "accelerator": "cpu",
    "devices": 1,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "log_every_n_steps": 2,
}


def fit(logger: Any, checkpoint: Any, module: Any = None, epochs: int = 4) -> Any:
    """Train for a few epochs, and return the trainer."""
    trainer = lightning.Trainer(**PLAIN, logger=logger, callbacks=[checkpoint], max_epochs=epochs)
    trainer.fit(module or Classifier(), nets.batches(), nets.batches(48, seed=4))
    return trainer


def best(folder: Path, **options: Any) -> Any:
    return ModelCheckpoint(
        dirpath=folder / "checkpoints", monitor="val/score", mode="max", filename="{epoch}", **options
    )


def test_a_fit_is_one_version_of_its_best_checkpoint(folder: Path) -> None:
    said: list[str] = []
    checkpoint = best(folder, save_weights_only=True, save_top_k=-1)
    module = Classifier()
    trainer = fit(MvcLogger(versions.MODEL, report=said.append), checkpoint, module)
    trainer.test(module, nets.batches(), verbose=False)

    version = versions.only(folder)
    weights = Path(checkpoint.best_model_path).read_bytes()
    assert Path(checkpoint.best_model_path).name == "epoch=1.ckpt"
    assert version.files["model-latest"].read() == weights

    again = lightning.Trainer(**PLAIN, logger=False)
    (fresh,) = again.validate(module, nets.batches(48, seed=4), ckpt_path=checkpoint.best_model_path, verbose=False)
    assert version.metrics == pytest.approx(fresh | {"val/score": SCORES[1]}, abs=1e-6)

    assert version.labelmap == dict(enumerate(nets.CLASSES))
    assert version.parameters == {"lr": 0.05, "max_epochs": 4}
    rows = list(csv.DictReader(io.StringIO(version.files["training-log"].read().decode())))
    assert len([row for row in rows if row["val/loss"]]) == len([row for row in rows if row["train_loss"]]) == 4
    assert [line for line in said if not line.startswith("recorded ")] == []


def test_an_optimizer_in_the_checkpoint_is_mentioned_once(folder: Path) -> None:
    said: list[str] = []
    checkpoint = best(folder)
    fit(MvcLogger(versions.MODEL, report=said.append), checkpoint)
    assert versions.only(folder).files["model-latest"].read() == Path(checkpoint.best_model_path).read_bytes()
    assert sum("optimizer" in line for line in said) == 1


def test_the_only_checkpoint_of_a_trainer_without_any_is_recorded(folder: Path) -> None:
    trainer = lightning.Trainer(**PLAIN, logger=MvcLogger(versions.MODEL), max_epochs=2)
    trainer.fit(Classifier(), nets.batches())
    version = versions.only(folder)
    assert version.files["model-latest"].read() == Path(trainer.checkpoint_callback.best_model_path).read_bytes()
    assert set(version.metrics) == {"train_loss"}


def test_each_fit_is_a_version_and_validation_is_none(folder: Path) -> None:
    logger = MvcLogger(versions.MODEL)
    for number in (1, 2):
        trainer = fit(logger, best(folder / str(number)))
        trainer.validate(Classifier(), nets.batches(), verbose=False)
        assert len(versions.versions(folder)) == number


def test_a_fit_that_fails_leaves_no_version(folder: Path) -> None:
    with pytest.raises(KeyError, match="as the training"):
        fit(MvcLogger(versions.MODEL), best(folder), Classifier(fail_in=2))
    assert versions.versions(folder) == []


def test_improvements_are_on_a_branch_of_the_run(folder: Path) -> None:
    fit(MvcLogger(versions.MODEL, every="best", name="first"), best(folder), epochs=3)
    model = mvc.open(folder).model()
    improvements = model.log("run/first")
    assert {version.files["model-latest"].id for version in improvements} > {model["main"].files["model-latest"].id}
    assert improvements[0].metrics == model["main"].metrics != improvements[-1].metrics
    assert model["main"].parents == ()


DISTRIBUTED = """
import sys
import lightning
from lightning.pytorch.callbacks import ModelCheckpoint
import mvc
from mvc.training.lightning import MvcLogger
from tests.integrations.trainers import nets
from tests.integrations.trainers.classifier import Classifier

if __name__ == "__main__":
    trainer = lightning.Trainer(
        accelerator="cpu", devices=2, strategy="STRATEGY", max_epochs=3, enable_progress_bar=False, enable_model_summary=False,
        logger=MvcLogger("helmet-detector", strict=True),
        callbacks=[ModelCheckpoint(dirpath="checkpoints", monitor="val/loss", filename="best", save_weights_only=True)])
    trainer.fit(Classifier(), nets.batches(), nets.batches(48, seed=4))
"""


@pytest.mark.parametrize("strategy", ["ddp", "ddp_spawn"])
def test_two_processes_make_one_version(folder: Path, strategy: str, deep: bool) -> None:
    if strategy == "ddp_spawn" and not deep:
        pytest.skip("processes that get the logger by pickle: --deep")
    done = versions.python(DISTRIBUTED.replace("STRATEGY", strategy), folder)
    assert done.returncode == 0, done.stdout + done.stderr
    version = versions.only(folder)
    assert version.files["model-latest"].read() == (folder / "checkpoints" / "best.ckpt").read_bytes()
    assert done.stderr.count("mvc: recorded ") == 1
