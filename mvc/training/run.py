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

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, get_args

from mvc.api.session import PathLike, Who, texts
from mvc.intake.layouts import LATEST
from mvc.model.compare import environment_record
from mvc.repository.record.files import Recorded
from mvc.training import messages
from mvc.training.engine.background import BackgroundPush
from mvc.training.engine.contents import Contents, Place
from mvc.training.engine.guard import Guarded, guarded
from mvc.training.engine.inputs import Inputs
from mvc.training.engine.output import OutputFolder, TrainingLog
from mvc.training.engine.recorder import REQUEST, TRAINING_LOG, Recorder, temporary_folder
from mvc.training.engine.weights import Mode, Weights
from mvc.training.plan import Every, Keep, Plan, Report, file_name

FOLDER = "mvc-runs"
"""The folder of the runs that were given none, in the current folder."""
FAILED, UNFINISHED = "failed", "unfinished"
"""The marks in the messages of versions of runs that failed, or were killed."""


class Run(Guarded):
    """A training run, which becomes one version. It never raises, unless `strict`; several threads may use it."""

    def __init__(self, plan: Plan) -> None:
        """Hold the plan; nothing is opened before `begin`."""
        super().__init__(strict=plan.strict, report=plan.report)
        self._plan = plan
        self._output = OutputFolder(Path(plan.folder))
        self._log = TrainingLog(self._output)
        self._recorder = Recorder(plan, self._output)
        self._inputs = Inputs(plan)
        self._began = self._finished = self._has_lost = False
        self._recorded: Recorded | None = None

    def _prepare(self) -> None:
        super()._prepare()
        self._push: BackgroundPush | None = None

    # --- what it is

    @property
    def name(self) -> str:
        """The name of the run, and of its own branch `run/NAME`."""
        return self._plan.name

    @property
    def own_branch(self) -> str:
        """The branch of its own versions, and of its result if it fails."""
        return self._plan.own_branch

    @property
    def folder(self) -> str:
        """The folder of the training log; absent before the first line."""
        return self._plan.folder

    @property
    def recorded(self) -> Recorded | None:
        """The version of the run, once it is recorded."""
        return self._recorded

    # --- what the training calls

    def begin(self) -> Self:
        """Begin the run: report what would keep it from being recorded. `with` and the other methods call this."""
        self._begin()
        return self

    @guarded("the run cannot be checked")
    def _begin(self) -> None:
        if not self._began:
            self._began = True
            for problem in self._recorder.open():
                self.warn(problem)

    @guarded("the training log is incomplete")
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
        row = self._inputs.row({**(metrics or {}), **named}, epoch, step, self._left_out)
        if not self._log.add(row):
            self.warn("the training log is full: later lines or metrics are left out of it")

    @guarded("weights are left out")
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
        is read when the version is recorded: only better weights may overwrite it. `files` belong to these weights, by role.
        """
        self.begin()
        weights = self._inputs.weights(path, {**(metrics or {}), **named}, files or {}, self._left_out)
        lost = self._inputs.selection.lost(weights, key, mode)
        if lost is not None and key is not None and not self._has_lost:
            self._has_lost = True
            self.warn(messages.of_lost(lost.path, key, lost.metrics.get(key), weights.metrics.get(key)))
        if not self._inputs.selection.add(weights, key, mode):
            return False
        self._recorder.keep(self._contents(weights).marked(UNFINISHED), self._recorder.place(failed=True))
        if self._plan.every == "best" or self._inputs.is_due:
            self._record_own(weights)
        return True

    @guarded("a checkpoint is left out")
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
        weights = self._inputs.weights(path, {**(metrics or {}), **named}, files or {}, self._left_out)
        if self._inputs.is_due:
            self._record_own(weights)

    @guarded("a file is left out")
    def file(self, role: str, path: PathLike, *, name: str | None = None) -> None:
        """Add a file to the version. The optimizer's state (role `optimizer`) is added only if the run was asked for it.

        `name` is its path in the version; by default that of the role in the parent, else the role with the file's suffix.
        """
        self.begin()
        self._inputs.add_file(role, path, name)

    @guarded("the labelmap is left out")
    def labelmap(self, labels: Any) -> None:
        """Set the classes, in order or by number; they replace those of the parent."""
        self.begin()
        self._inputs.set("labelmap", labels, self._left_out)

    @guarded("values are left out")
    def set(self, /, **sections: Any) -> None:
        """Set values by section: `parameters`, `metrics`, `labelmap`, `about`, `docker`, `source`, `intent`.

        Values are added to those that were set before. Given parameters replace those of the parent.
        """
        self.begin()
        for name, given in sections.items():
            self._inputs.set(name, given, self._left_out)

    def finish(self, *, failed: bool = False) -> Recorded | None:
        """End the run and record its version, once. Return the version; None if there is none."""
        self._finish(failed=failed)
        return self._recorded

    @guarded("the run is not recorded")
    def _finish(self, *, failed: bool) -> None:
        self.begin()
        if self._finished:
            return
        self._finished = True
        if self._inputs.selection.best is None and not self._inputs.files:
            reason = "the run failed, and was" if failed else "the run was"
            self.warn(f"nothing is recorded: {reason} given no weights (`run.best(path)`)")
        elif failed and self._plan.keep != "failed":
            self._keep_failed()
        else:
            self._record_result(failed=failed)

    def revise(self, **options: Any) -> None:
        """Change parts of the plan that matter at the end, such as `message` and `tags`."""
        self._plan = self._recorder.plan = self._inputs.plan = replace(self._plan, **options)

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
            self.warn(f"the run is not recorded: {messages.of_error(own)}")

    def __repr__(self) -> str:
        return f"<Run {self.name} in {self.folder}>"

    # --- inside

    def _contents(self, weights: Weights | None) -> Contents:
        own = {TRAINING_LOG: self._log.path, environment_record.ROLE: self._recorder.environment()}
        return self._inputs.contents(weights, {role: path for role, path in own.items() if path is not None})

    def _record_own(self, weights: Weights) -> None:
        """Record weights on the run's own branch."""
        contents = self._contents(weights).marked(self._inputs.moment)
        done = self._recorder.record(contents, Place(self._plan.own_branch))
        self.say(messages.of_version(done.recorded))

    def _keep_failed(self) -> None:
        """Keep what is needed to record a run that failed, if somebody wants it."""
        best = self._inputs.selection.best
        contents = self._contents(best).marked(FAILED)
        self._recorder.keep(contents, self._recorder.place(failed=True), "The training failed.")
        self.warn(" ".join(("the run is not recorded, since it failed.", *self._later(best))))

    def _record_result(self, *, failed: bool) -> None:
        """Record the version of the run; keep what is needed to record it later if that fails."""
        best = self._inputs.selection.best
        if best is not None and best.changed:
            self.warn(f"{best.path} changed after its metrics were given, which may not be those of its weights now")
            best = best.again()
        contents, place = self._contents(best), self._recorder.place(failed=failed)
        contents = contents.marked(FAILED) if failed else contents
        self._recorder.keep(contents, place)
        try:
            done = self._recorder.record(contents, place)
        except Exception as error:
            self._recorder.keep(contents, place, messages.of_error(error))
            self.warn(" ".join((f"the run is not recorded: {messages.of_error(error)}", *self._later(best))))
            if self._plan.strict:
                raise
            return
        self._recorded = done.recorded
        for remark in done.remarks:
            self.warn(remark)
        self.say(messages.of_version(done.recorded))
        self._output.remove(*(() if self._plan.is_own_folder else (REQUEST, environment_record.NAME)))
        if self._plan.push is not None:
            self._start_push(self._plan.push, done.recorded)

    @guarded("the version is recorded, and not pushed")
    def _start_push(self, remote: str, done: Recorded) -> None:
        self._push = self._recorder.push(remote, done, self.say)

    def _later(self, best: Weights | None) -> list[str]:
        """Return the sentences that say how to record the run later, if it is known."""
        command = self._recorder.command
        if command is None:
            return []
        is_refused = best is not None and best.changed
        changed = f"The weights changed meanwhile, and are recorded only with --allow-changed {self._plan.role}."
        return [*([changed] if is_refused else []), f"Record it later: {command}"]

    def _left_out(self, key: str, reason: str) -> None:
        self.warn(f"{key} is left out: {reason}")


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
    one), `alias` and `tag` move to it. `every` is "end"; with "best" or a number of epochs, versions are also recorded
    during the training, on the branch `run/NAME`, which stays. `optimizer` also records files of that role. `keep="failed"` records a run that ends
    with an exception, on `run/NAME`. `push` is a remote that gets the version in the background. `output` is the folder
    of the training log. `environment` records Python, packages and GPUs. `report` is called with each message, which else
    goes to stderr.

    Nothing is raised unless `strict`: what cannot be recorded is reported, with the command that records it later.
    """
    if keep not in get_args(Keep) or not (every in ("end", "best") or (type(every) is int and every > 0)):
        raise ValueError(f"keep={keep!r}, every={every!r}: see mvc.run for the values that they have")
    label = name or messages.new_name()
    folder = output if output is not None else os.path.join(FOLDER, file_name(label))
    plan = Plan(
        model=model,
        path=_absolute(path),
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
        folder=_absolute(folder),
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


def _absolute(path: PathLike) -> str:
    """Return an absolute path; if the current folder is gone, below that of temporary files."""
    try:
        return os.path.abspath(path)
    except OSError:
        return os.path.join(temporary_folder(), path)
