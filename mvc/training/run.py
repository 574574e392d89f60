"""`mvc.run`: a training run that becomes one version.

    with mvc.run("helmets", parameters=vars(args)) as run:
        for epoch in range(epochs):
            ...
            run.log(epoch=epoch, loss=loss, mAP50=score)       a line of training-log.csv
            if score > best:
                torch.save(net.state_dict(), "best.pt")
                run.best("best.pt", mAP50=score)               the candidate for the version

    the block ends  ─► one version: best.pt as model-latest, training-log, environment, values, Git commit
    an exception    ─► none; keep="failed": on branch run/NAME

A run holds paths and values only, and opens the repository when it needs it: it can be pickled, also for other processes.
On other ranks than 0 all its methods do nothing.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from mvc import errors
from mvc.api.session import PathLike, Who, texts
from mvc.environment import Environment
from mvc.intake.layouts import LATEST
from mvc.model import labelmap as labelmaps
from mvc.repository.record.files import Recorded
from mvc.training import messages, rank, values
from mvc.training.background import BackgroundPush
from mvc.training.output import OutputFolder, TrainingLog
from mvc.training.plan import SECTIONS, Every, Keep, Mode, Plan, Report, Weights, regular
from mvc.training.recorder import REQUEST, TRAINING_LOG, Contents, Place, Recorder

FOLDER = "mvc-runs"
"""The folder of the runs that were given none, in the current folder."""
OPTIMIZER = "optimizer"
"""The role of the optimizer's state, which is recorded only if that is asked for."""

_OF_PROCESS = ("_lock", "_pid", "_rank", "_push")

P = ParamSpec("P")
R = TypeVar("R")


def _guarded(
    what: str,
) -> Callable[[Callable[Concatenate[Run, P], R]], Callable[Concatenate[Run, P], R | None]]:
    """Return a decorator: call the method on rank 0 only; report its errors as `what`, and return None, unless `strict`."""

    def decorate(method: Callable[Concatenate[Run, P], R]) -> Callable[Concatenate[Run, P], R | None]:
        @functools.wraps(method)
        def call(self: Run, /, *args: P.args, **kwargs: P.kwargs) -> R | None:
            if not self.active:
                return None
            with self._lock:
                try:
                    return method(self, *args, **kwargs)
                except Exception as error:
                    if self._plan.strict:
                        raise
                    self._warn(f"{what}: {messages.of_error(error)}")
                    return None

        return call

    return decorate


class Run:
    """A training run, which becomes one version. It never raises, unless `strict`; several threads may use it."""

    def __init__(self, plan: Plan) -> None:
        """Hold the plan; nothing is opened before `begin`."""
        self._plan = plan
        self._output = OutputFolder(Path(plan.folder))
        self._log = TrainingLog(self._output)
        self._recorder = Recorder(plan, self._output)
        self._files: dict[str, Any] = {}
        self._sections: dict[str, Any] = {}
        self._best: Weights | None = None
        self._metrics: dict[str, float] = {}
        self._epoch: float | None = None
        self._last_due: float | None = None
        self._given = 0
        self._began = self._finished = False
        self._said: set[str] = set()
        self._recorded: Recorded | None = None
        self._prepare()

    def _prepare(self) -> None:
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._rank = 0
        self._push: BackgroundPush | None = None

    # --- what it is

    @property
    def name(self) -> str:
        """The name of the run, and of its own branch `run/NAME`."""
        return self._plan.name

    @property
    def folder(self) -> str:
        """The folder of the training log; absent before the first line."""
        return self._plan.folder

    @property
    def active(self) -> bool:
        """Whether this process records: it has rank 0, and did not fork from the one that has the run."""
        self._rank = self._rank or rank.rank()  # a process group that is gone is not asked any more
        return self._rank == 0 and os.getpid() == self._pid

    @property
    def recorded(self) -> Recorded | None:
        """The version of the run, once it is recorded."""
        return self._recorded

    # --- what the training calls

    def begin(self) -> Self:
        """Begin the run: report what would keep it from being recorded. `with` and the other methods call this."""
        self._begin()
        return self

    @_guarded("The run cannot be checked")
    def _begin(self) -> None:
        if not self._began:
            self._began = True
            for problem in self._recorder.open():
                self._warn(problem)

    @_guarded("The training log is incomplete")
    def log(
        self,
        metrics: Mapping[str, Any] | None = None,
        /,
        *,
        epoch: float | None = None,
        step: float | None = None,
        **named: Any,
    ) -> None:
        """Append a line to the training log. Metrics with odd names are given as a mapping."""
        self.begin()
        numbers = {values.named(key): values.number(value) for key, value in {**(metrics or {}), **named}.items()}
        for key, value in numbers.items():
            if value is None or not key:
                self._left_out(f"metric {key}" if key else "a metric", "it is not a number with a name")
        self._metrics = {key: value for key, value in numbers.items() if key and value is not None}
        self._epoch = values.number(epoch) if epoch is not None else self._epoch
        where = {"epoch": values.number(epoch), "step": values.number(step)}
        row = {**self._metrics, **{key: value for key, value in where.items() if value is not None}}
        if not self._log.add(row):
            self._warn("the training log is full: later lines or metrics are left out of it")

    def best(
        self,
        path: PathLike,
        metrics: Mapping[str, Any] | None = None,
        /,
        *,
        key: str | None = None,
        mode: Mode = "max",
        files: Mapping[str, PathLike] | None = None,
        **named: Any,
    ) -> bool:
        """Give the best weights so far, with their metrics (none: those logged last). Return whether they are the best.

        The last call wins, unless `key` is the metric that decides: `mode` says whether more or less is better. The file
        is read when the version is recorded, so it must stay as it is. `files` belong to these weights, by role.
        """
        return bool(self._offer(path, {**(metrics or {}), **named}, key, mode, files or {}))

    @_guarded("Weights are left out")
    def _offer(
        self, path: PathLike, metrics: Mapping[str, Any], key: str | None, mode: Mode, files: Mapping[str, PathLike]
    ) -> bool:
        self.begin()
        weights = self._weights(path, metrics, files)
        if not self._is_better(weights, key, mode):
            return False
        self._best = weights
        self._recorder.keep(self._contents(weights), self._recorder.place(failed=False))
        if self._plan.every == "best" or self._is_due():
            self._record_own(weights)
        return True

    @_guarded("A checkpoint is left out")
    def checkpoint(
        self,
        path: PathLike,
        metrics: Mapping[str, Any] | None = None,
        /,
        *,
        files: Mapping[str, PathLike] | None = None,
        **named: Any,
    ) -> None:
        """Give the weights of the current epoch: with `every=N` they are recorded on the run's own branch when due."""
        self.begin()
        weights = self._weights(path, {**(metrics or {}), **named}, files or {})
        if self._is_due():
            self._record_own(weights)

    @_guarded("A file is left out")
    def file(self, role: str, path: PathLike) -> None:
        """Add a file to the version. The optimizer's state (role `optimizer`) is added only if the run was asked for it."""
        self.begin()
        if role != OPTIMIZER or self._plan.optimizer:
            self._files[role] = regular(path)

    @_guarded("The labelmap is left out")
    def labelmap(self, labels: Any) -> None:
        """Set the classes, in order or by number; they replace those of the parent."""
        self.begin()
        found = values.labels(labels, self._left_out)
        if found is not None:
            self._sections["labelmap"] = found
            if labelmaps.gaps(tuple(found.items())):
                self.set(about={"labelmap_sparse": True})

    @_guarded("Values are left out")
    def set(self, /, **sections: Any) -> None:
        """Set values by section: `parameters`, `metrics`, `labelmap`, `about`, `docker`, `source`, `intent`.

        Values are added to those that were set before. Given parameters replace those of the parent.
        """
        self.begin()
        for name, given in sections.items():
            if name not in SECTIONS:
                raise errors.UnknownKey(key=name, suggestion=f"The sections are {', '.join(SECTIONS)}.")
            if name == "labelmap":
                self.labelmap(given)
            elif given is not None:
                known = self._sections.get(name, {})
                self._sections[name] = {**known, **values.section(name, given, self._left_out)}

    def finish(self, *, failed: bool = False) -> Recorded | None:
        """End the run and record its version, once. Return the version; None if there is none."""
        self._finish(failed=failed)
        return self._recorded

    @_guarded("The run is not recorded")
    def _finish(self, *, failed: bool) -> None:
        self.begin()
        if self._finished:
            return
        self._finished = True
        if failed and self._plan.keep != "failed":
            self._warn(" ".join(("The run is not recorded, since it failed.", *self._later())))
        elif self._best is None and not self._files:
            self._warn("nothing is recorded: the run was given no weights (`run.best(path)`)")
        else:
            self._record_result(failed=failed)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the push of the version has ended; return whether it has, or none was asked for."""
        return self._push is None or self._push.wait(seconds)

    def __enter__(self) -> Self:
        """Begin."""
        return self.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish; an exception of the training goes on."""
        is_exit = isinstance(error, SystemExit) and error.code in (None, 0)
        try:
            self.finish(failed=error is not None and not is_exit)
        except Exception as own:
            if error is None:
                raise
            self._warn(f"The run is not recorded: {messages.of_error(own)}")

    def __repr__(self) -> str:
        return f"<Run {self.name} in {self.folder}>"

    # --- pickle

    def __getstate__(self) -> dict[str, Any]:
        """Return all but what belongs to this process."""
        return {name: value for name, value in vars(self).items() if name not in _OF_PROCESS}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a run, which goes on in this process."""
        vars(self).update(state)
        self._prepare()

    # --- inside

    def _weights(self, path: PathLike, given: Mapping[str, Any], files: Mapping[str, PathLike]) -> Weights:
        """Return weights with the finite ones of their metrics."""
        self._given += 1
        metrics = values.metrics(given or self._metrics, self._left_out)
        wanted = {role: file for role, file in files.items() if role != OPTIMIZER or self._plan.optimizer}
        return Weights.of(path, metrics, wanted, self._epoch)

    def _is_better(self, new: Weights, key: str | None, mode: Mode) -> bool:
        """Return whether `new` replaces the best weights; it does if the file of those was overwritten."""
        old = self._best
        if old is None or key is None:
            return True
        if old.changed:
            self._warn(f"{old.path} was overwritten, and has other weights now: give each candidate a file of its own")
            return True
        mine, best = new.metrics.get(key), old.metrics.get(key)
        if mine is None:
            self._warn(f"weights without the metric {key} are not compared with the best ones")
            return False
        return best is None or (mine > best if mode == "max" else mine < best)

    def _is_due(self) -> bool:
        """Return whether `every=N` records this epoch: the Nth since the last one. Without epochs, weights are counted."""
        every = self._plan.every
        if isinstance(every, str):
            return False
        now = self._epoch if self._epoch is not None else float(self._given)
        self._last_due = now - 1 if self._last_due is None else self._last_due
        if now - self._last_due < every:
            return False
        self._last_due = now
        return True

    def _contents(self, weights: Weights | None) -> Contents:
        """Return what a version with these weights consists of."""
        files = dict(self._files)
        if weights is not None:
            files |= {self._plan.role: weights.path, **weights.files}
        if self._log.path is not None:
            files[TRAINING_LOG] = self._log.path
        metrics = {**self._sections.get("metrics", {}), **(weights.metrics if weights is not None else {})}
        text = self._plan.message or messages.of_run(self.name, metrics)
        return Contents(files, {**self._sections, "metrics": metrics}, text)

    def _record_own(self, weights: Weights) -> None:
        """Record weights on the run's own branch."""
        place = Place(self._plan.own_branch)
        done = self._recorder.record(self._contents(weights), place)
        self._say(messages.of_version(done.recorded))

    def _record_result(self, *, failed: bool) -> None:
        """Record the version of the run; keep what is needed to record it later if that fails."""
        if self._best is not None and self._best.changed:
            self._warn(
                f"{self._best.path} changed after its metrics were given, which may not be those of its weights now"
            )
        contents, place = self._contents(self._best), self._recorder.place(failed=failed)
        self._recorder.keep(contents, place)
        try:
            done = self._recorder.record(contents, place)
        except Exception as error:
            self._recorder.keep(contents, place, messages.of_error(error))
            self._warn(" ".join((f"The run is not recorded: {messages.of_error(error)}", *self._later())))
            if self._plan.strict:
                raise
            return
        self._recorded = done.recorded
        for remark in done.remarks:
            self._warn(remark)
        self._say(messages.of_version(done.recorded))
        self._output.remove(*(() if self._plan.is_own_folder else (REQUEST,)))
        if self._plan.push is not None:
            self._start_push(self._plan.push, done.recorded)

    @_guarded("The version is recorded, and not pushed")
    def _start_push(self, remote: str, done: Recorded) -> None:
        self._push = self._recorder.push(remote, done, self._say)

    def _later(self) -> list[str]:
        """Return the sentence that says how to record the run later, if it is known."""
        command = self._recorder.command
        return [f"Record it later: {command}"] if command is not None else []

    def _left_out(self, key: str, reason: str) -> None:
        self._warn(f"{key} is left out: {reason}")

    def _warn(self, text: str) -> None:
        """Report a text once."""
        if text not in self._said:
            self._said.add(text)
            self._say(text)

    def _say(self, text: str) -> None:
        messages.report(text, self._plan.report)


def run(
    model: str | None = None,
    *,
    path: PathLike = ".",
    name: str | None = None,
    parameters: Any = None,
    labelmap: Any = None,
    branch: str | None = None,
    alias: str | Iterable[str] | None = None,
    tag: str | Iterable[str] | None = None,
    every: Every = "end",
    optimizer: bool = False,
    strict: bool = False,
    push: str | None = None,
    message: str | None = None,
    keep: Keep = "finished",
    actor: Who | None = None,
    environment: bool = True,
    output: PathLike | None = None,
    role: str = LATEST,
    report: Report | None = None,
) -> Run:
    """Return a training run of `model` in the repository at `path`, for a `with` block; it becomes one version.

    `parameters` are a mapping, an `argparse.Namespace` or a dataclass. `branch` gets the version (default: the current
    one), `alias` and `tag` move to it. `every` is "end", or "best" or a number of epochs to record versions on
    the branch `run/NAME` meanwhile. `optimizer` also records files of that role. `keep="failed"` records a run that ends
    with an exception, on `run/NAME`. `push` is a remote that gets the version in the background. `output` is the folder of the training log.
    `environment` records Python, packages and GPUs. `report` is called with each message, which else goes to stderr.

    Nothing is raised unless `strict`: what cannot be recorded is reported, with the command that records it later.
    """
    started = Environment.current()
    label = name or messages.new_name(started.now().seconds)
    folder = output if output is not None else os.path.join(FOLDER, messages.file_name(label))
    plan = Plan(
        model=model,
        path=os.path.abspath(path),
        name=label,
        branch=branch,
        aliases=texts(alias or ()),
        tags=texts(tag or ()),
        every=every,
        optimizer=optimizer,
        strict=strict,
        push=push,
        message=message,
        keep=keep,
        actor=actor,
        environment=environment,
        folder=os.path.abspath(folder),
        is_own_folder=output is None,
        role=role,
        report=report,
    )
    begun = Run(plan)
    if parameters is not None:
        begun.set(parameters=parameters)
    if labelmap is not None:
        begun.labelmap(labelmap)
    return begun
