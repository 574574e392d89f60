"""Transformers: `Trainer(callbacks=[MvcCallback("helmet-detector")])`, and each training becomes one version.

    on_train_begin   arguments that differ from defaults, classes (config.id2label)
    on_log           a line of the training log
    on_evaluate      the metrics of a step
    on_save          checkpoint-N; `save_total_limit` removes old ones, but never the best
    on_train_end     the files of the best checkpoint, else of the last, with the metrics of that step

The optimizer's state is two thirds of a checkpoint and has files of its own, which are left out unless `optimizer=True`.
"""

from __future__ import annotations

import dataclasses
import enum
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from mvc.intake import layouts, listing
from mvc.intake.run import part_of
from mvc.training.callback import Recording, RunOptions, guarded, subclass
from mvc.training.plan import OPTIMIZER

NOISE = ("_runtime", "_per_second", "_preparation_time")
"""The ends of the names of values that say how fast the machine is."""
COUNTERS = frozenset({"epoch", "grad_norm", "step", "total_flos"})
OF_THE_FOLDER = frozenset({"disable_tqdm", "hub_token", "local_rank", "logging_dir", "output_dir", "run_name"})
"""Arguments that say where a run writes and what it shows, not how it trains."""
STATES = {"optimizer.pt": OPTIMIZER, "optimizer.bin": OPTIMIZER, "scheduler.pt": "scheduler", "scaler.pt": "scaler"}
"""Files that only a training which goes on needs, and their roles."""


class TrainerEvents:
    """Records each training as a version of `model`; `options` are those of `mvc.run`."""

    def __init__(self, model: str | None = None, **options: Unpack[RunOptions]) -> None:
        """Hold the options; the run begins with the training."""
        super().__init__()
        self._recording = Recording(model, options)
        self._metrics: dict[int, dict[str, Any]] = {}
        self._last: Path | None = None
        self._given: Path | None = None

    @guarded
    def on_train_begin(self, /, args: Any, state: Any, control: Any, **given: Any) -> None:  # noqa: ARG002 - as it is called
        """Begin a run, with the arguments and classes of the training."""
        self._metrics, self._last, self._given = {}, None, None
        if not state.is_world_process_zero:
            return
        self._recording.begin(parameters=_arguments(args), labelmap=_labels(given.get("model")))
        if _text(args.save_strategy) == "no":
            self._recording.report("no checkpoint is saved (save_strategy='no'), so this training cannot be recorded")

    @guarded
    def on_log(self, /, args: Any, state: Any, control: Any, logs: Any = None, **given: Any) -> None:  # noqa: ARG002 - as it is called
        """Log what the trainer logs."""
        found = _without_noise(logs or {})
        if self._recording.run is not None and found:
            self._recording.run.log(found, epoch=state.epoch, step=state.global_step)

    @guarded
    def on_evaluate(self, /, args: Any, state: Any, control: Any, metrics: Any = None, **given: Any) -> None:  # noqa: ARG002 - as it is called
        """Remember the metrics of this step; there may be several data sets to evaluate."""
        self._metrics.setdefault(state.global_step, {}).update(_without_noise(metrics or {}))

    @guarded
    def on_save(self, /, args: Any, state: Any, control: Any, **given: Any) -> None:  # noqa: ARG002 - as it is called
        """Remember the checkpoint, and record it if every epoch or improvement is asked for."""
        if self._recording.run is None:
            return
        folder = self._last = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if self._recording.every == "best":
            if state.best_model_checkpoint and folder == Path(state.best_model_checkpoint):
                self._give(folder, state, best=True)
        elif self._recording.every != "end":
            self._give(folder, state, best=False)

    @guarded
    def on_train_end(self, /, args: Any, state: Any, control: Any, **given: Any) -> None:  # noqa: ARG002 - as it is called
        """Record the best checkpoint, else the last one."""
        if self._recording.run is None:
            return
        folder = Path(state.best_model_checkpoint) if state.best_model_checkpoint else self._last
        if folder is not None and folder != self._given:
            self._give(folder, state, best=True)
        self._recording.finish()

    def _give(self, folder: Path, state: Any, *, best: bool) -> None:
        """Give the files of a checkpoint to the run, with the metrics of its step."""
        run = self._recording.run
        files = dict(_files(folder, optimizer=bool(self._recording.options.get("optimizer"))))
        weights = files.pop(layouts.LATEST, None)
        if run is None or weights is None:
            self._recording.report(f"{folder} has no weights that mvc knows, and is not recorded")
            return
        metrics = self._metrics.get(_step(folder), {}) or _logged(state, _step(folder))
        if best:
            self._given = folder
            run.best(weights, metrics, files=files)
        else:
            run.checkpoint(weights, metrics, files=files)


def _files(folder: Path, *, optimizer: bool) -> Iterator[tuple[str, Path]]:
    """Yield the files of a checkpoint with their roles, which are those of `mvc add --run`; more weights by their names."""
    taken = set[str]()
    for name in sorted(entry.name for entry in os.scandir(folder) if entry.is_file()):
        if name in STATES:
            role = STATES[name] if optimizer else ""
        elif any(
            listing.is_match(name, pattern) for pattern in layouts.NO_WEIGHTS if not pattern.startswith("training")
        ):
            role = name.rpartition(".")[0] if optimizer else ""
        else:
            part = part_of(layouts.TRANSFORMERS, name)
            role = part.role if part is not None and part.role not in taken else name.replace(".", "-")
        if role:
            taken.add(role)
            yield role, folder / name


def _arguments(args: Any) -> dict[str, Any]:
    """Return the training arguments that differ from their defaults."""
    found = {}
    for field in dataclasses.fields(args):
        value, default = _text(getattr(args, field.name)), _text(field.default)
        is_plain = isinstance(value, bool | int | float | str)
        if is_plain and value != default and field.name not in OF_THE_FOLDER:
            found[field.name] = value
    return found


def _text(value: Any) -> Any:
    """Return the value of an option, which may be an enumeration."""
    return value.value if isinstance(value, enum.Enum) else value


def _labels(model: Any) -> Any:
    """Return the classes of a model; None if it has only the names that every configuration has."""
    labels = getattr(getattr(model, "config", None), "id2label", None)
    is_given = isinstance(labels, Mapping) and any(name != f"LABEL_{number}" for number, name in labels.items())
    return labels if is_given else None


def _step(folder: Path) -> int:
    number = folder.name.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


def _logged(state: Any, step: int) -> dict[str, Any]:
    """Return the metrics of a step that was evaluated before this process began: those that a checkpoint has kept."""
    entries = [entry for entry in state.log_history if entry.get("step") == step]
    return {
        name: value for entry in entries for name, value in _without_noise(entry).items() if name.startswith("eval_")
    }


def _without_noise(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a training has reached."""
    return {name: value for name, value in values.items() if name not in COUNTERS and not name.endswith(NOISE)}


if TYPE_CHECKING:
    from transformers import TrainerCallback

    class MvcCallback(TrainerEvents, TrainerCallback):  # type: ignore[misc] # of a library that is not installed here
        """What `__getattr__` makes, for type checkers."""


def __getattr__(name: str) -> object:
    """Return the class `MvcCallback`, which loads Transformers. Raises MissingPackage."""
    if name != "MvcCallback":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = globals()[name] = subclass(__name__, name, TrainerEvents, "transformers.trainer_callback:TrainerCallback")
    return made
