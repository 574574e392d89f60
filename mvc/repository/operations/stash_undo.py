"""The reversal of stash entries: a stash that was made is dropped, one that was dropped is added again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mvc import errors
from mvc.model.ids import VersionId
from mvc.repository.model import Model
from mvc.repository.operations import log
from mvc.repository.operations.log import ADVICE
from mvc.repository.operations.reversal import Reversal
from mvc.repository.repository import Actor
from mvc.storage.records import config, stashes
from mvc.storage.records.stashes import StashEntry


class Changes(NamedTuple):
    """The versions to add as stashes again, and the numbers of the entries to drop; `gone` were removed by `mvc gc`."""

    added: tuple[VersionId, ...] = ()
    dropped: tuple[int, ...] = ()
    gone: tuple[VersionId, ...] = ()


def changes(reversal: Reversal) -> Changes:
    """Return the entries that reverse those of the operations; a stash whose version is gone is not added again."""
    model, first = reversal.model, reversal.stash
    if first is None:
        return Changes()
    entries = stashes.read(model.repository.door, model.key)
    newest = reversal.operations[-1].number
    later = [logged.first.stash for logged in log.log(model) if logged.number > newest]
    last = min((number for number in later if number is not None), default=len(entries))
    own, standing = entries[first:last], stashes.standing(entries)
    before = [entries[entry.drops - 1].version for entry in own if entry.drops is not None and entry.drops <= first]
    has = model.repository.objects.has
    versions = [version for version in before if version is not None]
    added, gone = (tuple(version for version in versions if has(version) == here) for here in (True, False))
    return Changes(added, tuple(dict.fromkeys(seq for entry in own for seq in _standing(entry, standing))), gone)


def _standing(entry: StashEntry, standing: Sequence[StashEntry]) -> Sequence[int]:
    """Return the entry in which the stash of `entry` exists: itself, or the newest one that added it again."""
    same = [each.seq for each in standing if each.version is not None and each.version == entry.version]
    return [entry.seq] if entry.seq in same else [seq for seq in same if seq > entry.seq][:1]


def check(wanted: Changes, reversal: Reversal) -> None:
    """Raise CannotUndo if the operations only dropped stashes, and `mvc gc` removed these since."""
    changed = reversal.refs or reversal.files or reversal.head or reversal.moves or wanted.added or wanted.dropped
    if wanted.gone and not changed:
        command = reversal.operations[0].first.command
        reason = f"`mvc gc` removed stash {wanted.gone[0][:10]}"
        raise errors.CannotUndo(number=reversal.number, command=command, reason=reason, advice=ADVICE)


def add(model: Model, wanted: Changes, actor: Actor) -> None:
    """Add the stashes again, before anything else changes; the caller holds the lock."""
    repository = model.repository
    if wanted.added or wanted.dropped:
        repository.note(model.key)
    if wanted.added:
        config.set_feature(repository.door, config.STASHES, needed=True)
    for version in reversed(wanted.added):
        message = repository.objects.version(version).message
        stashes.append(repository.door, model.key, actor.move(message), version=version)


def drop(model: Model, wanted: Changes, actor: Actor) -> None:
    """Drop the stashes, after everything else changed; the caller holds the lock."""
    door = model.repository.door
    for number in wanted.dropped:
        stashes.append(door, model.key, actor.move("undo"), drops=number)
    if wanted.dropped:
        needed = any(stashes.standing(stashes.read(door, name)) for name in stashes.models(door))
        config.set_feature(door, config.STASHES, needed=needed)
