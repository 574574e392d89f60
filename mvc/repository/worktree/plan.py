r"""The plan of a checkout: the step for each file on disk, computed before any change.

    on disk \ wanted   nothing                     another file
    nothing            -                           write
    as committed       delete, if it is stored     replace
    as wanted          -                           (executable bit)
    anything else      refuse                      refuse                 with `force`: as if committed

The plan is a pure function of both trees and of the files on disk: its result is the steps, or the files in the way.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import paths
from mvc.model.ids import FileId
from mvc.model.tree import Tree, TreeEntry


class Kind(enum.Enum):
    """The file type at a path."""

    FILE = "file"
    FOLDER = "folder"
    SPECIAL = "special file or link"


@dataclass(frozen=True, slots=True)
class OnDisk:
    """The file type at a path, and for a file its id and executable bit."""

    kind: Kind
    file: FileId | None = None
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One file to write (`new`) or to delete (`new` is None). `old` is its present content, None for no file.

    With `anything`, any later content may be overwritten.
    """

    path: str
    old: FileId | None
    new: TreeEntry | None
    anything: bool = False


Disk = Mapping[str, OnDisk]
"""The files on disk at each path of both trees, those in place of a needed folder, and those in a folder in place of
a file. Other paths are absent."""


def plan_checkout(
    base: Tree | None, wanted: Tree, disk: Disk, *, force: bool = False, stored: Callable[[FileId], bool]
) -> tuple[Step, ...]:
    """Return the ordered steps from the files on disk, with `base` checked out, to `wanted`.

    `stored` returns whether the bytes of a file can be restored; `wanted` has passed `check_paths`. Raises InTheWay
    with all that is in the way.
    """
    before = base.by_path if base else {}
    plan = _Plan(before, wanted.by_path, disk, force=force, stored=stored)
    steps = [step for path in sorted({*before, *wanted.by_path}) for step in plan.at(path)]
    deleted = {step.path for step in steps if step.new is None}
    plan.blocked.update(_blocked(steps, disk, deleted))
    if plan.blocked:
        listed = "\n".join(f"  {paths.escape_name(path)}: {why}" for path, why in sorted(plan.blocked.items()))
        raise errors.InTheWay(count=len(plan.blocked), listed=listed)
    return tuple(_ordered(steps))


class _Plan:
    """A plan in progress; `blocked` are the paths in the way, each with the reason."""

    def __init__(
        self,
        before: Mapping[str, TreeEntry],
        wanted: Mapping[str, TreeEntry],
        disk: Disk,
        *,
        force: bool,
        stored: Callable[[FileId], bool],
    ) -> None:
        self._before = before
        self._wanted = wanted
        self._disk = disk
        self._force = force
        self._stored = stored
        self.blocked: dict[str, str] = {}

    def at(self, path: str) -> Iterator[Step]:
        """Yield the steps at one path."""
        old, new, now = self._before.get(path), self._wanted.get(path), self._disk.get(path)
        if now is None:
            if new is not None:
                yield Step(path, None, new)
        elif now.kind is Kind.SPECIAL:
            self.blocked[path] = f"a {now.kind.value}"
        elif now.kind is Kind.FOLDER:
            if new is not None:
                yield Step(path, None, new)
        elif new is not None and now.file == new.file:
            if now.executable != new.exec:
                yield Step(path, now.file, new)
        else:
            yield from self._over(path, old, new, now)

    def _over(self, path: str, old: TreeEntry | None, new: TreeEntry | None, now: OnDisk) -> Iterator[Step]:
        """Yield the step that replaces another file, if that file was committed, or with `force`."""
        if old is not None and now.file == old.file:
            if self._force or self._stored(old.file):
                yield Step(path, now.file, new)
            elif new is not None:
                self.blocked[path] = "the store has no copy of its bytes"
        elif self._force:
            yield Step(path, now.file, new, anything=True)
        else:
            self.blocked[path] = "edited and not committed" if old is not None else "not tracked, and in the way"


def check_paths(wanted: Tree) -> None:
    """Raise UnsafePath, UnportablePath or CollidingPaths unless every path may be written."""
    for entry in wanted.entries:
        paths.check_path(entry.path)
    for first, second in paths.collisions(entry.path for entry in wanted.entries):
        raise errors.CollidingPaths(first=first, second=second)


def _blocked(steps: Iterable[Step], disk: Disk, deleted: set[str]) -> dict[str, str]:
    """Return the files in place of a needed folder, or in a folder in place of a file, with reasons."""
    blocked = {}
    for step in steps:
        if step.new is None:
            continue
        for above in _above(step.path):
            there = disk.get(above)
            if there is not None and there.kind is not Kind.FOLDER and above not in deleted:
                blocked[above] = "not a folder, but a folder is needed there"
        there = disk.get(step.path)
        if there is not None and there.kind is Kind.FOLDER:
            inside = [path for path in disk if path.startswith(f"{step.path}/")]
            if not inside or not all(_goes(path, disk, deleted) for path in inside):
                blocked[step.path] = "a folder with other files in it"
    return blocked


def _goes(path: str, disk: Disk, deleted: set[str]) -> bool:
    """Return whether the file or folder at `path` is deleted; a folder is deleted with its last file."""
    if disk[path].kind is Kind.FOLDER:
        return any(each.startswith(f"{path}/") for each in deleted)
    return path in deleted


def _above(path: str) -> Iterator[str]:
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)


def _ordered(steps: list[Step]) -> Iterator[Step]:
    """Yield deletions that writes depend on, then writes, then all other deletions, so that a failure loses least."""
    written = {step.path for step in steps if step.new is not None}
    folders = {above for path in written for above in _above(path)}
    first = {
        step.path
        for step in steps
        if step.new is None and (step.path in folders or any(above in written for above in _above(step.path)))
    }
    yield from (step for step in steps if step.path in first)
    yield from (step for step in steps if step.new is not None)
    yield from (step for step in steps if step.new is None and step.path not in first)
