"""Rebases: the versions of a branch replayed on a remote branch, and the branch and its working tree moved to them.

local versions ─► replay ─► fetch the files that are checked out ─► versions stored ─► journal: files, branch
                    └► conflicts: refused, nothing changes
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.model.document import Document, keys, rows
from mvc.model.ids import VersionId
from mvc.model.tree import Tree
from mvc.remotes.remote import Remote
from mvc.repository import merge_state, refnames
from mvc.repository import replay as replays
from mvc.repository.model import Model
from mvc.repository.policy import gate as policy_gate
from mvc.repository.replay import Replay, Replayed, Target
from mvc.repository.repository import Actor, Repository
from mvc.repository.worktree import checkout, model_file, partial
from mvc.repository.worktree.checkout import Moved
from mvc.storage.progress import Progress
from mvc.storage.records import config
from mvc.storage.records.journal import RefStep
from mvc.storage.records.promised import State
from mvc.storage.records.reflog import HEADS, RefEntry, RefName
from mvc.transport import fast_forward, promisor
from mvc.transport.fast_forward import Select

if TYPE_CHECKING:
    from mvc.repository.policy import candidate
else:
    candidate = lazy.Module("mvc.repository.policy.candidate")


@dataclass(frozen=True, slots=True)
class Rebased(Document):
    """A branch before and after a rebase, and the changed files.

    `replayed` are the new versions, oldest first; `dropped` are local versions whose changes the remote branch has
    already; `unmoved` are other refs that still point to a version from before.
    """

    KEYS = keys(
        "branch old new replayed dropped",
        {"unmoved": rows("unmoved", "ref=text")},
        "written=moved.written deleted=moved.deleted",
    )

    branch: str
    old: VersionId
    new: VersionId
    replayed: tuple[VersionId, ...]
    dropped: tuple[VersionId, ...] = ()
    unmoved: tuple[RefName, ...] = ()
    moved: Moved = Moved()
    received: int = 0


def rebase(
    model: Model,
    target: Target,
    actor: Actor,
    *,
    verb: str,
    select: Select | None = None,
    remote: Remote | None = None,
    progress: Progress | None = None,
) -> Rebased:
    """Replay the versions of a branch that the target lacks; move the branch to the result, and its files if it is current.

    Of a partial clone, `select` chooses the files to check out; None leaves out those left out before. `remote` is an
    open connection. Raises MergeUnderway, NoVersionYet, Unrelated, CannotRebase, RebaseConflicts, InTheWay, RefMoved,
    and as fetching files does; then nothing has changed.
    """
    return _Rebase(model, target, actor, verb, remote, progress).run(select)


@dataclass(slots=True)
class _Rebase:
    """One rebase: the values that each step needs."""

    model: Model
    target: Target
    actor: Actor
    verb: str
    remote: Remote | None
    progress: Progress | None

    @property
    def repository(self) -> Repository:
        return self.model.repository

    def run(self, select: Select | None) -> Rebased:
        model, repository = self.model, self.repository
        merge_state.refuse(model)
        ref, head = model.ref(HEADS, self.target.branch), model.head
        tip = repository.refs.tip(ref)
        if tip is None or tip.new is None:
            raise errors.NoVersionYet(model=model.key)
        own = replays.own_versions(model, tip.new, self.target)
        self._fetch_texts([self.target.onto, *(id_ for id_, _ in own), *(v.parents[0] for _, v in own)])
        replay = replays.replay(model, own, self.target)
        is_current = head.branch == self.target.branch
        kept, received = self._fetch_files(tip.new, replay, select) if is_current else (frozenset[str](), 0)
        with repository.writing():
            if repository.refs.tip(ref) != tip or model.head != head:
                raise errors.RefMoved(ref=self.target.branch, by="another command", reason="commit or switch")
            base = checkout.files_of(model, tip.new) if is_current else checkout.NOTHING
            wanted = self._wanted(replay, kept) if is_current else checkout.NOTHING
            if is_current:
                checkout.check(model, base=base, wanted=wanted)
            self._check_policy(replay, ref)
            replayed = self._record(replay)
            new = replayed[-1] if replayed else self.target.onto
            entry = RefEntry.after(ref, tip, new, self.actor.move(f"rebase: onto {self.target.called}"))
            moved = checkout.move(
                model,
                self.verb,
                base=base,
                wanted=wanted,
                refs=(RefStep(ref, entry),),
                left_out=kept if is_current else None,
                progress=self.progress,
            )
        unmoved = tuple(_unmoved(model, ref, replay.old))
        return Rebased(ref.name, tip.new, new, replayed, replay.dropped, unmoved, moved, received)

    def _fetch_texts(self, versions: Iterable[VersionId]) -> None:
        """Fetch the model.toml of each version that is promised: their comments are merged."""
        texts = {self.repository.objects.version(id_).model_toml for id_ in versions}
        state = self.repository.promised.state
        promised = {file: model_file.NAME for file in texts if state(file) is State.PROMISED}
        promisor.fetch_files(self.repository, promised, self.progress, connected=self.remote)

    def _fetch_files(self, tip: VersionId, replay: Replay, select: Select | None) -> tuple[frozenset[str], int]:
        """Fetch the files to check out; return the paths that are left out, and the bytes received."""
        repository = self.repository
        new = self._tree(self.target.onto, replay.versions[-1:])
        left_out = self._left_out(self._tree(tip), new)
        chosen = [e for e in new.entries if (select(e) if select is not None else e.path not in left_out)]
        files = {entry.file: entry.path for entry in chosen}
        received = promisor.fetch_files(repository, files, self.progress, connected=self.remote)
        if select is None:
            return left_out, received
        return frozenset(e.path for e in new.entries if fast_forward.is_elsewhere(repository, e)), received

    def _left_out(self, old: Tree, new: Tree) -> frozenset[str]:
        """Return the paths of `new` whose path or role was left out of `old`."""
        before = partial.not_checked_out(self.repository, self.model.key, old)
        paths, roles = {entry.path for entry in before}, {entry.role for entry in before}
        return frozenset(e.path for e in new.entries if e.path in paths or e.role in roles)

    def _tree(self, version: VersionId, replayed: Iterable[Replayed] = ()) -> Tree:
        for last in replayed:
            return last.snapshot.tree
        return self.repository.objects.tree(self.repository.objects.version(version).tree)

    def _wanted(self, replay: Replay, kept: frozenset[str]) -> Tree:
        """Return the files of the new tip, its model.toml included, that are checked out."""
        if not replay.versions:
            return partial.without(checkout.files_of(self.model, self.target.onto), kept)
        last = replay.versions[-1]
        return partial.without(Tree((*last.snapshot.tree.entries, model_file.entry(last.model_toml))), kept)

    def _check_policy(self, replay: Replay, ref: RefName) -> None:
        """Raise PolicyRefused before anything is stored; the parent of each version is taken to be the target."""
        for replayed in replay.versions:
            new = functools.partial(candidate.planned, self.repository, replayed.snapshot, (self.target.onto,))
            policy_gate.check_new(self.repository, new, ref, is_tip=replayed is replay.versions[-1])

    def _record(self, replay: Replay) -> tuple[VersionId, ...]:
        """Store the replayed versions durably, each with the one before as its parent; everything else they keep."""
        if not replay.versions:
            return ()
        repository, parent = self.repository, self.target.onto
        number = repository.objects.version(parent).number
        ingest = repository.ingest()
        recorded = []
        for replayed in replay.versions:
            number += 1
            version = replace(
                replayed.version,
                parents=(parent,),
                number=number,
                manifest=repository.objects.put_manifest(replayed.snapshot.manifest),
                tree=repository.objects.put_tree(replayed.snapshot.tree),
                model_toml=ingest.add_bytes(replayed.model_toml),
            )
            parent = repository.objects.put_version(version)
            recorded.append(parent)
        ingest.close()
        config.require(repository.door, ingest.features)
        repository.door.barrier()
        return tuple(recorded)


def _unmoved(model: Model, branch: RefName, old: set[VersionId]) -> Iterable[RefName]:
    """Yield the other branches, tags and aliases that point to one of the versions `old`."""
    for kind in refnames.KINDS:
        for ref in model.repository.refs.all(model.key, kind):
            if ref != branch and model.repository.refs.target(ref) in old:
                yield ref
