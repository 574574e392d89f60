"""`mvc stash`: put uncommitted changes aside as a version that no ref names, list, show and drop them.

working tree ─ stored as a version, parent HEAD ─► entry of the stash log ─► journal: the files of HEAD
                                                    └── from here on nothing can be lost
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mvc import errors
from mvc.deferred import dataclass
from mvc.display import Result
from mvc.model.compare import diff
from mvc.model.compare.diff import VersionDiff
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp, check_message
from mvc.repository import disk_usage, history, merge_state
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository, writes
from mvc.repository.stash import stashed
from mvc.repository.worktree import checkout, partial
from mvc.repository.worktree.checkout import Moved
from mvc.storage.progress import Progress
from mvc.storage.records import config
from mvc.storage.records import stashes as records
from mvc.storage.records.reflog import Move
from mvc.storage.records.stashes import StashEntry
from mvc.transport import promises

_NUMBERED = re.compile(r"(?:stash@\{)?(?P<number>[0-9]{1,9})\}?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Stash(Document):
    """A stash: its name now, its version, the version it was made on, and when, by whom and why it was made."""

    KEYS = keys("name id base base_number time=at by message")

    name: str
    id: VersionId
    base: VersionId
    base_number: int
    at: Timestamp
    by: str
    message: str


@dataclass(frozen=True, repr=False, slots=True)
class Stashed(Result):
    """The new stash, None if there were no changes; and the files that were set back to HEAD."""

    KEYS = keys("model stash written=moved.written deleted=moved.deleted")

    model: str
    stash: Stash | None
    moved: Moved

    def summary(self) -> str:
        """Return the most important facts in one line."""
        return f"{self.model}: {self.stash.message}" if self.stash is not None else f"{self.model}: no changes to save"


@dataclass(frozen=True, slots=True)
class StashChanges(Document):
    """The changes of a stash, compared with the version it was made on.

    `unparsed`: its model.toml could not be parsed, so its values are not compared.
    """

    KEYS = keys("stash changes=difference unparsed")

    stash: Stash
    difference: VersionDiff
    unparsed: bool


def stashes(model: Model) -> list[Stash]:
    """Return the stashes, newest first; raise NoModel, Missing, Damaged."""
    model.check()
    standing = records.standing(records.read(model.repository.door, model.key))
    return [_stash(model.repository, number, entry) for number, entry in enumerate(standing)]


@writes
def push(model: Model, actor: Actor, *, message: str | None = None, progress: Progress | None = None) -> Stashed:
    """Stash the uncommitted changes, and set the tracked files back to HEAD; untracked files stay.

    Raises NoVersionYet, MergeUnderway, InTheWay, and as `stashed.store`.
    """
    merge_state.refuse(model)
    repository, head = model.repository, model.current
    if head is None:
        raise errors.NoVersionYet(model=model.key)
    if message is not None:
        check_message(message)
    before = checkout.files_of(model, head)
    left_out = partial.unchanged(repository, model.key, before, before)
    wanted = partial.without(before, left_out)
    promises.ensure_present(repository, wanted.entries, progress)  # of an edited file, the bytes may be elsewhere
    text = _message(model, head, message)

    def record(id_: VersionId) -> None:
        config.set_feature(repository.door, config.STASHES, needed=True)
        repository.note(model.key)
        records.append(repository.door, model.key, actor.move(text), version=id_)

    id_ = stashed.store(
        model,
        actor,
        text,
        record=record,
        accept=lambda files: files.by_path != before.by_path,
        progress=progress,
    )
    if id_ is None:
        return Stashed(model.key, None, Moved())
    with repository.writing():
        base = stashed.files_of(model, repository.objects.version(id_))
        moved = checkout.move(model, "stash", base=base, wanted=wanted, left_out=left_out, progress=progress)
    return Stashed(model.key, find(model, "0"), moved)


def find(model: Model, text: str) -> Stash:
    """Return the stash `N`, or `stash@{N}` as in Git; raise NoSuchStash."""
    match, found = _NUMBERED.match(text), stashes(model)
    if match is None or int(match["number"]) >= len(found):
        raise errors.NoSuchStash(name=text, model=model.key, count=len(found))
    return found[int(match["number"])]


def show(model: Model, text: str = "0") -> StashChanges:
    """Return the changes of a stash; raise NoSuchStash, Missing, Damaged."""
    repository, stash = model.repository, find(model, text)
    base, new = (history.snapshot(repository, id_, model.key) for id_ in (stash.base, stash.id))
    assert base is not None  # noqa: S101 - both are versions
    assert new is not None  # noqa: S101
    new_bytes = disk_usage.added_bytes(repository, base.tree, new.tree)
    unparsed = stashed.is_unparsed(repository.objects.version(stash.id))
    return StashChanges(stash, diff.compare(base, new, new_bytes=new_bytes), unparsed)


@writes
def drop(model: Model, actor: Actor, text: str = "0") -> Stash:
    """Drop a stash, and return it: its id names its version until that is garbage-collected. Raises NoSuchStash."""
    with model.repository.writing():
        settle(model.repository)
        stash = find(model, text)
        forget(model, [stash], actor.move("stash: dropped"))
    return stash


@writes
def clear(model: Model, actor: Actor) -> list[Stash]:
    """Drop all stashes, and return them."""
    with model.repository.writing():
        found = stashes(model)
        forget(model, found, actor.move("stash: dropped"))
    return found


def forget(model: Model, dropped: Sequence[Stash], move: Move) -> None:
    """Drop stashes; the caller holds the lock."""
    door = model.repository.door
    standing = records.standing(records.read(door, model.key))
    if dropped:
        model.repository.note(model.key)
    for stash in dropped:
        (entry,) = (entry for entry in standing if entry.version == stash.id)
        records.append(door, model.key, move, drops=entry.seq)
    settle(model.repository)


def settle(repository: Repository) -> None:
    """Require the support of stashes while there is one; the caller holds the lock.

    A command that was killed may have left it required without need.
    """
    config.set_feature(repository.door, config.STASHES, needed=records.exist(repository.door))


def _message(model: Model, head: VersionId, message: str | None) -> str:
    """Return `WIP on main: v3 60ab… subject`, or `On main: message`, as Git does."""
    branch = model.head.branch or "(no branch)"
    if message is not None:
        return f"On {branch}: {message.strip()}"
    subject = model.repository.objects.version(head).subject
    return f"WIP on {branch}: {history.label(model.repository, head)} {subject}"


def _stash(repository: Repository, number: int, entry: StashEntry) -> Stash:
    assert entry.version is not None  # noqa: S101 - it stands
    version = repository.objects.version(entry.version)
    base = version.parents[0]
    above = repository.objects.version(base).number
    return Stash(f"stash@{{{number}}}", entry.version, base, above, entry.move.at, entry.move.by, entry.move.reason)
