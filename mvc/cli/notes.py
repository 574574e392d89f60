"""`mvc notes`: its options, arguments and output."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import click

from mvc.cli.app.invocation import Invocation
from mvc.cli.app.terminal import short, style
from mvc.cli.app.verb import group, subverb
from mvc.cli.history.notes import note_lines
from mvc.cli.history.numbers import Numbers
from mvc.model.ids import VersionId
from mvc.porcelain import notes as porcelain
from mvc.porcelain.notes import ListedNote
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.repository import Repository

_ASSIGNMENT = re.compile(r"""(?:[^\s"'=]|"[^"]*"|'[^']*')+=""")
"""The beginning of a value: `incident=`, `rain."mAP50(B)"=`."""


@group("notes")
def command(invocation: Invocation) -> None:
    """Add, show or remove notes on versions.

    A note is a text, values or both, such as a late metric, an incident number, or withdrawn=true. It is not part of
    the version, whose id does not change. Notes are shown by `mvc log` and `mvc show` and travel with push and
    fetch. Without a command, list the notes of the model.
    """
    model = Model(invocation.repository(), invocation.model())
    _emit(invocation, model, porcelain.log(model))


@subverb(command, "add")
@click.argument("words", nargs=-1, metavar="[REV] [TEXT] [KEY=VALUE]...")
@click.option("-m", "--message", "messages", multiple=True, metavar="TEXT", help="Text; several become paragraphs.")
@click.option("--allow-secret", is_flag=True, help="Add a note that seems to have a secret.")
def add(invocation: Invocation, words: tuple[str, ...], messages: tuple[str, ...], allow_secret: bool) -> None:
    """Add a note to REV (default: HEAD).

    Example: mvc notes add v7 "bad in rain" rain.mAP50=0.41 incident=4711

    Values are typed as by `mvc set parameters.KEY=VALUE`. `mvc log --where 'notes.incident == 4711'` finds them;
    withdrawn=true makes switch, export and alias set warn about the version.
    """
    values = [word for word in words if _ASSIGNMENT.match(word)]
    revision, text = _texts([word for word in words if word not in values], messages, alone=not values)
    model, id_ = _version(invocation, invocation.writer(), revision)
    made = porcelain.add(
        model,
        id_,
        invocation.actor(),
        text=text,
        values=porcelain.parsed(values),
        allow_secret=allow_secret,
    )
    invocation.emit(
        "notes", {"notes": [made]}, lambda: [f"Added note {made.number} to {_label(_numbers(model, [made]), made)}"]
    )


@subverb(command, "show")
@click.argument("revision", default="HEAD", metavar="[REV]")
@click.option("--all", "removed", is_flag=True, help="Show removed notes, too.")
def show(invocation: Invocation, revision: str, removed: bool) -> None:
    """Show the notes on REV (default: HEAD), the oldest first."""
    model, id_ = _version(invocation, invocation.repository(), revision)
    _emit(invocation, model, porcelain.show(model, id_, removed=removed))


@subverb(command, "log")
@click.option("--all", "removed", is_flag=True, help="Show removed notes, too.")
def log(invocation: Invocation, removed: bool) -> None:
    """Show the notes on all versions of the model, the newest first."""
    model = Model(invocation.repository(), invocation.model())
    _emit(invocation, model, porcelain.log(model, removed=removed))


@subverb(command, "rm")
@click.argument("revision", metavar="REV")
@click.argument("numbers", nargs=-1, type=click.IntRange(1), metavar="[N]...")
@click.option("--all", "every", is_flag=True, help="Remove all notes on REV.")
def remove(invocation: Invocation, revision: str, numbers: tuple[int, ...], every: bool) -> None:
    """Remove note N of REV.

    The note is not shown any more; `mvc notes log --all` still has it. The removal travels with push and fetch.
    """
    if every == bool(numbers):
        raise click.UsageError("expected the number of a note, or --all, and not both")
    model, id_ = _version(invocation, invocation.writer(), revision)
    done = porcelain.remove(model, id_, None if every else numbers, invocation.actor())
    invocation.emit("notes", {"notes": done}, lambda: _removed(model, done))


def _removed(model: Model, notes: Sequence[ListedNote]) -> Iterator[str]:
    numbers = _numbers(model, notes)
    for note in notes:
        damaged = "" if note.text or note.values else ", which was damaged,"
        yield f"Removed note {note.number}{damaged} from {_label(numbers, note)}"


def _texts(words: Sequence[str], messages: Sequence[str], *, alone: bool) -> tuple[str, str]:
    """Return the revision and the text of a note; `alone`: there are no values."""
    if messages:
        if len(words) > 1:
            raise click.UsageError(f"the text is given with -m, so {words[1]!r} is unexpected")
        return words[0] if words else "HEAD", "\n\n".join(messages)
    if len(words) == 1 and alone:
        if not re.search(r"\s", words[0]):
            raise click.UsageError(f'missing text, as in `mvc notes add {words[0]} "bad in rain"`')
        return "HEAD", words[0]  # no revision has a space
    if len(words) > 2 or not (words or not alone):
        raise click.UsageError('expected [REV] "TEXT" KEY=VALUE..., with the text in quotes')
    return words[0] if words else "HEAD", words[1] if len(words) > 1 else ""


def _version(invocation: Invocation, repository: Repository, revision: str) -> tuple[Model, VersionId]:
    """Return the model and the version that a revision names."""
    model = Model(repository, invocation.model())
    return Model(repository, revisions.model_of(model, revision)), revisions.resolve(model, revision)


def _emit(invocation: Invocation, model: Model, notes: Sequence[ListedNote]) -> None:
    ids = list(dict.fromkeys(note.version for note in notes))
    invocation.emit("notes", {"notes": notes}, lambda: _lines(model, notes), ids=ids, page=True)


def _lines(model: Model, notes: Sequence[ListedNote]) -> Iterator[str]:
    numbers = _numbers(model, notes)
    version = None
    for note in notes:
        if note.version != version:
            version = note.version
            yield style(_label(numbers, note), fg="yellow")
        yield from (f"    {line}" for line in note_lines(note.number, note.time, note, removed=note.removed))


def _numbers(model: Model, notes: Sequence[ListedNote]) -> Numbers:
    return Numbers(model, [note.version for note in notes])


def _label(numbers: Numbers, note: ListedNote) -> str:
    """Return `v7 3f9c2ab1d0`, or `v7 on side 3f9c2ab1d0`."""
    number = "" if note.version_number is None else f"{numbers.of(note.version, note.version_number)} "
    return f"{number}{short(note.version)}"
