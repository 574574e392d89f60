"""`mvc fsck --remote`: verify everything that a remote's refs reach.

every ref entry, and its chain ─► versions ─► manifests, trees ─► recipes ─► chunks with their bases, in packs of full size
every metadata pack read and hashed; --read-data: every pack; --subset n/t: each of t runs another part of them
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import FileId, PackId, VersionId
from mvc.model.version import Version
from mvc.porcelain.fsck import Hit, Report
from mvc.remotes import annotation_logs, expiries
from mvc.remotes.inventory import Inventory, Places, fault
from mvc.remotes.remote import Remote
from mvc.repository import history
from mvc.repository.repository import Repository
from mvc.storage.chunks.recipes import Recipe
from mvc.storage.disk.workers import Workers
from mvc.storage.fsck import Finding
from mvc.storage.packs import packformat
from mvc.storage.progress import Progress
from mvc.storage.records.annotations.log import MAX_ENTRIES
from mvc.storage.records.promised import Dropped
from mvc.storage.records.reflog import RefEntry, RefName
from mvc.transport import presence, tracking

_SHOWN = 5
"""Missing notes or evaluations of one version that are listed."""
ALL = (1, 1)
"""The subset of all packs."""


@dataclass(slots=True)
class _Found:
    """The findings so far."""

    findings: list[Finding] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, path: str, message: str) -> None:
        self.findings.append(Finding(kind, path, message))


@dataclass(frozen=True, slots=True)
class Survey:
    """The checked state of a remote: its refs, and its inventory, whose suspects are the damaged packs.

    `damaged` maps these and damaged metadata packs to their faults; `whole` are the packs that were read and are valid.
    """

    report: Report
    tips: dict[RefName, RefEntry]
    inventory: Inventory
    damaged: dict[PackId, str]
    whole: frozenset[PackId]


def survey(
    repository: Repository,
    remote: Remote,
    *,
    read_data: bool = False,
    subset: tuple[int, int] = ALL,
    progress: Progress | None = None,
) -> Report:
    """Check a remote without writing; read all its metadata, and with `read_data` all packs or a subset.

    `subset` (2, 5) is the second of five parts. Raises NoRemoteYet, NotARemote, RemoteVanished, RemoteUnreachable,
    RemoteDenied.
    """
    return examine(repository, remote, read_data=read_data, subset=subset, progress=progress).report


def examine(
    repository: Repository,
    remote: Remote,
    *,
    read_data: bool = False,
    subset: tuple[int, int] = ALL,
    whole: frozenset[PackId] = frozenset(),
    progress: Progress | None = None,
) -> Survey:
    """Check a remote without writing; with `read_data`, read the packs of part `subset[0]` of `subset[1]`.

    Metadata packs are always read, and so are packs with a damage hint that nothing replaces; packs in `whole` are not.
    Raises NoRemoteYet, NotARemote, RemoteVanished, RemoteUnreachable, RemoteDenied.
    """
    presence.check(repository, remote)
    found = _Found()
    listing = remote.refs.everything()
    tips = _names(remote, listing.refs, found)
    _annotations(remote, listing.annotations, found)
    _seen(repository, remote, tips, found)
    there = Inventory(repository, remote.backend, remote.jobs, reread=True)
    versions = _versions(repository, there, tips, found)
    needed = _needed_files(repository, there, versions, _dropped(remote, found))
    recipes = _recipes(repository, there, needed)
    places = there.find({chunk for each in recipes.values() for recipe in each for chunk, _ in recipe.chunks})
    chosen = set(_part(there, subset)) if read_data else set()
    chosen |= _needed(there, recipes, places)
    faults = _read(remote, there, sorted(chosen - whole), progress)
    whole |= chosen - faults.keys()
    there.suspects = (there.suspects | faults.keys()) - whole
    found.counts |= {"names": len(tips), "versions": len(versions), "files": len(recipes), "chunks": len(places)}
    found.counts |= {"packs": len(there.packs), "metadata packs": len(there.metapacks) + len(there.damaged)}
    if read_data:
        found.counts["packs read"] = len(chosen)
    _files(there, versions, needed, (recipes, places), found)
    damaged = faults | {pack: str(error.fields.get("reason", error.message)) for pack, error in there.damaged.items()}
    _packs(there, damaged, _needed(there, recipes, places), found)
    part = "/".join(map(str, subset)) if read_data and subset != ALL else None
    report = Report(tuple(found.findings), tuple(found.hits), found.counts, None, subset=part)
    return Survey(report, tips, there, damaged, whole)


def _names(remote: Remote, numbers: dict[RefName, int], found: _Found) -> dict[RefName, RefEntry]:
    """Return the newest entry of each ref; check every log from its first entry."""
    tips: dict[RefName, RefEntry] = {}
    with Workers(remote.jobs) as workers:
        for ref, newest in sorted(numbers.items()):
            read = workers.ahead(lambda seq, ref=ref: _entry(remote, ref, seq), range(1, newest + 1), 4 * remote.jobs)  # type: ignore[misc]
            for seq, entry in enumerate(read, 1):
                _check_entry(ref, seq, entry, tips.get(ref), found)
                if isinstance(entry, RefEntry):
                    tips[ref] = entry
                found.counts["entries"] = found.counts.get("entries", 0) + 1
    return tips


def _annotations(remote: Remote, numbers: dict[RefName, list[int]], found: _Found) -> None:
    """Check every note and evaluation, and that none is missing from the middle."""
    for log, seqs in numbers.items():
        for seq in sorted(set(range(1, min(seqs[-1], MAX_ENTRIES) + 1)) - set(seqs))[:_SHOWN]:
            found.add(annotation_logs.KINDS[log.kind].NOUN, log.path(seq), "it is missing")
    for log, entry in annotation_logs.read(remote, numbers):
        noun = annotation_logs.KINDS[log.kind].NOUN
        found.counts[f"{noun}s"] = found.counts.get(f"{noun}s", 0) + 1
        if isinstance(entry, errors.MvcError):
            found.add(noun, log.folder, f"it cannot be read: {entry.message}")


def _seen(repository: Repository, remote: Remote, tips: dict[RefName, RefEntry], found: _Found) -> None:
    """Report refs with an entry that was seen before and that the remote has lost."""
    reported = {finding.path for finding in found.findings}
    for ref, last in tracking.all_refs(repository, remote.name):
        tip = tips.get(ref)
        entry = tip if tip is not None and tip.seq <= last.seq else _entry(remote, ref, last.seq)
        if ref.path(last.seq) not in reported:
            if isinstance(entry, errors.Damaged):
                found.add("ref", ref.path(last.seq), f"it cannot be read: {entry.message}")
            elif entry is None or entry.seq < last.seq:
                found.add("ref", ref.path(last.seq), f"it is missing, and was the newest of {ref.text} of {ref.model}")
            elif entry.id != last.entry:
                found.add("ref", ref.path(last.seq), "it is another one than this repository has seen")


def _entry(remote: Remote, ref: RefName, seq: int) -> RefEntry | errors.Damaged | None:
    try:
        return remote.refs.entry(ref, seq)
    except errors.Damaged as error:
        return error


def _check_entry(
    ref: RefName, seq: int, entry: RefEntry | errors.Damaged | None, before: RefEntry | None, found: _Found
) -> None:
    if entry is None:
        found.add("ref", ref.path(seq), "it is missing")
    elif isinstance(entry, errors.Damaged):
        reason = entry.fields.get("reason", entry.message.rstrip("."))
        found.add("ref", ref.path(seq), f"it is damaged: {reason}")
    elif seq > 1 and before is not None and before.seq == seq - 1:
        if entry.prev != before.id or entry.old != before.new:
            found.add("ref", ref.path(seq), "it does not follow the entry before it")
    elif seq == 1 and (entry.prev is not None or entry.old is not None):
        found.add("ref", ref.path(seq), "it is the first, and names one before it")


def _versions(
    repository: Repository, there: Inventory, tips: dict[RefName, RefEntry], found: _Found
) -> dict[VersionId, tuple[Version, set[str]]]:
    """Return all reachable versions, each with the models whose refs reach it."""
    versions: dict[VersionId, tuple[Version, set[str]]] = {}
    for ref, tip in tips.items():

        def parents(id_: VersionId, ref: RefName = ref) -> tuple[VersionId, ...]:
            if id_ in versions:
                version, models = versions[id_]
                known = ref.model in models
                models.add(ref.model)
                return () if known else version.parents
            fresh = _version(repository, there, id_, ref, found)
            if fresh is None:
                return ()
            versions[id_] = (fresh, {ref.model})
            return fresh.parents

        for _ in history.reach([tip.new] if tip.new is not None else [], parents):
            pass
    return versions


def _version(repository: Repository, there: Inventory, id_: VersionId, ref: RefName, found: _Found) -> Version | None:
    if id_ not in there.objects:
        found.add("missing", f"version {id_[:10]}", f"{ref.text} of {ref.model} points to it")
        found.hits.append(Hit(id_, None, (ref.model,), None))
        return None
    version = repository.objects.version(id_)
    for what, other in (("manifest", version.manifest), ("tree", version.tree)):
        if other not in there.objects:
            found.add("missing", f"{what} {other[:10]}", f"version {id_[:10]} needs it")
            found.hits.append(Hit(id_, version.number, (ref.model,), None))
    return version


def _dropped(remote: Remote, found: _Found) -> Dropped:
    """Return the versions and files that were dropped on the remote."""
    try:
        return Dropped(expiries.read(remote.backend))
    except errors.EntryDamagedThere as error:
        found.add("log", str(error.fields["path"]), f"it is damaged: {error.fields['reason']}")
        return Dropped(())


def _needed_files(
    repository: Repository, there: Inventory, versions: dict[VersionId, tuple[Version, set[str]]], dropped: Dropped
) -> dict[VersionId, list[tuple[str, FileId]]]:
    """Return the path and id of each file of each version that it has not dropped."""
    return {
        id_: [(path, file) for path, file in _listed(repository, there, version) if not dropped.record(id_, file)]
        for id_, (version, _) in versions.items()
    }


def _recipes(
    repository: Repository, there: Inventory, needed: dict[VersionId, list[tuple[str, FileId]]]
) -> dict[FileId, list[Recipe]]:
    """Return the remote's recipes of each needed file."""
    files = {file for listed in needed.values() for _, file in listed}
    return {file: [each for each in repository.recipes.for_file(file) if each.id() in there.recipes] for file in files}


def _files(
    there: Inventory,
    versions: dict[VersionId, tuple[Version, set[str]]],
    needed: dict[VersionId, list[tuple[str, FileId]]],
    stored: tuple[dict[FileId, list[Recipe]], Places],
    found: _Found,
) -> None:
    """Check that each file of each version has a recipe, and all its chunks in packs that are not damaged."""
    recipes, places = stored
    sound = there.sound(places)
    for id_, (version, models) in versions.items():
        for path, file in needed[id_]:
            reason = _fault(recipes[file], places, sound)
            if reason is not None:
                found.add("missing", path, f"v{version.number} {id_[:10]}: {reason}")
                found.hits.append(Hit(id_, version.number, tuple(sorted(models)), path))


def _needed(there: Inventory, recipes: dict[FileId, list[Recipe]], places: Places) -> set[PackId]:
    """Return the packs that may contain chunks of files that cannot be rebuilt without suspects."""
    sound = there.sound(places)
    broken = [each for each in recipes.values() if not any(_has_all(recipe, sound) for recipe in each)]
    waiting: set[str] = {chunk for each in broken for recipe in each for chunk, _ in recipe.chunks}
    done: set[str] = set()
    while waiting:
        chunk = waiting.pop()
        done.add(chunk)
        waiting |= {place.entry.base for place in places.get(chunk, ()) if place.entry.base} - done
    return {place.pack for chunk in done for place in places.get(chunk, ())}


def _packs(there: Inventory, damaged: dict[PackId, str], needed: set[PackId], found: _Found) -> None:
    """Report damaged packs, except those that a hint names and other packs replace."""
    incomplete = any(finding.kind == "missing" for finding in found.findings)
    replaced = 0
    for pack, reason in damaged.items():
        is_metadata = pack in there.damaged
        if pack in there.hinted and not (incomplete if is_metadata else pack in needed):
            replaced += 1
        else:
            found.add("pack", there.names[pack] if is_metadata else packformat.path(pack), reason)
    if replaced:
        found.counts["damaged packs, replaced"] = replaced


def _listed(repository: Repository, there: Inventory, version: Version) -> Iterator[tuple[str, FileId]]:
    yield "model.toml", version.model_toml
    if version.tree in there.objects:
        yield from ((entry.path, entry.file) for entry in repository.objects.tree(version.tree).entries)


def _fault(recipes: list[Recipe], places: Places, sound: Places) -> str | None:
    if not recipes:
        return "no recipe of it is there"
    if any(_has_all(recipe, sound) for recipe in recipes):
        return None
    missing = next(chunk for chunk, _ in recipes[0].chunks if chunk not in sound)
    return f"chunk {missing[:10]} is {'only in a damaged pack' if missing in places else 'not there'}"


def _has_all(recipe: Recipe, places: Places) -> bool:
    return all(chunk in places for chunk, _ in recipe.chunks)


def _part(there: Inventory, subset: tuple[int, int]) -> Iterator[PackId]:
    """Return one part of the packs, without those that no metadata names: an interrupted push sends them again."""
    part, parts = subset
    return (pack for pack in there.named if int(pack[:8], 16) % parts == part - 1)


def _read(remote: Remote, there: Inventory, chosen: list[PackId], progress: Progress | None) -> dict[PackId, str]:
    """Read packs from the remote; return the damaged ones, each with its fault."""
    if progress is not None and chosen:
        progress.expect(sum(there.packs[pack] for pack in chosen))

    def read(pack: PackId) -> tuple[PackId, str | None]:
        return pack, fault(remote.backend, packformat.path(pack), pack, there.packs[pack])

    faults: dict[PackId, str] = {}
    with Workers(remote.jobs) as workers:
        for pack, reason in workers.ahead(read, chosen, remote.jobs):
            if reason is not None:
                faults[pack] = reason
            if progress is not None:
                progress(there.packs[pack])
    return faults
