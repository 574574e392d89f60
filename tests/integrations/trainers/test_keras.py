"""Keras 3, on the CPU: one version for each `fit`, of the file of ModelCheckpoint with its metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest

from mvc.training.keras import MvcCallback
from tests.integrations import versions
from tests.integrations.trainers import nets


def net() -> Any:
    """A compiled net that begins the same each time."""
    keras.utils.set_random_seed(5)
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile(keras.optimizers.Adam(0.05), loss, metrics=["accuracy"])
    return made


def data(count: int, seed: int) -> tuple[Any, Any]:
    values, classes = nets.points(count, seed)
    return values.numpy(), classes.numpy()


def fit(callbacks: list[Any], epochs: int = 6) -> Any:
    """Train for some epochs, of which those after the third make the net worse."""
    faster = keras.callbacks.LearningRateScheduler(lambda epoch: 0.05 if epoch < 3 else 5.0)
    given = {"validation_data": data(48, 4), "epochs": epochs, "batch_size": 16, "verbose": 0}
    return net().fit(*data(96, 3), **given, callbacks=[faster, *callbacks])


@pytest.mark.parametrize("is_first", [True, False])
def test_a_fit_is_one_version_of_its_best_weights(folder: Path, is_first: bool) -> None:
    said: list[str] = []
    checkpoint = keras.callbacks.ModelCheckpoint("best.keras", monitor="val_loss", save_best_only=True)
    callback = MvcCallback(versions.MODEL, weights="best.keras", labelmap=nets.CLASSES, report=said.append)
    history = fit([callback, checkpoint] if is_first else [checkpoint, callback]).history
    assert history["val_loss"][-1] > min(history["val_loss"]), "the best epoch is not the last"

    version = versions.only(folder)
    assert version.files["model-latest"].read() == Path("best.keras").read_bytes()
    fresh = keras.models.load_model("best.keras").evaluate(*data(48, 4), batch_size=16, verbose=0, return_dict=True)
    assert version.metrics["val_loss"] == pytest.approx(fresh["loss"], abs=1e-6)
    assert version.metrics["val_accuracy"] == pytest.approx(fresh["accuracy"], abs=1e-6)
    assert version.labelmap == dict(enumerate(nets.CLASSES))
    assert version.parameters == {"epochs": 6, "learning_rate": 0.05, "optimizer": "Adam", "steps": 6}
    assert len(version.files["training-log"].read().splitlines()) == 7
    assert [line for line in said if not line.startswith("recorded ")] == []


def test_the_name_of_the_weights_may_have_the_epoch(folder: Path) -> None:
    name = "{epoch:02d}-{val_loss:.2f}.weights.h5"
    checkpoint = keras.callbacks.ModelCheckpoint(name, save_best_only=True, save_weights_only=True)
    history = fit([MvcCallback(versions.MODEL, weights=name), checkpoint]).history
    epoch = history["val_loss"].index(min(history["val_loss"]))
    version = versions.only(folder)
    assert version.files["model-latest"].read() == next(folder.glob(f"{epoch + 1:02d}-*.weights.h5")).read_bytes()
    assert version.metrics["val_loss"] == pytest.approx(history["val_loss"][epoch], abs=1e-9)


def test_old_weights_are_not_those_of_this_training(folder: Path) -> None:
    said: list[str] = []
    Path("best.keras").write_bytes(b"of yesterday")
    fit([MvcCallback(versions.MODEL, weights="best.keras", report=said.append)], epochs=1)
    assert versions.versions(folder) == []
    assert len(said) == 1


def test_a_fit_that_fails_leaves_no_version(folder: Path) -> None:
    def fail(epoch: int, logs: Any) -> None:
        raise KeyError("as the training")

    checkpoint = keras.callbacks.ModelCheckpoint("best.keras")
    with pytest.raises(KeyError, match="as the training"):
        fit(
            [
                checkpoint,
                MvcCallback(versions.MODEL, weights="best.keras"),
                keras.callbacks.LambdaCallback(on_epoch_end=fail),
            ]
        )
    assert versions.versions(folder) == []
