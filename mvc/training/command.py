"""`mvc run`: a command runs as it would alone, and the run that it leaves becomes a version.

    weights before ─┐                    ┌─ none ─────► reported
    command ────────┼─► what it wrote ───┼─ one run ──► its files and values ─► a version
    weights after ──┘                    └─ several ──► a version each, the oldest first

Whatever mvc meets, the command runs and ends as without it. With `strict` it does not begin unless its run can be recorded,
as far as that is known, and an error of the recording is raised after its end.
"""

from __future__ import annotations

import contextlib
import copy
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mvc import errors
from mvc.api import repository as api
from mvc.deferred import dataclass
from mvc.intake import run_contents
from mvc.intake.layouts import LATEST
from mvc.intake.run_contents import RunContents
from mvc.model.document import Document, keys, rows
from mvc.model.paths import escape_name
from mvc.model.toml import secrets
from mvc.plural import first
from mvc.repository import discovery
from mvc.repository.model import Model
from mvc.repository.record.files import Recorded
from mvc.training import messages, process, rank
from mvc.training.engine.background import PATIENCE
from mvc.training.plan import Report
from mvc.training.process import Ending
from mvc.training.recent import Recent
from mvc.training.run import FAILED, Run, run
from mvc.training.watch import Watch, Written

_MAX_SUBJECT = 72
"""Characters of the first line of a message."""
_SHOWN = 3
_UNKNOWN = (Path("FOLDER"),)
"""What a command names instead of a folder that a person chooses."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `mvc run`: the repository and the model are looked for at `path`, and commands run in `cwd`."""

    path: Path
    cwd: Path
    model: str | None = None
    watch: Sequence[str] = ()
    name: str | None = None
    branch: str | None = None
    aliases: Sequence[str] = ()
    tags: Sequence[str] = ()
    message: str | None = None
    push: str | None = None
    strict: bool = False
    keep_failed: bool = False


@dataclass(frozen=True, slots=True)
class RunVersion:
    """The version of the run in `folder`."""

    folder: Path
    recorded: Recorded


@dataclass(frozen=True, slots=True)
class CommandRun(Document):
    """How a command ended, the versions of its runs, and what was reported."""

    KEYS = keys(
        "code=ending.exit_code signal=ending.signal",
        {
            "runs": rows(
                "runs",
                "folder model=recorded.model version=recorded.id number=recorded.version.number branch=recorded.branch",
            )
        },
        "messages",
    )

    ending: Ending
    runs: tuple[RunVersion, ...] = ()
    messages: tuple[str, ...] = ()
    error: BaseException | None = None
    """Why the run of a command that was to be `strict` is not recorded."""

    @property
    def exit_code(self) -> int:
        """The exit code of the command; that of the error, if only the recording failed."""
        if self.error is None or self.ending.failed:
            return self.ending.exit_code
        return self.error.exit_code if isinstance(self.error, errors.MvcError) else errors.MvcError.exit_code


def run_command(command: Sequence[str], variables: Mapping[str, str], options: Options, report: Report) -> CommandRun:
    """Run a command to its end, in the current folder, and record its run; `report` is called with each message.

    Raises CommandNotFound, CommandNotExecutable, and with `strict` what is known to keep the run from being recorded.
    """
    if rank.rank() != 0:
        return CommandRun(process.call(command, variables))
    session = _Session(command, options, report)
    with contextlib.ExitStack() as stack:
        session.begin(stack)
        ending = process.call(command, variables, session.look)
        with process.interruptible():
            session.end(ending)
    return CommandRun(ending, tuple(session.runs), tuple(session.messages), session.error)


class _Session:
    """One command, and what is known of its run."""

    def __init__(self, command: Sequence[str], options: Options, report: Report) -> None:
        self._command = command
        self._options = options
        self._root, self._key = options.path, options.model
        self.messages: list[str] = []
        self._say = _reporter(self.messages, report)
        self.runs: list[RunVersion] = []
        self.error: BaseException | None = None
        self._watch: Watch | None = None
        self._recent = Recent()
        self._run = self._new_run()

    # --- before

    def begin(self, stack: contextlib.ExitStack) -> None:
        """Look at what is there, and report what would keep the run from being recorded."""
        with self._guarded("the run cannot be recorded as things are", is_strict=self._options.strict):
            self._run.begin()
            folder = self._folder()
            self._watch = stack.enter_context(Watch(folder, self._options.cwd, self._options.watch))
            if self._watch.shared:
                self._say(
                    f"another `mvc run` is at work in {self._watch.shown}: name the folder of this run with --watch PATH"
                )

    def look(self) -> None:
        """Report another `mvc run` that began in the same folders."""
        if self._watch is not None and self._watch.look():
            self._say(
                f"another `mvc run` began in {self._watch.shown}: the run of this one is not recorded by itself, "
                "since nobody can tell which of the two wrote it (`mvc run --watch PATH` can)"
            )

    def _new_run(self) -> Run:
        options = self._options
        return run(
            options.model,
            path=options.path,
            name=options.name,
            branch=options.branch,
            alias=options.aliases,
            tag=options.tags,
            strict=options.strict,
            push=options.push,
            message=self._message(),
            keep="failed" if options.keep_failed else "finished",
            environment=process.has_own_python(self._command[0]),
            report=self._say,
        )

    def _folder(self) -> Path | None:
        """Return the model's folder; None if there is no repository or no model."""
        with contextlib.suppress(errors.MvcError):
            self._root = discovery.find_root(self._options.path)
            model = self._model()
            self._key, self._recent = model.key, Recent.of(model)
            return model.repository.root / model.folder
        return None

    def _model(self) -> Model:
        repository = api.open(self._options.path)
        return Model(repository.core, repository.model(self._options.model).name)

    # --- after

    def end(self, ending: Ending) -> None:
        """Record the runs that the command left."""
        if self._watch is None:
            return
        with self._guarded("the run is not recorded"):
            is_recorded = not ending.failed or self._options.keep_failed
            try:
                written = self._watch.written()
            except errors.NothingWritten:
                if is_recorded:
                    raise
                self._say(f"the command failed ({ending}): nothing is recorded")
                return
            is_known = not self._watch.shared or len(written.folders) == 1
            later = self._later(*(written.folders if is_known else _UNKNOWN), failed=ending.failed)
            if not is_recorded:
                self._say(f"the command failed ({ending}): its run is not recorded. Record it anyway: {later}")
                return
            with self._guarded("the run is not recorded", later):
                self._record_all(written, failed=ending.failed)

    def _record_all(self, written: Written, *, failed: bool) -> None:
        """Record a version for each run that has none yet, the oldest first."""
        model = self._model()
        if written.loose:
            shown = first([escape_name(os.fspath(path)) for path in written.loose], _SHOWN)
            self._say(f"{shown} is left out: it is not in the folder of a run, which `--watch PATH` names")
        contents = [
            found
            for folder in written.folders
            for found in self._contents(model, folder, written)
            if not self._is_recorded(model, found)
        ]
        if contents and self._watch is not None and self._watch.shared:
            shown = first([escape_name(os.fspath(each.folder)) for each in contents], _SHOWN)
            folders, choice = [found.folder for found in contents], "If this one did,"
            if len(folders) > 1:
                folders, choice = [*_UNKNOWN], "Choose the FOLDER that this one wrote, and"
            raise errors.WhoseRun(where=self._watch.shown, runs=shown, choice=choice, command=self._later(*folders))
        self._check_names(len(contents))
        copies = [copy.deepcopy(self._run) for _ in contents]
        for found, version in zip(contents, copies, strict=True):
            self._record(found, version, failed=failed)

    def _check_names(self, runs: int) -> None:
        """Set no tags and aliases if there are several runs, which is reported."""
        names = (*self._options.tags, *self._options.aliases)
        if runs > 1 and names:
            self._run.revise(tags=(), aliases=())
            self._say(f"{', '.join(names)} not set: the command left {runs} runs (`mvc alias NAME VERSION` sets one)")

    def _contents(self, model: Model, folder: Path, written: Written) -> Iterator[RunContents]:
        """Yield the contents of a run, unless they cannot be read, which is reported."""
        chosen = written.chosen if written.chosen is not None and written.chosen.is_relative_to(folder) else None
        with self._guarded(f"{escape_name(os.fspath(folder))} is not recorded", self._later(folder)):
            yield run_contents.read(model, run_contents.manifest_of(model), folder, written.files, chosen)

    def _is_recorded(self, model: Model, contents: RunContents) -> bool:
        """Return whether the command recorded these weights itself, which is reported."""
        known = self._recent.version_of(model, contents.files.get(LATEST))
        if known is not None:
            self._say(f"{escape_name(os.fspath(contents.folder))} is recorded already, as {known}")
        return known is not None

    def _record(self, contents: RunContents, version: Run, *, failed: bool) -> None:
        """Record the version of one run; `Run` itself reports why it could not."""
        for note in contents.notes:
            self._say(note)
        with self._guarded("the run is not recorded", self._later(contents.folder)):
            version.revise(message=self._message(contents.folder), command=("run", "--", *self._command))
            self._fill(version, contents)
            try:
                version.finish(failed=failed)
            except Exception as error:  # noqa: BLE001 - `strict`
                self.error = error
        if version.recorded is not None:
            self.runs.append(RunVersion(contents.folder, version.recorded))
            with contextlib.suppress(KeyboardInterrupt):
                version.wait(PATIENCE)

    def _fill(self, version: Run, contents: RunContents) -> None:
        """Give files and values to the version."""
        values = dict(contents.values)
        metrics = values.pop("metrics", {})
        version.set(**values)
        for role, path in contents.files.items():
            version.file(role, path, name=contents.names.get(role))
        weights = contents.files.get(LATEST)
        if weights is not None:
            version.best(weights, metrics)
        else:  # in several files, each with a role below that of the weights
            version.set(metrics=metrics)

    # --- reports

    def _later(self, *folders: Path, failed: bool = False) -> str:
        """Return the command that records the run in each of these folders; one that failed goes to its own branch."""
        model = ("--model", self._key) if self._key is not None else ()
        branch = self._run.own_branch if failed else self._options.branch
        place = ("--branch", branch.replace("{name}", self._run.name)) if branch is not None else ()
        words = ["mvc", "--repo", os.fspath(self._root), *model, "record", *place]

        def text(folder: Path) -> str:
            subject = self._message(folder).partition("\n")[0]
            return messages.marked(subject, FAILED) if failed else subject

        return "; ".join(shlex.join([*words, "-m", text(folder), "--run", os.fspath(folder)]) for folder in folders)

    def _message(self, folder: Path | None = None) -> str:
        """Return the message of the version, of the run in `folder`; the model's and the current folder name no run."""
        tops = (*_UNKNOWN, *(self._watch.folders if self._watch is not None else ()))
        name = folder.name if folder is not None and folder not in tops else None
        return self._options.message or _message(self._command, name)

    @contextlib.contextmanager
    def _guarded(self, what: str, later: str = "", *, is_strict: bool = False) -> Iterator[None]:
        """Report an error of the block as `what`, with the command that does it `later`; raise it if `is_strict`."""
        try:
            yield
        except (Exception, KeyboardInterrupt) as error:
            if is_strict:
                raise
            reason = "stopped by a signal." if isinstance(error, KeyboardInterrupt) else messages.of_error(error)
            has_command = isinstance(error, errors.WhoseRun)
            self._say(f"{what}: {reason}" + (f" Record it later: {later}" if later and not has_command else ""))
            self.error = error if self._options.strict else None


def _reporter(lines: list[str], report: Report) -> Report:
    """Return what keeps a message in `lines` and passes it to `report`."""

    def say(text: str) -> None:
        lines.append(text)
        report(text)

    return say


def _message(command: Sequence[str], name: str | None) -> str:
    """Return the name of a run and the command line as a message, with a short first line; likely secrets are left out."""
    start = f"{escape_name(name)}: " if name is not None else ""
    text = secrets.redact(start + shlex.join(escape_name(word) for word in command))
    if secrets.in_value(text, ("message",)):
        return escape_name(command[0])
    if len(text) <= _MAX_SUBJECT:
        return text
    return f"{text[: _MAX_SUBJECT - 1].rstrip()}…\n\n{text}"
