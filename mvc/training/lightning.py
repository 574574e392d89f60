"""Lightning: `Trainer(logger=MvcLogger("helmet-detector"))`, and each `fit` becomes one version.

    log_hyperparams, log_graph   hyperparameters, arguments of the Trainer, classes
    log_metrics                  a line of the training log
    after_save_checkpoint        the best checkpoint of ModelCheckpoint, with the metrics of that moment
    finalize(status)             "success": recorded; else not

It never saves a checkpoint itself: `Trainer.save_checkpoint` waits for all processes, and loggers are called in one.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from mvc.training import messages
from mvc.training.callback import Recording, RunOptions, guarded, subclass

DEFAULTS = {
    "max_epochs": None,
    "max_steps": -1,
    "precision": "32-true",
    "accumulate_grad_batches": 1,
    "gradient_clip_val": None,
}
"""Arguments of the Trainer that are parameters of a training, and the values that say nothing."""
CLASSES = ("id2label", "class_names", "classes", "names")
"""Where a module, its hyperparameters or its data may have the names of the classes."""


class LoggerEvents:
    """Records each `fit` as a version of `model`; `options` are those of `mvc.run`."""

    def __init__(self, model: str | None = None, **options: Unpack[RunOptions]) -> None:
        """Hold the options; the run begins with `fit`."""
        super().__init__()
        self._recording = Recording(model, options)
        self._trainer: Any = None
        self._hyperparameters: dict[str, Any] = {}
        self._forget()

    def _forget(self) -> None:
        """Be ready for another run."""
        self._run_name: str | None = None
        self._steps: dict[str, int] = {}
        self._step = 0
        self._best: tuple[str, object] | None = None

    # --- what Lightning asks

    @property
    def name(self) -> str:
        """The name of the model, under which Lightning saves checkpoints."""
        return self._recording.model or "mvc"

    @property
    def version(self) -> str:
        """The name of the run."""
        if self._run_name is None:
            self._run_name = self._recording.options.get("name") or messages.new_name()
        return self._run_name

    @guarded
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - as Lightning calls it
        """Remember the hyperparameters of the module and the data; log_graph follows."""
        self._hyperparameters = dict(params if isinstance(params, Mapping) else vars(params))

    @guarded
    def log_graph(self, model: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - as Lightning calls it
        """Begin a run if this is a training: Lightning calls this for each of its loops, at their beginning."""
        trainer = self._trainer = model.trainer
        if trainer.state.fn == "fit" and not trainer.fast_dev_run:
            given = {name: getattr(trainer, name, default) for name, default in DEFAULTS.items()}
            arguments = {name: value for name, value in given.items() if value != DEFAULTS[name]}
            self._recording.begin(
                parameters={**arguments, **self._hyperparameters}, labelmap=_labels(model, trainer), name=self.version
            )

    @guarded
    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log what the module logs."""
        run, found = self._recording.run, {name: value for name, value in metrics.items() if name != "epoch"}
        if run is None:
            return
        self._step = self._step if step is None else step
        self._steps.update(dict.fromkeys(found, self._step))
        run.log(found, epoch=metrics.get("epoch"), step=step)

    @guarded
    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Take the best checkpoint when it is another one than before."""
        run, path = self._recording.run, checkpoint_callback.best_model_path
        if run is None or self._trainer is None:
            return
        if not checkpoint_callback.save_weights_only and not self._recording.options.get("optimizer"):
            self._recording.report(
                "checkpoints of Lightning have the optimizer's state in one file with the weights, which are recorded as they "
                "are; ModelCheckpoint(save_weights_only=True) saves a third of the bytes"
            )
        best = (path, getattr(checkpoint_callback, "best_model_score", None))
        if path and best != self._best:
            self._best = best
            run.best(path, self._metrics())
        elif self._recording.every not in ("end", "best"):
            run.checkpoint(getattr(checkpoint_callback, "_last_checkpoint_saved", path), self._metrics())

    @guarded
    def finalize(self, status: str) -> None:
        """Record the version if the training succeeded; nothing after other loops of Lightning."""
        self._recording.finish(failed=status != "success")
        self._trainer = None
        self._forget()

    # --- inside

    def _metrics(self) -> dict[str, Any]:
        """Return the metrics of this moment: not those of the training epoch before, which are still there."""
        stale = {name for name, step in self._steps.items() if step < self._step}
        return {
            name: value
            for name, value in self._trainer.callback_metrics.items()
            if name not in stale and f"{name}_epoch" not in stale and not name.endswith("_step")
        }

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the trainer, which a process that gets this logger has of its own."""
        return {**vars(self), "_trainer": None}


def _labels(module: Any, trainer: Any) -> Any:
    """Return the names of the classes, if the module or its data has them."""
    owners = (
        module,
        getattr(module, "hparams", None),
        getattr(trainer, "datamodule", None),
        getattr(module, "model", None),
    )
    for owner in (*owners, getattr(owners[-1], "config", None)):
        for name in CLASSES:
            found = getattr(owner, name, None)
            names = list(found.values()) if isinstance(found, Mapping) else found
            if isinstance(names, list | tuple) and names and all(isinstance(each, str) for each in names):
                return found
    return None


if TYPE_CHECKING:
    from lightning.pytorch.loggers import Logger

    class MvcLogger(LoggerEvents, Logger):  # type: ignore[misc] # of a library that is not installed here
        """What `__getattr__` makes, for type checkers."""


def __getattr__(name: str) -> object:
    """Return the class `MvcLogger`, which loads Lightning. Raises MissingPackage."""
    if name != "MvcLogger":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    is_older = "pytorch_lightning" in sys.modules and "lightning" not in sys.modules
    package = "pytorch_lightning.loggers" if is_older else "lightning.pytorch.loggers"
    made = globals()[name] = subclass(__name__, name, LoggerEvents, f"{package}:Logger")
    return made
