"""`mvc bisect`: the version that introduced a fault, by tests of few of the versions between a good and a bad one.

    start ─► the next version ─┬─► good, bad, skip ─► the next version ─► … ─► the first bad version
                               └─► run: export to a folder of its own, test there, mark by the answer

What was marked is recorded, so a bisect continues in another process. Refs and the working tree are never changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.display import Result
from mvc.model.document import keys
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.porcelain.export import export
from mvc.repository import history
from mvc.repository.bisect import planner
from mvc.repository.bisect.planner import Plan
from mvc.repository.model import Model
from mvc.repository.repository import writes
from mvc.storage.disk import outside
from mvc.storage.progress import Progress
from mvc.storage.records.unfinished import bisections
from mvc.storage.records.unfinished.bisections import BAD, GOOD, SKIP, Bisection, Mark

Test = Callable[[Path, VersionId], int]
"""A test of a version that was exported to a folder; returns the exit code of a command."""
CANNOT_TEST = 125
"""The exit code that skips a version."""
LAST = 127
"""The last exit code that means bad; those above are a shell's for a command that a signal ended."""
_NOT_RUN = {126: "run", 127: "find"}
"""The exit codes of a shell for a command that it cannot run, or not find."""


class BisectVersion(NamedTuple):
    """A version of a bisect."""

    id: VersionId
    number: int
    time: Timestamp
    author: str
    subject: str


@dataclass(frozen=True, repr=False)
class BisectState(Result):
    """A bisect: what is marked, and the `next` version to test; at the end, `found` is the first bad version.

    If other versions were skipped, `found` lists all that may be it. `left` versions are left to test after the next one, in
    about `steps` tests. `is_merge_base`: the next one is tested first, since a good version is on another branch.
    """

    KEYS = keys("model first_parent bad good skipped next left steps merge_base=is_merge_base found")

    model: str
    first_parent: bool
    bad: BisectVersion | None
    good: tuple[BisectVersion, ...]
    skipped: tuple[BisectVersion, ...]
    next: BisectVersion | None
    left: int = 0
    steps: int = 0
    is_merge_base: bool = False
    found: tuple[BisectVersion, ...] = ()

    @property
    def first_bad(self) -> BisectVersion | None:
        """The first bad version, if it is known."""
        return self.found[0] if len(self.found) == 1 else None

    def summary(self) -> str:
        """Return the most important facts in one line."""
        if self.next is not None:
            return f"{self.model}: test v{self.next.number} {self.next.id[:10]}"
        ends = ", ".join(f"v{each.number} {each.id[:10]}" for each in self.found)
        return f"{self.model}: first bad version {ends}" if ends else f"{self.model}: not started"


Report = Callable[[BisectVersion, str], object]
"""A function that is called with each tested version and its verdict."""


@writes
def start(
    model: Model, bad: VersionId | None = None, good: Sequence[VersionId] = (), *, first_parent: bool = False
) -> BisectState:
    """Start a bisect, in place of one in progress; with `first_parent`, merged branches are not searched.

    Raises NoModel, BisectSameVersion, BisectUnrelated, BisectContradiction, Missing, Damaged.
    """
    model.check()
    with model.repository.locked():
        return _recorded(model, _begun(model, bad, good, first_parent=first_parent))


@writes
def mark(model: Model, verdict: str, versions: Sequence[VersionId] = ()) -> BisectState:
    """Mark versions as `good`, `bad` or to `skip`; none means the next one to test.

    Raises NoBisect, BisectOver, BisectUnrelated, BisectContradiction, Missing, Damaged.
    """
    with model.repository.locked():
        current = recorded(model)
        return _recorded(model, current.marked(verdict, *(versions or (_next(model, current),))))


def state(model: Model) -> BisectState:
    """Return the bisect in progress. Raises NoBisect, Missing, Damaged."""
    return _state(model, recorded(model))


def recorded(model: Model) -> Bisection:
    """Return what was marked. Raises NoModel, NoBisect, Damaged."""
    model.check()
    found = bisections.recorded(model.repository.door, model.key)
    if found is None:
        raise errors.NoBisect(model=model.key)
    return found


@writes
def reset(model: Model) -> bool:
    """End the bisect; return False if none is in progress. A damaged record is removed, too. Raises NoModel."""
    model.check()
    with model.repository.locked():
        in_progress = model.repository.door.exists(bisections.path(model.key))
        bisections.end(model.repository.door, model.key)
    return in_progress


@writes
def run(
    model: Model, test: Test, folder: Path, *, report: Report | None = None, progress: Progress | None = None
) -> BisectState:
    """Test versions until the first bad one is known. Each is exported to a new folder in `folder`, and removed afterwards.

    0 marks a version as good, 125 skips it, another code up to 127 marks it as bad. If the first answer is that of a command
    that cannot run, a good version must not give the same. Raises NoBisect, BisectIncomplete, BisectStopped, BisectNotRun, and
    as `export`.
    """
    current = state(model)
    for verdict, known in ((BAD, current.bad), (GOOD, current.good)):
        if not known:
            raise errors.BisectIncomplete(model=model.key, missing=verdict)
    is_first = True
    while current.next is not None:
        code = _code(model, current.next, test, folder, progress)
        if is_first and code in _NOT_RUN and _code(model, current.good[0], test, folder, progress) in _NOT_RUN:
            tested, good = (_named(version) for version in (current.next, current.good[0]))
            raise errors.BisectNotRun(code=code, tested=tested, good=good, act=_NOT_RUN[code])
        is_first = False
        verdict = GOOD if not code else SKIP if code == CANNOT_TEST else BAD
        if report is not None:
            report(current.next, verdict)
        current = mark(model, verdict, (current.next.id,))
    return current


def search(
    model: Model,
    bad: VersionId,
    good: Sequence[VersionId],
    judge: Callable[[VersionId], bool | None],
    *,
    first_parent: bool = False,
) -> BisectState:
    """Return the result of a bisect that is not recorded: `judge` returns True if a version is good, None to skip it.

    Raises as `start`.
    """
    current = _begun(model, bad, good, first_parent=first_parent)
    while (tested := _plan(model, current).next) is not None:
        answer = judge(tested)
        current = current.marked(SKIP if answer is None else GOOD if answer else BAD, tested)
    return _state(model, current)


def between(model: Model, tips: Sequence[VersionId], exclude: Sequence[VersionId]) -> list[VersionId]:
    """Return the versions of a range. Raises Missing, Damaged."""
    return [id_ for id_, _ in history.walk(model.repository.objects, tips, exclude=exclude)]


def _begun(model: Model, bad: VersionId | None, good: Sequence[VersionId], *, first_parent: bool) -> Bisection:
    """Return a bisect with its first marks. Raises BisectSameVersion: the second mark would replace the first."""
    if bad is not None and bad in good:
        raise errors.BisectSameVersion(version=history.label(model.repository, bad))
    marks = [*(() if bad is None else (Mark(BAD, bad),)), *(Mark(GOOD, id_) for id_ in good)]
    return Bisection(model.key, first_parent, tuple(marks))


def _code(model: Model, version: BisectVersion, test: Test, folder: Path, progress: Progress | None) -> int:
    """Return the exit code of the test of a version. Raises BisectStopped if it is not a verdict."""
    with _exported(model, version, folder, progress) as place:
        code = test(place, version.id)
    if not 0 <= code <= LAST:
        raise _stopped(version, code)
    return code


@contextlib.contextmanager
def _exported(model: Model, version: BisectVersion, folder: Path, progress: Progress | None) -> Iterator[Path]:
    """Export a version to a new folder for the block."""
    with outside.temporary_folder(folder, "mvc-bisect") as parent:
        place = parent / f"v{version.number}"
        export(model, version.id, place, progress=progress)
        yield place


def _stopped(version: BisectVersion, code: int) -> errors.BisectStopped:
    return errors.BisectStopped(ending=f"exit code {code}", version=_named(version))


def _named(version: BisectVersion) -> str:
    return f"v{version.number} {version.id[:10]}"


def _recorded(model: Model, bisection: Bisection) -> BisectState:
    """Record marks that do not contradict each other. The caller holds the lock. Raises as `mark`."""
    found = _state(model, bisection)
    bisections.record(model.repository.door, bisection)
    return found


def _next(model: Model, bisection: Bisection) -> VersionId:
    """Return the version that a verdict without a revision is about. Raises BisectOver, NoVersionYet."""
    if not (bisection.bad and bisection.good):
        current = model.current
        if current is None:
            raise errors.NoVersionYet(model=model.key)
        return current
    planned = _plan(model, bisection).next
    if planned is None:
        raise errors.BisectOver(model=model.key)
    return planned


def _state(model: Model, bisection: Bisection) -> BisectState:
    planned = _plan(model, bisection)
    return BisectState(
        model.key,
        bisection.first_parent,
        None if bisection.bad is None else _version(model, bisection.bad),
        tuple(_version(model, id_) for id_ in bisection.good),
        tuple(_version(model, id_) for id_ in bisection.skipped),
        None if planned.next is None else _version(model, planned.next),
        planned.left,
        planned.steps,
        planned.is_merge_base,
        tuple(_version(model, id_) for id_ in planned.suspects),
    )


def _plan(model: Model, bisection: Bisection) -> Plan:
    """Return the next step; nothing before a bad and a good version are known. Raises BisectContradiction, BisectUnrelated."""
    if not (bisection.bads and bisection.good):
        return Plan(None)
    objects = model.repository.objects
    try:
        return planner.plan(
            lambda id_: objects.parents(objects.version(id_)),
            bisection.bads,
            bisection.good,
            bisection.skipped,
            first_parent=bisection.first_parent,
        )
    except planner.Unrelated as error:
        bad, good = (history.label(model.repository, id_) for id_ in (bisection.bads[0], bisection.good[0]))
        raise errors.BisectUnrelated(bad=bad, good=good) from error
    except planner.Contradiction as error:
        bad, good = (history.label(model.repository, id_) for id_ in (bisection.bads[-1], error.good))
        raise errors.BisectContradiction(bad=bad, good=good, id=bisection.bads[-1][:10]) from error


def _version(model: Model, id_: VersionId) -> BisectVersion:
    version = model.repository.objects.version(id_)
    return BisectVersion(id_, version.number, version.time, version.author.name, version.subject)
