"""`mvc bisect`: its options, arguments and output."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mvc import lazy
from mvc.cli.app import child
from mvc.cli.app.invocation import Invocation
from mvc.cli.app.stop import Ended
from mvc.cli.app.table import cell
from mvc.cli.app.terminal import date, escape, short, style
from mvc.cli.app.verb import Group, group, subverb
from mvc.cli.history.numbers import Numbers
from mvc.model.ids import VersionId
from mvc.plural import count
from mvc.porcelain import bisect as porcelain
from mvc.porcelain.bisect import BisectState, BisectVersion
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.storage.records.unfinished.bisections import BAD, GOOD, SKIP

if TYPE_CHECKING:
    from mvc.porcelain import bisect_find
    from mvc.porcelain.bisect_find import FoundVersion, ValuedVersion
    from mvc.training import process
else:
    bisect_find = lazy.Module("mvc.porcelain.bisect_find")
    process = lazy.Module("mvc.training.process")

_SEARCHES = ("--metric", "--class", "--drop")
_EXAMPLE = """mvc bisect run -- sh -c 'python "$OLDPWD/evaluate.py"'"""
_ENDS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
"""Signals to mvc that end the bisect after the command, whatever it answers."""


class _Bisect(Group):
    """The sub-verbs; `mvc bisect --metric` is `mvc bisect find --metric`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, in the long form."""
        named = {arg.partition("=")[0] for arg in args}
        own = args[:1] and args[0] in self.commands
        return super().parse_args(ctx, ["find", *args] if named.intersection(_SEARCHES) and not own else args)


@group("bisect", cls=_Bisect)
@click.option("--metric", metavar="NAME", help="With --drop: as `mvc bisect find --metric NAME --drop N`.")
@click.option("--drop", metavar="N", help="With --metric: worse by N or more.")
@click.option("--class", "label", metavar="NAME", help="As `mvc bisect find --class NAME`.")
def command(invocation: Invocation, **_: str | None) -> int:
    """Find the version that introduced a fault.

    Mark a bad and a good version; mvc names one in the middle to test, until the first bad version is known: of 1,000
    versions, after 10 tests. Refs and the working tree stay as they are. Without a command, show the bisect in progress.
    """
    model = Model(invocation.repository(), invocation.model())
    return _emit(invocation, model, porcelain.state(model))


@subverb(command, "start")
@click.argument("words", nargs=-1, metavar="[BAD [GOOD]...]")
@click.option("--first-parent", is_flag=True, help="Skip the versions of merged branches.")
def start(invocation: Invocation, words: tuple[str, ...], first_parent: bool) -> int:
    """Start a bisect, in place of one in progress.

    BAD has the fault, and each GOOD has not. They can be marked later, too. GOOD may be on another branch: then their merge
    base is tested first.
    """
    model = _writer(invocation)
    ids = [revisions.resolve(model, text) for text in words]
    return _emit(invocation, model, porcelain.start(model, next(iter(ids), None), ids[1:], first_parent=first_parent))


@subverb(command, "good")
@click.argument("words", nargs=-1, metavar="[REV]...")
def good(invocation: Invocation, words: tuple[str, ...]) -> int:
    """Mark versions without the fault.

    Without REV, marks the version to test, or HEAD while a bad or a good version is missing.
    """
    return _mark(invocation, GOOD, words)


@subverb(command, "bad")
@click.argument("revision", required=False, metavar="[REV]")
def bad(invocation: Invocation, revision: str | None) -> int:
    """Mark a version with the fault.

    Without REV, marks the version to test, or HEAD while a bad or a good version is missing.
    """
    return _mark(invocation, BAD, () if revision is None else (revision,))


@subverb(command, "skip")
@click.argument("words", nargs=-1, metavar="[REV | A..B]...")
def skip(invocation: Invocation, words: tuple[str, ...]) -> int:
    """Skip versions that cannot be tested.

    Without REV, skips the version to test. A version near by is tested instead. If the first bad version is among those that were skipped, all that may be it are
    listed, and the exit code is 1.
    """
    return _mark(invocation, SKIP, words)


@subverb(command, "run", cls=child.Wrapper)
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="[--] CMD [ARG]...")
def run(invocation: Invocation, words: tuple[str, ...]) -> int:
    """Test versions by a command until the first bad one is known.

    CMD runs in a new temporary folder with the files of the version, which is removed afterwards; TMPDIR names another
    place for it. MVC_VERSION is the id of the version, and OLDPWD the current folder. CMD exits with 0 if the version
    is good, with 125 to skip it, and with another code up to 127 if it is bad; but if a shell cannot run it, 126 or 127 for the first
    version and a good one, nothing is marked. Other codes, and Ctrl-C, stop the bisect, which `mvc bisect run` then continues.

    Example: mvc bisect run -- sh -c 'python "$OLDPWD/evaluate.py" weights/best.onnx'
    """
    model = _writer(invocation)
    start_folder = Path(os.path.abspath(invocation.cwd))
    program = str(start_folder / words[0]) if "/" in words[0] else words[0]
    variables = {**child.variables(invocation.environ), "OLDPWD": str(start_folder)}

    def test(folder: Path, id_: VersionId) -> int:
        values = {**variables, "PWD": str(folder), "MVC_VERSION": id_}
        with _inside(folder, quiet=invocation.json or invocation.quiet):
            ending = process.call([program, *words[1:]], values, example=_EXAMPLE)
        if ending.heard in _ENDS:
            invocation.note("The bisect is not finished; `mvc bisect run` continues it.")
            raise Ended(process.SIGNALLED + ending.heard)
        return ending.exit_code

    def report(version: BisectVersion, verdict: str) -> None:
        invocation.note(f"v{version.number} {short(version.id)} {'skipped' if verdict == SKIP else verdict}")

    with invocation.progress("Exporting") as progress:
        done = porcelain.run(model, test, Path(tempfile.gettempdir()), report=report, progress=progress)
    return _emit(invocation, model, done)


@subverb(command, "find")
@click.argument("words", nargs=-1, metavar="[GOOD BAD]")
@click.option("--metric", metavar="NAME", help="Find the first version with a worse value of this metric.")
@click.option("--drop", type=float, metavar="N", help="With --metric: worse by N or more.")
@click.option("--class", "label", metavar="NAME", help="Find the version that removed or renumbered this class.")
def find(
    invocation: Invocation, words: tuple[str, ...], metric: str | None, drop: float | None, label: str | None
) -> None:
    """Find a version by its records, without tests.

    With --metric and --drop, the first version up to BAD whose value is worse than that of GOOD by N or more; less is
    worse, but of a loss or a duration more is. NAME may be eval.DATASET.METRIC, of evaluations. With
    --class, the first version in which the class has another number than in GOOD, or none. BAD is HEAD by default; GOOD is
    the version with the best value, or the oldest with the class.
    `mvc bisect --metric` and `mvc bisect --class` are short forms.
    """
    if (metric is None) == (label is None) or (metric is None) != (drop is None):
        raise click.UsageError("expected --metric NAME --drop N, or --class NAME")
    if len(words) > 2:
        raise click.UsageError("too many revisions: expected GOOD BAD")
    model = Model(invocation.repository(), invocation.model())
    ends = [revisions.resolve(model, text) for text in (*words, *("HEAD",) * (2 - len(words)))]
    bound = ends[0] if words else None
    if metric is not None and drop is not None:
        change = bisect_find.find_drop(model, metric, drop, ends[1], bound)
    else:
        change = bisect_find.find_class_change(model, str(label), ends[1], bound)
    invocation.emit("bisect", change, lambda: _change(model, change), ids=(change.first.id,))


@subverb(command, "log")
def log(invocation: Invocation) -> None:
    """Print the bisect as commands, which a shell can run again."""
    model = Model(invocation.repository(), invocation.model())
    recorded = porcelain.recorded(model)
    lines = ["mvc bisect start --first-parent" if recorded.first_parent else "mvc bisect start"]
    lines += [f"mvc bisect {mark.verdict} {mark.version}" for mark in recorded.marks]
    invocation.emit("bisect", {"log": lines}, lambda: lines, wrap=False)


@subverb(command, "reset")
def reset(invocation: Invocation) -> None:
    """End the bisect in progress, and remove its marks."""
    model = _writer(invocation)
    done = porcelain.reset(model)
    text = f"Ended the bisect of {escape(model.key)}" if done else "No bisect is in progress"
    invocation.emit("bisect", {"reset": done}, lambda: [text])


def _writer(invocation: Invocation) -> Model:
    return Model(invocation.writer(), invocation.model())


def _mark(invocation: Invocation, verdict: str, words: Sequence[str]) -> int:
    model = _writer(invocation)
    ids = [id_ for text in words for id_ in _versions(model, text)]
    return _emit(invocation, model, porcelain.mark(model, verdict, ids))


def _versions(model: Model, text: str) -> list[VersionId]:
    """Return the version that a text names, or those of a range. Raises as resolving does."""
    if ".." not in text:
        return [revisions.resolve(model, text)]
    chosen = revisions.resolve_range(model, text)
    return porcelain.between(model, chosen.tips, chosen.exclude)


@contextlib.contextmanager
def _inside(folder: Path, *, quiet: bool) -> Iterator[None]:
    """Change to a folder for the block; with `quiet`, what a command prints goes to stderr, as stdout has one document."""
    before, kept = os.getcwd(), -1
    sys.stdout.flush()
    os.chdir(folder)
    try:
        if quiet:
            kept = os.dup(1)
            os.dup2(2, 1)
        yield
    finally:
        if kept >= 0:
            os.dup2(kept, 1)
            os.close(kept)
        os.chdir(before)


def _emit(invocation: Invocation, model: Model, state: BisectState) -> int:
    """Print a bisect; return 1 if the first bad version cannot be known, as versions were skipped."""
    ids = [state.next.id] if state.next is not None else [version.id for version in state.found]
    invocation.emit("bisect", state, lambda: _lines(model, state), ids=ids)
    return int(len(state.found) > 1)


def _lines(model: Model, state: BisectState) -> Iterator[str]:
    named = [*state.good, *state.found, *([state.bad] if state.bad else []), *([state.next] if state.next else [])]
    numbers = Numbers(model, [version.id for version in named])
    if state.bad is None or not state.good:
        missing = [BAD] * (state.bad is None) + [GOOD] * (not state.good)
        yield f"Waiting for a {' and a '.join(missing)} version: `mvc bisect {missing[0]} REV`"
    elif state.next is not None:
        if state.is_merge_base:
            yield "A good version is on another branch, so their merge base is tested first."
        left, steps = count(state.left, "version"), count(state.steps, "step")
        yield f"Bisecting: {left} left to test after this (roughly {steps})"
        yield style(_version(numbers, state.next), fg="yellow")
        yield f"  (test it with `mvc export {short(state.next.id)} DIR`, then `mvc bisect good`, `bad` or `skip`)"
    elif state.first_bad is not None:
        yield f"{_version(numbers, state.first_bad)}"
        yield f"  is the first bad version (`mvc show {short(state.first_bad.id)}` shows it, `mvc bisect reset` ends the bisect)"
    else:
        yield "Only skipped versions are left. The first bad version is one of:"
        yield from (f"  {_version(numbers, version)}" for version in state.found)


def _version(numbers: Numbers, version: BisectVersion | ValuedVersion) -> str:
    number = numbers.of(version.id, version.number)
    return f"{number} {short(version.id)} {date(version.time)} {escape(version.author)}: {escape(version.subject)}"


def _change(model: Model, change: FoundVersion) -> Iterator[str]:
    numbers = Numbers(model, [change.first.id, change.before.id, change.good.id])
    yield _version(numbers, change.first)
    if change.change:
        yield f"  {escape(change.key)}: {escape(change.change)}"
        return
    yield f"  {escape(change.key)} = {cell(change.first.value)}"
    for label, version in (("before", change.before), ("good", change.good)):
        yield f"  {cell(version.value)} in {numbers.of(version.id, version.number)} {short(version.id)} ({label})"
