"""The versions of a run: recorded through the API, or kept as a request that `mvc record --resume` records later.

files, values ─► branch ─ refused? ─► run/NAME       tags, aliases ─ refused? ─► recorded without them
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from dataclasses import field, replace
from pathlib import Path

from mvc import errors, machine
from mvc.api import repository as api
from mvc.api.model import Model
from mvc.api.session import Who, person
from mvc.deferred import dataclass
from mvc.environment import Environment
from mvc.model.compare import environment_record
from mvc.model.toml.rules import WARNING, Problem
from mvc.model.version import Code, Person, Timestamp
from mvc.repository.record.files import Recorded
from mvc.repository.record.request import resume_command
from mvc.repository.repository import Actor
from mvc.storage.records.config import Config
from mvc.training import messages
from mvc.training.engine.background import BackgroundPush
from mvc.training.engine.contents import Contents, Place
from mvc.training.engine.output import OutputFolder
from mvc.training.plan import Plan, file_name

TRAINING_LOG = "training-log"
"""The role of the log of a training."""
REQUEST = "mvc-record.json"
"""The file with what the run would record now."""
_NO_BRANCH = (errors.Detached, errors.MergeUnderway, errors.BadRefName, errors.NameTaken, errors.CaseTwin)
"""Why a version cannot be on the branch that was asked for."""
_NO_NAMES = (errors.NotReady, errors.TagExists, errors.BadRefName, errors.NameTaken, errors.CaseTwin)
"""Why a version cannot have the tags and aliases that were asked for."""
_UNKNOWN = Person("unknown", "unknown@localhost")
"""The author whose name and address are not valid anywhere."""


@dataclass(frozen=True, slots=True)
class Written:
    """A recorded version, and what became of it otherwise than asked."""

    recorded: Recorded
    remarks: list[str] = field(default_factory=list)


class Recorder:
    """What records the versions of one run. It holds paths and values; the repository is opened for each version."""

    def __init__(self, plan: Plan, output: OutputFolder) -> None:
        """Hold the plan of the run, and the folder of its files."""
        self.plan = plan
        self._output = output
        self._model = plan.model
        self._root = Path(plan.path)
        self._code: Code | None = None
        self._author = _UNKNOWN
        self._time = Timestamp(0)
        self._kept: Contents | None = None
        self._spare = OutputFolder(temporary_folder() / f"mvc-{file_name(plan.name)}")
        self._is_branch_refused = False
        self.command: str | None = None
        """The command that records the run as it was kept last; None if the run has nothing to record, or no model."""

    def open(self) -> list[str]:
        """Find out who trains, from which Git commit; return what would keep the run from being recorded as asked.

        Raises NotRecordable if `strict`.
        """
        environment = Environment.current()
        self._code = environment.code(self._root, ())
        settings = Config(None, environment.user_config)
        problems, remarks = list[str](), list[str]()
        try:
            repository = api.open(self.plan.path)
            self._root, settings = repository.root, repository.core.config
            model = repository.model(self.plan.model)
            self._model = model.name
            for problem in self._preflight(model):
                self._is_branch_refused |= problem.key == "branch"
                (remarks if problem.severity == WARNING else problems).append(self._text(problem))
        except errors.MvcError as error:
            problems.append(messages.of_error(error))
        try:
            self._author = _author(self.plan.actor, environment, settings)
        except errors.BadAuthor as error:
            problems.append(messages.of_error(error))
        if problems and self.plan.strict:
            raise errors.NotRecordable(problems="\n".join(problems))
        return problems + remarks

    def _preflight(self, model: Model) -> list[Problem]:
        head = model.head
        size = sum(file.size for file in head.files.values()) if head is not None else 0
        return model.preflight(branch=self.place(failed=False).branch, size=size)

    def _text(self, problem: Problem) -> str:
        instead = f" Until then, the version goes to the branch {self.plan.own_branch}."
        fix = f" ({problem.fix.rstrip('.')})" if problem.fix else ""
        return f"{problem.message.rstrip('.')}{fix}.{instead if problem.key == 'branch' else ''}"

    def place(self, *, failed: bool) -> Place:
        """Return where the result of the run goes."""
        if failed:
            return Place(self.plan.own_branch)
        branch = self.plan.branch
        named = branch.replace("{name}", self.plan.name) if branch is not None else None
        return Place(named, self.plan.tags, self.plan.aliases)

    def environment(self) -> Path | None:
        """Return the file that describes Python, packages and GPUs of this process; None if it is not wanted."""
        known = self._output.path(environment_record.NAME)
        if known is not None or not self.plan.environment:
            return known
        data = machine.environment_record().encode()
        with contextlib.suppress(errors.MvcError, OSError):
            return self._output.write(environment_record.NAME, lambda _: data)
        return None

    def record(self, contents: Contents, place: Place) -> Written:
        """Record a version; what was kept before, with the time of then. Raises as `Model.record` does.

        A branch that is refused is replaced by the run's own; refused tags and aliases are left out.
        """
        model, remarks = self._opened(), list[str]()
        while True:
            try:
                return Written(self._recorded(model, contents, place), remarks)
            except errors.NamesNotSet as error:
                if not isinstance(error.recorded, Recorded):
                    raise
                return Written(error.recorded, [*remarks, messages.of_error(error)])
            except (*_NO_NAMES, *_NO_BRANCH) as error:
                reason = messages.lowered(error.message)
                if isinstance(error, _NO_NAMES) and place.names:
                    remarks.append(f"{place.names} not set: {reason}")
                    place = Place(place.branch)
                elif isinstance(error, _NO_BRANCH) and place.branch != self.plan.own_branch:
                    remarks.append(f"recorded on branch {self.plan.own_branch}: {reason}")
                    place = Place(self.plan.own_branch, place.tags, place.aliases)
                else:
                    raise

    def push(self, remote: str, done: Recorded, say: Callable[[str], object]) -> BackgroundPush:
        """Start to push a recorded version's branch, and the tags and aliases that it got. Raises OSError."""
        return BackgroundPush(self._root, done.model, remote, (done.branch, *done.named), say)

    def keep(self, contents: Contents, place: Place, reason: str = "") -> None:
        """Write the request that `command` records, beside the training log, else among the temporary files.

        With a `reason`, the files are read, for their ids. A branch that was refused at the start is not asked for again.
        """
        if self._model is None:
            return
        if self._is_branch_refused:
            place = replace(place, branch=self.plan.own_branch)
        if contents is not self._kept:
            self._kept, self._time = contents, _now()
        request = contents.request(self._model, place, self._author, self._time, self._code, reason)
        for output in (self._output, self._spare):
            with contextlib.suppress(errors.MvcError, OSError):
                path = output.write(REQUEST, lambda path: request.encode(resume_command(path, self._root)))
                self.command = resume_command(path, self._root)
                return
        self.command = contents.command(self._root, self._model, place)

    def _opened(self) -> Model:
        repository = api.open(self.plan.path)
        repository.core.command = self.plan.command
        return repository.model(self._model)

    def _recorded(self, model: Model, contents: Contents, place: Place) -> Recorded:
        """Record a version, once more if a garbage collection came between."""
        try:
            return self._record(model, contents, place)
        except errors.CollectedMeanwhile:
            return self._record(model, contents, place)

    def _record(self, model: Model, contents: Contents, place: Place) -> Recorded:
        actor = self.plan.actor
        time = self._time if contents is self._kept else _now()
        return model.record(
            contents.files,
            contents.message,
            names=contents.names,
            **contents.sections,
            replace=contents.replaced,
            branch=place.branch,
            tags=place.tags,
            aliases=place.aliases,
            actor=actor if isinstance(actor, Actor) else Actor(self._author, time),
            code=self._code or False,
        )


def temporary_folder() -> Path:
    """Return the folder of temporary files, also when no file can be written there."""
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return Path("/tmp")  # noqa: S108 - what tempfile takes first


def _now() -> Timestamp:
    """Return the time of a version: MVC_AUTHOR_DATE if it is valid, else now."""
    environment = Environment.current()
    try:
        return environment.date()
    except errors.BadDate:
        return environment.now()


def _author(given: Who | None, environment: Environment, settings: Config) -> Person:
    """Return who trains. Raises BadAuthor."""
    if isinstance(given, Actor):
        return given.person
    return person(given) if given is not None else environment.identity(settings).person
