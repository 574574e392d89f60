"""accelerate: `Accelerator(log_with=MvcTracker("helmet-detector"))`; its training becomes one version.

    accelerator.init_trackers("project", config={...})     parameters
    accelerator.log({"loss": 0.1}, step=3)                  a line of the training log
    tracker.best("best.safetensors", accuracy=0.9)          the weights, and the metrics measured on them
    accelerator.end_training()                              one version

With `register_tracker_class(MvcTracker)`, `log_with="mvc"` works too: the project's name is then that of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack

from mvc.api.session import PathLike
from mvc.training.callback import Recording, RunOptions, guarded, subclass
from mvc.training.run import Run


class TrackerEvents:
    """Records a training as a version of `model`; `options` are those of `mvc.run`."""

    name = "mvc"
    requires_logging_directory = False
    main_process_only = True

    def __init__(self, model: str | None = None, **options: Unpack[RunOptions]) -> None:
        """Hold the options; the run begins with `init_trackers`."""
        self._recording = Recording(model, options)
        super().__init__()

    @property
    def tracker(self) -> Run | None:
        """The run, while the training goes on."""
        return self._recording.run

    @guarded
    def start(self) -> None:
        """Begin a run."""
        self._recording.begin()

    @guarded
    def store_init_configuration(self, values: Mapping[str, Any]) -> None:
        """Set the parameters."""
        if self._recording.run is not None:
            self._recording.run.set(parameters={**values, **self._recording.options.get("parameters", {})})

    @guarded
    def log(self, /, values: Mapping[str, Any], step: int | None = None, **given: Any) -> None:  # noqa: ARG002 - as it is called
        """Log values, of which `epoch` is the epoch."""
        if self._recording.run is not None:
            found = {name: value for name, value in values.items() if name != "epoch"}
            self._recording.run.log(found, epoch=values.get("epoch"), step=step)

    @guarded
    def best(
        self,
        path: PathLike,
        metrics: Mapping[str, Any] | None = None,
        /,
        *,
        files: Mapping[str, PathLike] | None = None,
        **named: Any,
    ) -> None:
        """Give the best weights so far, with the metrics that were measured on them; on other processes nothing happens."""
        if self._recording.run is None:
            self._recording.report(f"{path} is left out: weights are given between init_trackers and end_training")
        else:
            self._recording.run.best(path, {**(metrics or {}), **named}, files=files)

    @guarded
    def finish(self) -> None:
        """Record the version."""
        self._recording.finish()


if TYPE_CHECKING:
    from accelerate.tracking import GeneralTracker

    class MvcTracker(TrackerEvents, GeneralTracker):  # type: ignore[misc] # of a library that is not installed here
        """What `__getattr__` makes, for type checkers."""


def __getattr__(name: str) -> object:
    """Return the class `MvcTracker`, which loads accelerate. Raises MissingPackage."""
    if name != "MvcTracker":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = globals()[name] = subclass(__name__, name, TrackerEvents, "accelerate.tracking:GeneralTracker")
    return made
