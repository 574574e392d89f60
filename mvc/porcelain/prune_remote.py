"""`mvc prune --remote`: drop the bytes of versions on a remote, and keep their record.

fetch ─► rules ─► versions ─► their files ─► record on the remote  ◄── commit point ─► kept chunks uploaded again
                                                                                └─► `mvc gc --remote` deletes packs
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mvc import errors
from mvc.model.ids import FileId, VersionId
from mvc.porcelain import fetch
from mvc.porcelain.init import make_repository
from mvc.porcelain.prune import Measured, Pruned, Selection, cause
from mvc.remotes import expiries
from mvc.remotes.inventory import Inventory
from mvc.remotes.remote import Remote
from mvc.repository import disk_usage, history
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository, writes
from mvc.repository.retention import rules as retention
from mvc.repository.retention.rules import Rules
from mvc.storage.disk.outside import discard_folder
from mvc.storage.records.promised import Dropped
from mvc.storage.records.reflog import ALIASES, HEADS
from mvc.transport import expiry_sync, presence, remote_rewrite, tracking


@writes
def prune_remote(
    model: Model,
    remote: Remote,
    rules: Rules,
    actor: Actor,
    *,
    named: Sequence[VersionId] = (),
    expected: Collection[VersionId] | None = None,
    dry_run: bool = False,
) -> Pruned:
    """Drop bytes on `remote` as `prune` does here; `mvc gc --remote` then deletes them.

    `freed` estimates the bytes of the dropped chunks. Raises TakeRefused if rules refuse a
    ref, and as `prune`, `fetch` and `push` do.
    """
    model.check()
    if rules.is_empty and not named:
        raise errors.NoRule
    presence.check(model.repository, remote)
    if not dry_run:
        fetch.fetch(model.repository, remote, actor, models=[model.key]).check()  # all that is there counts
    selection = _RemoteSelection(model, remote, rules, actor, named)
    found = selection.planned()
    if dry_run:
        return found
    if expected is not None and {verdict.id for verdict in found.dropped} != set(expected):
        raise errors.PlanChanged
    if found.dropped:
        expiries.drop(remote.backend, selection.files_of(found), cause(rules, named, actor), remote.pause)
    sent = _rewrite(model.repository, remote, actor)  # also what an interrupted prune has not sent
    if not found.dropped and not sent:
        selection.explain(found)
    expiry_sync.receive(model.repository, remote)
    return replace(found, done=True)


def _rewrite(repository: Repository, remote: Remote, actor: Actor) -> int:
    """Upload kept chunks again that are held by dropped ones, of all models that are here; return the bytes sent."""
    tips = [
        target
        for ref, _ in tracking.all_refs(repository, remote.name)
        if (target := repository.refs.target(ref.tracking_ref(remote.name))) is not None
    ]
    versions = dict(history.walk(repository.objects, tips))
    folder = Path(tempfile.mkdtemp(prefix="mvc-"))
    try:
        make_repository(folder)
        recorded = Dropped(expiries.read(remote.backend))
        return remote_rewrite.rewrite(repository, remote, versions, recorded, actor, Repository(folder))
    finally:
        discard_folder(folder)


class _RemoteSelection(Selection):
    """The versions of a model on a remote, as this repository last fetched them."""

    def __init__(self, model: Model, remote: Remote, rules: Rules, actor: Actor, named: Sequence[VersionId]) -> None:
        self._remote = remote
        self._tips = {
            ref: target
            for ref, _ in tracking.all_refs(model.repository, remote.name, [model.key])
            if (target := model.repository.refs.target(ref.tracking_ref(remote.name))) is not None
        }
        super().__init__(model, rules, actor, named, unpushed=True)

    def _read_records(self) -> Dropped:
        return Dropped(expiries.read(self._remote.backend))

    def _reachable(self) -> list[VersionId]:
        return list(self._tips.values())

    def _kept_for_undo(self) -> set[FileId]:
        return set()

    def _is_unfinished(self) -> bool:
        return False

    def _branches(self) -> dict[str, VersionId]:
        return {ref.name: tip for ref, tip in self._tips.items() if ref.kind == HEADS}

    def _always(self) -> dict[VersionId, str]:
        kept = {tip: f"{retention.KINDS[ref.kind]} {ref.name} there" for ref, tip in self._tips.items()}
        for ref in self._tips:
            if ref.kind == ALIASES:
                newest = self._remote.refs.tip(ref)
                seqs = range(newest.seq if newest else 0, 0, -1)
                entries = [entry for seq in seqs if (entry := self._remote.refs.entry(ref, seq)) is not None]
                for id_, until in retention.former(entries, self._actor.at):
                    kept.setdefault(id_, f"former alias {ref.name}, until {until.utc()[:10]}")
        return kept

    def _has_chunks(self, file: FileId) -> bool:
        recipe = disk_usage.recipe_of(self._repository, file)
        return recipe is not None and recipe.inline is None

    def _measured(self, going: Mapping[VersionId, Collection[FileId]], files: tuple[FileId, ...]) -> Measured:
        used = self._used(going)
        gone = set(files) - used
        kept = {chunk for file in used for chunk in self._chunks(file)}
        chunks = {file: set(self._chunks(file)) - kept for file in gone}
        there = Inventory(self._repository, self._remote.backend, self._remote.jobs)
        places = there.find({chunk for own in chunks.values() for chunk in own})
        seen: set[str] = set()
        sizes: dict[VersionId, int] = {}
        for id_, own in going.items():
            new = {chunk for file in own for chunk in chunks.get(file, ())} - seen
            seen |= new
            sizes[id_] = sum(places[chunk][0].entry.stored for chunk in new if chunk in places)
        return Measured(sizes, gone, 0, sum(sizes.values()))

    def _used(self, going: Collection[VersionId]) -> set[FileId]:
        """Return the files that the other versions use, and have not dropped there."""
        objects = self._repository.objects
        pairs = (
            (id_, entry.file)
            for id_, version in self._versions.items()
            if id_ not in going
            for entry in objects.tree(version.tree).entries
        )
        return {file for id_, file in pairs if not self._recorded.record(id_, file)}
