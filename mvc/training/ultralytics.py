"""Ultralytics: `attach(yolo)`, and each training of that YOLO becomes one version.

    on_pretrain_routine_end   arguments that differ from defaults, classes, data.yaml
    on_fit_epoch_end          a line of the training log
    on_train_end              best.pt, of which the optimizer was stripped by now, with the metrics of its validation
    teardown                  a training that failed is not recorded

Nothing is imported from Ultralytics: its trainer hands over all that is read. With several GPUs it pickles its callbacks
and sends them to processes that it starts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, Unpack

from mvc.training.callback import Recording, RunOptions, guarded

EVENTS = ("on_pretrain_routine_end", "on_train_epoch_start", "on_fit_epoch_end", "on_train_end", "teardown")
OF_THE_FOLDER = frozenset({"exist_ok", "mode", "name", "plots", "project", "save_dir", "verbose"})
"""Arguments that say where a run writes and what it shows, not how it trains."""


def attach(yolo: Any, model: str | None = None, **options: Unpack[RunOptions]) -> None:
    """Record each training of `yolo` as a version of `model`; `options` are those of `mvc.run`.

    yolo = YOLO("yolo11n.pt")
    attach(yolo, "helmet-detector")
    yolo.train(data="data.yaml", epochs=100)
    """
    trainings = Trainings(Recording(model, options))
    for event in EVENTS:
        yolo.add_callback(event, getattr(trainings, event))


class Trainings:
    """The events of the trainings of one YOLO."""

    def __init__(self, recording: Recording) -> None:
        """Hold the runs of these trainings."""
        self._recording = recording
        self._epoch: int | None = None

    @guarded
    def on_pretrain_routine_end(self, trainer: Any) -> None:
        """Begin a run, with the arguments, the classes and the data set of the training."""
        data = trainer.data if isinstance(trainer.data, Mapping) else {}
        begun = self._recording.begin(parameters=_arguments(trainer), labelmap=data.get("names"))
        described = data.get("yaml_file")
        if described and os.path.isfile(described):
            begun.file("dataset", described)

    @guarded
    def on_train_epoch_start(self, trainer: Any) -> None:
        """Remember the epoch: the event of its end comes once more for the validation of best.pt."""
        self._epoch = trainer.epoch

    @guarded
    def on_fit_epoch_end(self, trainer: Any) -> None:
        """Log the losses and metrics of an epoch, and record its weights if every epoch or improvement is asked for."""
        run = self._recording.run
        if run is None or trainer.epoch != self._epoch:
            return
        losses = trainer.label_loss_items(trainer.tloss, prefix="train")
        run.log({**losses, **trainer.metrics, **trainer.lr}, epoch=trainer.epoch + 1)
        if self._recording.every == "best":
            if trainer.best_fitness == trainer.fitness and trainer.best.exists():
                run.best(trainer.best, _metrics(trainer))
        elif self._recording.every != "end" and trainer.last.exists():
            run.checkpoint(trainer.last, _metrics(trainer))

    @guarded
    def on_train_end(self, trainer: Any) -> None:
        """Record the best weights with the metrics that Ultralytics measured on them in the end."""
        run = self._recording.run
        if run is not None:
            run.best(trainer.best if trainer.best.exists() else trainer.last, _metrics(trainer))
            self._recording.finish()

    @guarded
    def teardown(self, trainer: Any) -> None:  # noqa: ARG002 - as Ultralytics calls it
        """End a run that did not reach its end: this event also follows an exception."""
        self._recording.finish(failed=True)


def _arguments(trainer: Any) -> dict[str, Any]:
    """Return the arguments that differ from the defaults of the installed Ultralytics."""
    defaults = getattr(sys.modules.get("ultralytics.utils"), "DEFAULT_CFG_DICT", {})
    given = {name: value for name, value in vars(trainer.args).items() if name not in OF_THE_FOLDER}
    return {name: value for name, value in given.items() if name not in defaults or defaults[name] != value}


def _metrics(trainer: Any) -> dict[str, Any]:
    """Return the metrics of the last validation, without its losses where it has metrics."""
    found = {name: value for name, value in trainer.metrics.items() if name != "fitness"}
    return {name: value for name, value in found.items() if name.startswith("metrics/")} or found
