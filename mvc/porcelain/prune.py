"""`mvc prune`: drop the bytes of versions, and keep their record.

rules ─► versions ─► their files ─► (dry run: report only) ─► record  ◄── commit point ─► garbage collection
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys, rows
from mvc.model.ids import ChunkId, FileId, VersionId
from mvc.model.version import Version
from mvc.porcelain.gc import GRACE, Held, collected, planned, since
from mvc.repository import disk_usage, history, reachable
from mvc.repository.model import Model
from mvc.repository.repository import Actor, writes
from mvc.repository.retention import rules as retention
from mvc.repository.retention.rules import Rules
from mvc.storage.progress import Progress
from mvc.storage.records import config, expired, promised
from mvc.storage.records.promised import Cause, Expired
from mvc.storage.records.reflog import HEADS
from mvc.transport import connection

UNPUSHED = "on no remote"


@dataclass(frozen=True, slots=True)
class Verdict(Document):
    """A version that has bytes to drop: whether it keeps them, and why; `bytes` are those stored for it that would go.

    `kept_in` are versions that keep files of it. `also_used_by` are versions that no ref reaches, but that use its
    other files and are kept with them for a while. `kept_for_undo` files of it stay because `mvc undo` restores them.
    """

    KEYS = keys(
        "id number=version.number message=version.subject time=version.time kept reason bytes_freed=bytes",
        {"kept_in": rows("kept_in", "id number=version.number reason")},
        {"also_used_by": rows("also_used_by", "id=id number=version.number cause until")},
        "kept_for_undo",
    )

    id: VersionId
    version: Version
    kept: bool
    reason: str
    bytes: int = 0
    kept_in: tuple[Verdict, ...] = ()
    also_used_by: tuple[Held, ...] = ()
    kept_for_undo: int = 0


@dataclass(frozen=True, slots=True)
class Pruned(Document):
    """The verdict on each version, newest first, and the bytes by which the store shrinks; `done` is False after a dry run.

    `files` are those whose bytes go, `recorded` all that are recorded with the dropped versions. `recoded` is the
    number of kept chunks that were stored as a difference from dropped ones, and are encoded again. `kept_for_undo` is the
    number of files that stay because `mvc undo` restores them.
    """

    KEYS = keys("model versions files=len(files) chunks_encoded=recoded bytes_freed=freed unpushed kept_for_undo done")

    model: str
    versions: tuple[Verdict, ...]
    files: tuple[FileId, ...]
    recorded: tuple[FileId, ...]
    recoded: int
    freed: int
    done: bool
    unpushed: int = 0
    kept_for_undo: int = 0

    @property
    def dropped(self) -> tuple[Verdict, ...]:
        """The versions that lose their bytes."""
        return tuple(each for each in self.versions if not each.kept)


class Measured(NamedTuple):
    """The bytes that go with each version, the files that go, and the versions that are kept without a ref."""

    sizes: Mapping[VersionId, int]
    gone: AbstractSet[FileId]
    recoded: int
    freed: int
    held: tuple[Held, ...] = ()


@writes
def prune(
    model: Model,
    rules: Rules,
    actor: Actor,
    *,
    named: Sequence[VersionId] = (),
    unpushed: bool = False,
    expected: Collection[VersionId] | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Pruned:
    """Drop the bytes of the versions that `rules` do not keep, and of those `named`; their record stays.

    With `unpushed`, also of versions that no remote has. `expected` are the versions that were confirmed. Raises NoRule,
    NothingToPrune, Unpushed, AlwaysKept, PlanChanged, and as `gc`.
    """
    model.check()
    if rules.is_empty and not named:
        raise errors.NoRule
    selection = Selection(model, rules, actor, named, unpushed=unpushed)
    if dry_run:
        return selection.planned()
    repository = model.repository
    with repository.writing():
        repository.read_again()
        found = Selection(model, rules, actor, named, unpushed=unpushed).planned()
        if not found.dropped:
            selection.explain(found)
        if expected is not None and {each.id for each in found.dropped} != set(expected):
            raise errors.PlanChanged
        if found.dropped:
            repository.note(None)
            config.require(repository.door, {config.EXPIRED})
            ids = [each.id for each in found.dropped]
            expired.append(repository.door, found.recorded, ids, cause(rules, named, actor))
        done = collected(repository, actor, grace=GRACE, progress=progress)
        repository.read_again()
        return replace(found, freed=done.plan.freed, recoded=len(done.plan.changes), done=True)


def cause(rules: Rules, named: Sequence[VersionId], actor: Actor) -> Cause:
    """Return the cause of a prune: its options, and who runs it."""
    options = " ".join(filter(None, ("prune", str(rules), *(id_[:10] for id_ in named[:5]))))
    return Cause(options, str(actor.person), actor.at)


class Selection:
    """The versions of a model, and what a prune would do with each."""

    def __init__(self, model: Model, rules: Rules, actor: Actor, named: Sequence[VersionId], *, unpushed: bool) -> None:
        self._model = model
        self._repository = model.repository
        self._rules = rules
        self._actor = actor
        self._named = tuple(dict.fromkeys(named))
        self._unpushed = unpushed
        self._present: dict[FileId, bool] = {}
        self._recorded = self._read_records()
        tips = dict.fromkeys([*self._reachable(), *self._named])
        self._versions = dict(history.walk(self._repository.objects, tips))
        self._files: dict[VersionId, set[FileId]] = {}

    def planned(self) -> Pruned:
        """Return the plan. Raises as `prune`."""
        self._files = {id_: own for id_, version in self._versions.items() if (own := self._droppable(id_, version))}
        verdicts = list(self._verdicts(self._files))
        going = {verdict.id: self._files[verdict.id] for verdict in verdicts if not verdict.kept}
        waiting = sum(verdict.reason == UNPUSHED for verdict in verdicts)
        dropped = self._without_other_roles(going)
        found = self._measured(going, dropped)
        keepers = self._keepers(verdicts, going)
        undo = (self._kept_for_undo() & set(dropped)) - keepers.keys()
        sized = tuple(
            each if each.kept else self._explained(each, going[each.id] - found.gone, found, keepers, undo)
            for each in verdicts
        )
        counts = {"unpushed": waiting, "kept_for_undo": len(undo)}
        gone, key = tuple(sorted(found.gone)), self._model.key
        return Pruned(key, sized, gone, dropped, found.recoded, found.freed, done=False, **counts)

    def files_of(self, found: Pruned) -> dict[VersionId, set[FileId]]:
        """Return the files that each dropped version of a plan drops."""
        return {verdict.id: self._files[verdict.id] & set(found.recorded) for verdict in found.dropped}

    def explain(self, found: Pruned) -> None:
        """Raise why nothing is dropped, unless an interrupted prune must be ended."""
        if self._is_unfinished():
            return
        if found.unpushed:
            newest = next(each for each in found.versions if each.reason == UNPUSHED)
            raise errors.Unpushed(count=found.unpushed, newest=history.label(self._repository, newest.id))
        what = "the rules keep every version that has bytes" if found.versions else "no version has bytes to drop"
        raise errors.NothingToPrune(reason=what)

    def _read_records(self) -> promised.Dropped:
        return promised.dropped(self._repository.door)

    def _reachable(self) -> list[VersionId]:
        return history.tips(self._model)

    def _kept_for_undo(self) -> set[FileId]:
        return reachable.held(self._repository)

    def _is_unfinished(self) -> bool:
        return expired.pruned(self._repository.door) < self._recorded.seq

    def _branches(self) -> dict[str, VersionId]:
        return {name: tip for name in self._model.names(HEADS) if (tip := self._model.target(HEADS, name))}

    def _always(self) -> dict[VersionId, str]:
        return retention.always_kept(self._repository, since(self._repository, self._actor), self._actor.at)

    def _measured(self, going: Mapping[VersionId, Collection[FileId]], files: tuple[FileId, ...]) -> Measured:
        found, _, live, _ = planned(self._repository, self._actor, GRACE, self._with_records(files, list(going)))
        gone = live.dropped & set(files)
        sizes = self._sizes(going, gone, (live.files | live.spared) - live.dropped)
        held = tuple(held for held in found.held if held.id not in going)
        return Measured(sizes, gone, len(found.plan.changes), found.plan.freed, held)

    def _keepers(
        self, verdicts: Sequence[Verdict], going: Mapping[VersionId, Collection[FileId]]
    ) -> dict[FileId, Verdict]:
        """Return the newest version that keeps it for each file of the versions that go, if one does."""
        files = {file for own in going.values() for file in own}
        known = {verdict.id: verdict for verdict in verdicts}
        found: dict[FileId, Verdict] = {}
        for id_, version in self._versions.items():
            entries = self._repository.objects.tree(version.tree).entries if id_ not in going else ()
            keeper = known.get(id_) or Verdict(id_, version, kept=True, reason="no rule drops its files")
            for entry in entries:
                if entry.file in files and not self._recorded.record(id_, entry.file):
                    found.setdefault(entry.file, keeper)
        return found

    def _explained(
        self,
        verdict: Verdict,
        staying: Collection[FileId],
        found: Measured,
        keepers: Mapping[FileId, Verdict],
        undo: AbstractSet[FileId],
    ) -> Verdict:
        """Return the verdict on a version that goes with its bytes, and what keeps the files of it that are `staying`."""
        kept_in = {keepers[file].id: keepers[file] for file in sorted(staying) if file in keepers}
        others = {file for file in staying if file not in keepers}
        return replace(
            verdict,
            bytes=found.sizes.get(verdict.id, 0),
            kept_in=tuple(kept_in.values()),
            also_used_by=tuple(held for held in found.held if self._uses(held, others)),
            kept_for_undo=len(others & undo),
        )

    def _uses(self, held: Held, files: Collection[FileId]) -> bool:
        """Return whether a version that no ref reaches keeps one of `files`."""
        entries = self._repository.objects.tree(held.version.tree).entries
        return any(entry.file in files and not self._recorded.record(held.id, entry.file) for entry in entries)

    def _verdicts(self, files: Mapping[VersionId, Collection[FileId]]) -> Iterator[Verdict]:
        always = self._always()
        ruled: Mapping[VersionId, str] = {}
        if not self._rules.is_empty and (self._rules.selects or not self._named):
            ruled = retention.kept_by_rules(self._model, self._versions, self._rules, self._branches(), self._actor.at)
            rest = "no rule keeps it"
        else:
            rest = ""
        remote = self._pushed()
        for id_ in self._named:
            if id_ in always:
                raise errors.AlwaysKept(version=history.label(self._repository, id_), reason=f"it is {always[id_]}")
        for id_ in files:
            version = self._versions[id_]
            if id_ in self._named:
                yield Verdict(id_, version, kept=False, reason="named")
            elif id_ in always or id_ in ruled:
                yield Verdict(id_, version, kept=True, reason=always.get(id_) or ruled[id_])
            elif not rest:
                yield Verdict(id_, version, kept=True, reason="not named")
            elif remote is not None and id_ not in remote:
                yield Verdict(id_, version, kept=True, reason=UNPUSHED)
            else:
                yield Verdict(id_, version, kept=False, reason=rest)

    def _pushed(self) -> Collection[VersionId] | None:
        """Return the versions that a remote has; None if that does not count."""
        settings = self._repository.config.remotes().values()
        if self._unpushed or all(map(connection.is_registry, settings)):
            return None
        return retention.on_remotes(self._repository)

    def _droppable(self, id_: VersionId, version: Version) -> set[FileId]:
        """Return the files of a version that the rules drop with it, and that it has not dropped yet.

        A file inside its recipe belongs to the record. One of which nothing is here has nothing to drop.
        """
        entries = self._repository.objects.tree(version.tree).entries
        files = {entry.file for entry in entries if self._rules.drops(entry.role)} - {version.model_toml}
        return {file for file in files if not self._recorded.record(id_, file) and self._has_chunks(file)}

    def _has_chunks(self, file: FileId) -> bool:
        if file not in self._present:
            recipe = disk_usage.recipe_of(self._repository, file)
            chunks = recipe.chunks if recipe is not None else ()
            self._present[file] = any(self._repository.chunks.has_all([chunk]) for chunk, _ in chunks)
        return self._present[file]

    def _without_other_roles(self, going: Mapping[VersionId, Collection[FileId]]) -> tuple[FileId, ...]:
        """Return the files to drop: not those that one of the versions also has in a role that it keeps."""
        kept: set[FileId] = set()
        for id_ in going:
            entries = self._repository.objects.tree(self._versions[id_].tree).entries
            kept |= {entry.file for entry in entries if not self._rules.drops(entry.role)}
        return tuple(sorted({file for own in going.values() for file in own} - kept))

    def _with_records(self, files: tuple[FileId, ...], ids: Sequence[VersionId]) -> promised.Dropped:
        """Return what the records name, and one more for these files and versions."""
        old = promised.expiries(self._repository.door)
        by, at = str(self._actor.person), self._actor.at
        return promised.Dropped([*old, Expired(len(old) + 1, None, "prune", by, at, files, tuple(ids))])

    def _sizes(
        self, going: Mapping[VersionId, Collection[FileId]], gone: AbstractSet[FileId], kept: Collection[FileId]
    ) -> dict[VersionId, int]:
        """Return for each version the bytes of the chunks that go with it; what versions share counts for the newest."""
        seen = {chunk for file in kept for chunk in self._chunks(file)} if gone else set()
        sizes: dict[VersionId, int] = {}
        for id_, own in going.items():
            new = {chunk for file in own if file in gone for chunk in self._chunks(file)} - seen
            seen |= new
            sizes[id_] = sum(self._stored(chunk) for chunk in new)
        return sizes

    def _chunks(self, file: FileId) -> list[ChunkId]:
        recipe = disk_usage.recipe_of(self._repository, file)
        return [chunk for chunk, _ in recipe.chunks] if recipe is not None else []

    def _stored(self, chunk: ChunkId) -> int:
        """Return the bytes of a chunk in the store; 0 if it is absent."""
        return disk_usage.kept_chunk(self._repository, chunk).stored if self._repository.chunks.has_all([chunk]) else 0
