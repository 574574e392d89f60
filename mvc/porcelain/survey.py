"""`mvc fsck --remote`: whether a remote has, whole, all that its names lead to.

every ref entry, and its chain ─► versions ─► manifests, trees ─► recipes ─► chunks with their bases, in packs of full size
--read-data: every pack read and hashed; --subset n/t: each of t runs another part of them
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mvc import errors
from mvc.model.ids import FileId, Hasher, PackId, VersionId
from mvc.model.version import Version
from mvc.porcelain.fsck import Hit, Report
from mvc.remotes import remote as remotes
from mvc.remotes.inventory import Inventory, Places
from mvc.remotes.remote import Remote
from mvc.repository.repository import Repository
from mvc.storage import packs
from mvc.storage.fsck import Finding
from mvc.storage.progress import Progress
from mvc.storage.recipes import Recipe
from mvc.storage.reflog import RefEntry, RefName
from mvc.storage.workers import Workers

ALL = (1, 1)
"""The subset that has all packs."""


@dataclass(slots=True)
class _Found:
    """What was found so far."""

    findings: list[Finding] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, path: str, message: str) -> None:
        self.findings.append(Finding(kind, path, message))


def survey(
    repository: Repository,
    remote: Remote,
    *,
    read_data: bool = False,
    subset: tuple[int, int] = ALL,
    progress: Progress | None = None,
) -> Report:
    """Check a remote; writes nothing there. Of its packs, part `subset[0]` of `subset[1]` is read where `read_data` asks for it.

    Raises NoRemoteYet, NotARemote, RemoteUnreachable, RemoteDenied, and Damaged for a metadata pack that cannot be read.
    """
    remotes.check(remote.backend)
    found = _Found()
    tips = _names(remote, found)
    there = Inventory(repository, remote.backend, remote.jobs)
    for pack, error in there.damaged.items():
        found.add("pack", there.names[pack], str(error.fields.get("reason", error.message)))
    versions = _versions(repository, there, tips, found)
    _files(repository, there, versions, found)
    if read_data:
        _read(remote, there, subset, found, progress)
    found.counts |= {"names": len(tips), "versions": len(versions), "packs": len(there.packs)}
    return Report(tuple(found.findings), tuple(found.hits), found.counts, None)


def _names(remote: Remote, found: _Found) -> dict[RefName, RefEntry]:
    """The newest entry of each name, every log checked from its first entry on."""
    tips: dict[RefName, RefEntry] = {}
    with Workers(remote.jobs) as workers:
        for ref, newest in sorted(remote.refs.numbers().items()):
            read = workers.ahead(lambda seq, ref=ref: _entry(remote, ref, seq), range(1, newest + 1), 4 * remote.jobs)  # type: ignore[misc]
            for seq, entry in enumerate(read, 1):
                _check_entry(ref, seq, entry, tips.get(ref), found)
                if isinstance(entry, RefEntry):
                    tips[ref] = entry
                found.counts["entries"] = found.counts.get("entries", 0) + 1
    return tips


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
        found.add("ref", ref.path(seq), entry.message)
    elif seq > 1 and before is not None and before.seq == seq - 1:
        if entry.prev != before.id or entry.old != before.new:
            found.add("ref", ref.path(seq), "it does not follow the entry before it")
    elif seq == 1 and (entry.prev is not None or entry.old is not None):
        found.add("ref", ref.path(seq), "it is the first, and names one before it")


def _versions(
    repository: Repository, there: Inventory, tips: dict[RefName, RefEntry], found: _Found
) -> dict[VersionId, tuple[Version, set[str]]]:
    """All versions that the names lead to, each with the models that lead there."""
    versions: dict[VersionId, tuple[Version, set[str]]] = {}
    for ref, tip in tips.items():
        waiting = [tip.new] if tip.new is not None else []
        while waiting:
            id_ = waiting.pop()
            if id_ in versions:
                versions[id_][1].add(ref.model)
                continue
            version = _version(repository, there, id_, ref, found)
            if version is not None:
                versions[id_] = (version, {ref.model})
                waiting += version.parents
    return versions


def _version(repository: Repository, there: Inventory, id_: VersionId, ref: RefName, found: _Found) -> Version | None:
    if id_ not in there.objects:
        found.add("missing", f"version {id_[:10]}", f"{ref.text} of {ref.model} leads to it")
        found.hits.append(Hit(id_, None, (ref.model,), None))
        return None
    version = repository.objects.version(id_)
    for what, other in (("manifest", version.manifest), ("tree", version.tree)):
        if other not in there.objects:
            found.add("missing", f"{what} {other[:10]}", f"version {id_[:10]} needs it")
            found.hits.append(Hit(id_, version.number, (ref.model,), None))
    return version


def _files(
    repository: Repository, there: Inventory, versions: dict[VersionId, tuple[Version, set[str]]], found: _Found
) -> None:
    """Whether of each file of each version a recipe is there, and all its chunks."""
    needed = {file for version, _ in versions.values() for _, file in _listed(repository, there, version)}
    recipes = {
        file: [each for each in repository.recipes.for_file(file) if each.id() in there.recipes] for file in needed
    }
    places = there.find({chunk for each in recipes.values() for recipe in each for chunk, _ in recipe.chunks})
    found.counts |= {"files": len(needed), "chunks": len(places)}
    for id_, (version, models) in versions.items():
        for path, file in _listed(repository, there, version):
            fault = _fault(recipes[file], places)
            if fault is not None:
                found.add("missing", path, f"v{version.number} {id_[:10]}: {fault}")
                found.hits.append(Hit(id_, version.number, tuple(sorted(models)), path))


def _listed(repository: Repository, there: Inventory, version: Version) -> Iterator[tuple[str, FileId]]:
    yield "model.toml", version.model_toml
    if version.tree in there.objects:
        yield from ((entry.path, entry.file) for entry in repository.objects.tree(version.tree).entries)


def _fault(recipes: list[Recipe], places: Places) -> str | None:
    if not recipes:
        return "no recipe of it is there"
    if not any(all(chunk in places for chunk, _ in recipe.chunks) for recipe in recipes):
        missing = next(chunk for chunk, _ in recipes[0].chunks if chunk not in places)
        return f"chunk {missing[:10]} is not there"
    return None


def _read(remote: Remote, there: Inventory, subset: tuple[int, int], found: _Found, progress: Progress | None) -> None:
    """Read and hash packs, but for those that no metadata names: a push that was interrupted has left them, and sends them again."""
    part, parts = subset
    chosen = [pack for pack in sorted(there.named) if int(pack[:8], 16) % parts == part - 1]
    if progress is not None:
        progress.expect(sum(there.packs[pack] for pack in chosen))

    def read(pack: PackId) -> tuple[PackId, str | None]:
        hasher = Hasher()
        try:
            remote.backend.get(packs.path(pack), hasher.update, there.packs[pack])
        except FileNotFoundError:
            return pack, "it is gone"
        return pack, None if hasher.digest() == pack else "its bytes are not those it names"

    with Workers(remote.jobs) as workers:
        for pack, fault in workers.ahead(read, chosen, remote.jobs):
            if fault is not None:
                found.add("pack", packs.path(pack), fault)
            if progress is not None:
                progress(there.packs[pack])
    found.counts["packs read"] = len(chosen)
