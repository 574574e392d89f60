"""`mvc record`: its options, arguments and output."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mvc import errors, lazy
from mvc.cli.app import render
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.table import aligned
from mvc.cli.app.terminal import escape, short, size, style
from mvc.cli.app.verb import verb
from mvc.deferred import dataclass
from mvc.model.compare import environment_record
from mvc.model.paths import escape_name
from mvc.model.toml import keys, schema
from mvc.model.toml.rules import ERROR, Problem
from mvc.model.version import Person, Timestamp
from mvc.plural import count
from mvc.porcelain import preflight
from mvc.porcelain import record as porcelain
from mvc.porcelain.record import Planned, parent_values
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.record.files import Recorded
from mvc.repository.record.options import Changes, Options
from mvc.repository.record.plan import Content, Given, NamedFile
from mvc.repository.record.request import RecordRequest

if TYPE_CHECKING:
    from mvc import machine
    from mvc.intake import run_contents
    from mvc.porcelain import source
else:
    machine = lazy.Module("mvc.machine")
    run_contents = lazy.Module("mvc.intake.run_contents")
    source = lazy.Module("mvc.porcelain.source")

_SECTIONS = ("model", "labelmap", "parameters", "metrics", "docker", "source", "intent")
_OF_RESUME = ("resume", "allow_changed", "branch", "allow_secret", "allow_unsafe", "force")
"""The options that may be given with --resume."""


@verb("record", needs={"--force": ("--alias",)})
@click.option(
    "-m",
    "--message",
    "messages",
    multiple=True,
    help="Message; repeat for more paragraphs. With --run, default: the name of FOLDER.",
)
@click.option("--file", "files", multiple=True, metavar="ROLE=PATH", help="Record the file at PATH under ROLE.")
@click.option("--run", "folder", metavar="FOLDER", help="Record the files and values of the training run in FOLDER.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Set a value, as `mvc set` does.")
@click.option("--replace", "replaced", multiple=True, metavar="SECTION", help="Do not inherit the values of SECTION.")
@click.option("--environment", is_flag=True, help="Record Python, packages and GPUs in environment.json.")
@click.option("--branch", metavar="BRANCH", help="Branch that moves to the version; created if absent.")
@click.option("--parent", metavar="REV", help="Refuse unless REV is the tip of the branch, or start the branch there.")
@click.option("--author", metavar='"NAME <EMAIL>"', help='Override the author, as "NAME <EMAIL>".')
@click.option("--date", metavar="DATE", help="Override the date, such as 2026-02-03.")
@click.option("--tag", "tags", multiple=True, metavar="NAME", help="Create tag NAME at the new version.")
@click.option("--alias", "aliases", multiple=True, metavar="NAME", help="Set an alias to the new version.")
@click.option("--force", is_flag=True, help="With --alias: set it even if the version is not ready.")
@click.option("--allow-secret", is_flag=True, help="Record even if something looks like a secret.")
@click.option("--allow-unsafe", is_flag=True, help="Record even if `mvc scan` finds what a loader would run.")
@click.option("--resume", metavar="FILE", help="Record the version that a failed recording left as FILE.")
@click.option(
    "--allow-changed", multiple=True, metavar="ROLE", help="With --resume: record the file of ROLE as it is now."
)
@click.option("-n", "--dry-run", is_flag=True, help="Print what would be recorded, and what would stop it.")
def command(
    invocation: Invocation,
    messages: tuple[str, ...],
    files: tuple[str, ...],
    folder: str | None,
    assignments: tuple[str, ...],
    replaced: tuple[str, ...],
    environment: bool,
    branch: str | None,
    parent: str | None,
    author: str | None,
    date: str | None,
    tags: tuple[str, ...],
    aliases: tuple[str, ...],
    force: bool,
    allow_secret: bool,
    allow_unsafe: bool,
    resume: str | None,
    allow_changed: tuple[str, ...],
    dry_run: bool,
) -> int:
    """Record a version of files anywhere.

    The working tree, HEAD and model.toml stay as they are, so that several trainings can record versions of one model
    at the same time. Files are read where they are, and are not copied first. The path of a file in the version is that
    of its role in the parent, else the role with the file's suffix; a file of --run that is in the model's folder keeps its
    path, as with `mvc add --run`.

    The parent is the tip of the branch; a new branch starts at HEAD. Values are the parent's, changed by --run and
    --set; metrics and source are not inherited.

    A training whose version could not be recorded leaves the file mvc-record.json: --resume records it. If that version
    is there already, nothing is added. A file that has changed since is refused, unless --allow-changed names its role.
    """
    if resume is not None:
        path = invocation.cwd / resume
        passed = {"force": force, "allow_secret": allow_secret, "allow_unsafe": allow_unsafe}
        return _resume(invocation, path, branch, allow_changed, {name for name, is_set in passed.items() if is_set})
    if allow_changed:
        raise click.UsageError("--allow-changed is an option of --resume FILE")
    repository = invocation.repository() if dry_run else invocation.writer()
    model, now = Model(repository, invocation.model()), invocation.now()
    options = Options(
        branch=branch,
        parent=revisions.resolve(model, parent) if parent is not None else None,
        tags=tags,
        aliases=aliases,
        allow_secret=allow_secret,
        allow_unsafe=allow_unsafe,
        force=force,
        author=Person.parse(author) if author else None,
        date=Timestamp.parse(date, offset=now.offset) if date else None,
    )
    content = _content(invocation, model, files, folder, options)
    options = replace(options, names=content.names)
    content.set(model, assignments, replaced)
    if environment:
        content.files[environment_record.ROLE] = Content(machine.environment_record().encode(), environment_record.NAME)
    message = "\n\n".join(messages) or content.subject
    if dry_run:
        return _dry_run(invocation, model, content, message or "dry run", options)
    return _record(invocation, model, content, message, options)


@dataclass(slots=True)
class _Content:
    """The files to record by role with the paths that they keep, and the changes of the parent's values."""

    files: dict[str, Given] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    assignments: list[tuple[schema.Path, Any]] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    subject: str = ""
    """The message by default: that of a run."""

    @property
    def changes(self) -> Changes:
        return Changes(self.assignments, (), tuple(self.replaced))

    def set(self, model: Model, assignments: Sequence[str], replaced: Sequence[str]) -> None:
        """Add what --set and --replace say. Raises UsageError, OtherName, UnknownKey, WrongType and the like."""
        for section in replaced:
            if section not in _SECTIONS:
                raise click.UsageError(f"--replace expects one of {', '.join(_SECTIONS)}")
            self.replaced.append(section)
        for text in assignments:
            key, value = keys.parse_assignment(text)
            if key[0] not in _SECTIONS:
                raise click.UsageError(f"--set has no key of [{key[0]}]; name files with --file ROLE=PATH")
            if key == ("model", "name") and value != model.key:
                raise errors.OtherName(path="model.name", name=value, model=model.key)
            self.assignments.append((key, value))

    def set_source(self, invocation: Invocation, model: Model) -> None:
        """Add the experiment of a Picsellia training container, unless a source is set."""
        if "experiment_id" not in invocation.environ or any(key[0] == "source" for key, _ in self.assignments):
            return
        run = source.current_run(model.repository, invocation.environ)
        if run is not None:
            self.assignments += [(("source", key), value) for key, value in run.source.values().items()]


def _content(
    invocation: Invocation, model: Model, files: Sequence[str], folder: str | None, options: Options
) -> _Content:
    """Return what --file and --run name."""
    content = _Content()
    if folder is not None:
        place = Path(os.path.realpath(invocation.cwd / folder))
        if not place.exists():
            raise errors.NoSuchFile(path=escape_name(folder))
        run = run_contents.read(model, parent_values(model, options), place)
        content.files.update({role: _named(path, run.folder) for role, path in run.files.items()})
        content.names.update(run.names)
        content.subject = escape_name(f"Run {run.folder.name}")
        content.replaced += run.values
        content.assignments += [
            ((section, key), value) for section, values in run.values.items() for key, value in values.items()
        ]
        content.notes += run.notes
    named: dict[str, Path] = {}
    for text in files:
        role, equals, path = text.partition("=")
        if not equals or not path:
            raise click.UsageError(f"--file expects ROLE=PATH, as in --file model-latest={text or 'best.pt'}")
        if role in named:
            raise click.UsageError(f"--file names {role} twice")
        named[role] = invocation.cwd / path
        content.names.pop(role, None)
    content.files.update(named)
    if not content.files:
        raise click.UsageError("nothing to record: name files with --file ROLE=PATH, or a run with --run FOLDER")
    return content


def _named(path: Path, folder: Path) -> NamedFile:
    """Return a file of a run, whose path in the version, if it is not in the model's folder, is that below the run folder."""
    return NamedFile(path, path.relative_to(folder).as_posix() if path.is_relative_to(folder) else None)


def _record(invocation: Invocation, model: Model, content: _Content, message: str, options: Options) -> int:
    content.set_source(invocation, model)
    with invocation.progress("Storing") as progress:
        done = porcelain.record(
            model,
            content.files,
            message,
            invocation.actor(warn=True),
            changes=content.changes,
            options=options,
            code=invocation.code,
            progress=progress,
        )
    _emit(invocation, done, content.notes)
    return 0


def _dry_run(invocation: Invocation, model: Model, content: _Content, message: str, options: Options) -> int:
    """Print what would be recorded, or the problems that would stop it."""
    total = sum(map(_size, content.files.values()))
    problems = preflight.preflight(model, branch=options.branch, size=total)
    stops = any(problem.severity == ERROR for problem in problems)
    planned = None
    if not stops:
        planned = porcelain.plan(model, content.files, message, changes=content.changes, options=options)
    for note in content.notes:
        invocation.note(escape(note))
    invocation.emit("record", {"problems": problems, "planned": planned}, lambda: _planned(planned, problems, total))
    return int(stops)


def _planned(planned: Planned | None, problems: Sequence[Problem], total: int) -> Iterator[str]:
    yield from map(render.problem, problems)
    if planned is None:
        return
    yield from map(render.problem, planned.warnings)
    parent = short(planned.parent) if planned.parent is not None else "none"
    yield f"Would record on {escape(planned.branch)} of {escape(planned.model)} (parent: {parent}):"
    yield from (
        f"  {line}" for line in aligned([(escape(f.role), escape(f.path), escape(f.source)) for f in planned.files])
    )
    yield f"  {count(len(planned.files), 'file')}, {size(total)}"


def _size(file: Given) -> int:
    """Return the bytes of a file; 0 if it cannot be read, which recording it reports."""
    path = file if isinstance(file, Path) else getattr(file, "path", None)
    try:
        return Path(path).stat().st_size if path is not None else 0
    except OSError:
        return 0


def _resume(
    invocation: Invocation, path: Path, branch: str | None, changed: Sequence[str], passed: AbstractSet[str]
) -> int:
    """Record the version of a request; `passed` names the checks that are passed."""
    context = click.get_current_context()
    for parameter in context.command.params:
        if parameter.name not in _OF_RESUME and context.params.get(parameter.name or ""):
            raise click.UsageError(f"--resume takes its values from FILE, and no {parameter.opts[-1]}")
    request, repository = RecordRequest.read(path), invocation.writer()
    model = Model(repository, invocation.model_key or request.model)
    options = replace(
        request.options,
        branch=branch or request.options.branch,
        force="force" in passed or request.options.force,
        allow_secret="allow_secret" in passed or request.options.allow_secret,
        allow_unsafe="allow_unsafe" in passed,
    )
    with invocation.progress("Storing") as progress:
        actor = invocation.actor()
        done = porcelain.resume(model, request, actor, options=options, changed=changed, progress=progress)
    _emit(invocation, done, (f"{path} is not needed any more.",))
    return 0


def _emit(invocation: Invocation, done: Recorded, notes: Sequence[str]) -> None:
    for note in notes:
        invocation.note(escape(note))
    for warning in done.warnings:
        invocation.note(render.problem(warning))
    invocation.emit("record", done, lambda: _lines(done), ids=[done.id])


def _lines(done: Recorded) -> Iterator[str]:
    version = style(f"v{done.version.number} {short(done.id)}", fg="yellow")
    if not done.created:
        yield f"Already recorded: {version} on {escape(done.branch)} of {escape(done.model)}; nothing was added."
    else:
        yield f"[{escape(done.branch)} {version}] {escape(done.version.subject)}"
        yield from (
            f"  {line}" for line in aligned([(escape(f.role), escape(f.path), size(f.size)) for f in done.files])
        )
        yield f"  {count(len(done.files), 'file')}, {size(done.bytes_total)}, {size(done.bytes_stored)} stored"
    if done.named:
        yield f"  refs: {', '.join(map(escape, done.named))}"
    if done.created and done.is_current:
        yield "The working tree is unchanged; update it with `mvc restore .`, which discards local changes."
