"""Keras 3: `model.fit(callbacks=[checkpoint, MvcCallback("helmet-detector", weights="best.keras")])`, one version a `fit`.

    on_train_begin   epochs, optimizer, learning rate
    on_epoch_end     a line of the training log
    on_epoch_begin   has ModelCheckpoint written `weights` since the epoch before? Then these are its metrics
    on_train_end     the file as ModelCheckpoint left it, with the metrics of the epoch that wrote it

Keras gives a callback no word about what another one saved, so `weights` names the file. The order of callbacks does not
matter: a file is looked at when all callbacks of its epoch were called.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from mvc.api.session import PathLike
from mvc.training.callback import Recording, RunOptions, guarded, subclass


class FitEvents:
    """Records each `fit` as a version of `model`; `weights` is the `filepath` of ModelCheckpoint, `options` are those of `mvc.run`."""

    def __init__(self, model: str | None = None, *, weights: PathLike, **options: Unpack[RunOptions]) -> None:
        """Hold the options; the run begins with `fit`."""
        super().__init__()
        self._recording = Recording(model, options)
        self._weights = os.fspath(weights)
        self._ended: tuple[int, dict[str, Any]] | None = None
        self._stamp: tuple[str, int, int, int] | None = None

    @guarded
    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002 - as Keras calls it
        """Begin a run, with the arguments of the training."""
        self._ended = None
        self._stamp = _stamp(self._weights)
        self._recording.begin(parameters=_arguments(self))

    @guarded
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002 - as Keras calls it
        """Take the weights of the epoch before, if there are new ones."""
        self._take()

    @guarded
    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log what Keras measured."""
        if self._recording.run is not None:
            self._ended = epoch + 1, dict(logs or {})
            self._recording.run.log(self._ended[1], epoch=epoch + 1)

    @guarded
    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002 - as Keras calls it
        """Record the weights."""
        self._take()
        self._recording.finish()

    def _take(self) -> None:
        """Give the file to the run if it was written since the last look."""
        run = self._recording.run
        if run is None or self._ended is None:
            return
        epoch, metrics = self._ended
        path = self._weights.format(epoch=epoch, **metrics)
        stamp = _stamp(path)
        if stamp is not None and stamp != self._stamp:
            self._stamp = stamp
            run.best(path, metrics)


def _stamp(path: str) -> tuple[str, int, int, int] | None:
    """Return by what a file that was written again is known; None if there is no file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return path, found.st_ino, found.st_mtime_ns, found.st_size


def _arguments(callback: Any) -> dict[str, Any]:
    """Return what Keras tells a callback of how it trains."""
    optimizer = getattr(callback.model, "optimizer", None)
    settings = optimizer.get_config() if optimizer is not None else {}
    name = type(optimizer).__name__ if optimizer is not None else None
    rate = settings.get("learning_rate")
    if isinstance(rate, float):
        rate = float(f"{rate:.7g}")  # the digits of the 32 bits that it is kept in: 0.05, not 0.05000000074505806
    found = {"epochs": callback.params.get("epochs"), "steps": callback.params.get("steps")}
    return {**found, "optimizer": name, "learning_rate": rate}


if TYPE_CHECKING:
    from keras.callbacks import Callback

    class MvcCallback(FitEvents, Callback):  # type: ignore[misc] # of a library that is not installed here
        """What `__getattr__` makes, for type checkers."""


def __getattr__(name: str) -> object:
    """Return the class `MvcCallback`, which loads Keras. Raises MissingPackage."""
    if name != "MvcCallback":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = globals()[name] = subclass(__name__, name, FitEvents, "keras.callbacks:Callback")
    return made
