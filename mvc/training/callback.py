"""What the callbacks of all trainers share: the options of a run, and the run while a training goes on.

    trainer ──event──► callback ──► Recording ──► Run of this training ─► one version
                          └─ fails? reported; the training goes on (strict=True: raised)

On other ranks than 0 the callbacks do nothing. They can be pickled: a run is begun by the process that trains.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from mvc import errors, lazy
from mvc.api.session import PathLike
from mvc.training import messages, rank
from mvc.training.plan import Every, Options
from mvc.training.run import Run, run

P = ParamSpec("P")
R = TypeVar("R")


class RunOptions(Options, total=False):
    """The options of `mvc.run`, and `files` by role that each version gets, such as the description of the data set."""

    parameters: Mapping[str, Any]
    files: Mapping[str, PathLike]


class Recording:
    """The runs of one callback, one after the other: each training that it sees is a run of its own."""

    def __init__(self, model: str | None, options: RunOptions) -> None:
        """Hold the options of the runs of `model`; nothing is opened before a training begins."""
        self.model = model
        self.options = options
        self._run: Run | None = None
        self._said: set[str] = set()

    @property
    def run(self) -> Run | None:
        """The run of the training that goes on; None between trainings."""
        return self._run

    @property
    def every(self) -> Every:
        """When versions are recorded."""
        return self.options.get("every", "end")

    def begin(self, *, parameters: Mapping[str, Any] | None = None, labelmap: Any = None, **given: Any) -> Run:
        """Begin a run; what the options say takes precedence over what the trainer says.

        A run that is still open failed: some trainers say nothing when a training ends with an exception.
        """
        self.finish(failed=True)
        options: dict[str, Any] = {"labelmap": labelmap, **given, **self.options}
        options["parameters"] = {**(parameters or {}), **self.options.get("parameters", {})}
        files: Mapping[str, PathLike] = options.pop("files", {})
        begun = self._run = run(self.model, **options).begin()
        for role, path in files.items():
            begun.file(role, path)
        return begun

    def finish(self, *, failed: bool = False) -> None:
        """End the run, if one is open."""
        ended, self._run = self._run, None
        if ended is not None:
            ended.finish(failed=failed)

    def report(self, text: str) -> None:
        """Report a text as the runs do, once."""
        if text not in self._said:
            self._said.add(text)
            messages.report(text, self.options.get("report"))

    def failed(self, error: Exception) -> None:
        """Report an error, which the training does not see. With `strict`, raise it."""
        if self.options.get("strict", False):
            raise error
        self.report(f"The run may not be recorded: {messages.of_error(error)}")


class Holder(Protocol):
    """A callback of some trainer."""

    _recording: Recording


H = TypeVar("H", bound=Holder)


def guarded(method: Callable[Concatenate[H, P], R]) -> Callable[Concatenate[H, P], R | None]:
    """Return an event of a trainer that does nothing on other ranks than 0, and whose errors do not reach the training."""

    @functools.wraps(method)
    def event(self: H, /, *args: P.args, **kwargs: P.kwargs) -> R | None:
        if rank.rank() != 0:
            return None
        try:
            return method(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, a training goes on
            self._recording.failed(error)
            return None

    return event


def subclass(module: str, name: str, methods: type, base: str) -> type:
    """Return the class `name` of a module of mvc: `methods`, and the class `package.module:attribute` of a trainer.

    Raises MissingPackage if the trainer is not installed.
    """
    package = base.partition(":")[0].partition(".")[0]
    try:
        framework = lazy.attribute(base)
    except ImportError as error:
        raise errors.MissingPackage(what=f"{module}.{name}", package=package) from error
    assert isinstance(framework, type)  # noqa: S101 - trainers export a class by that name
    return type(name, (methods, framework), {"__module__": module, "__qualname__": name, "__doc__": methods.__doc__})
