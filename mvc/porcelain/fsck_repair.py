"""`mvc fsck --repair --from REMOTE`: replace what is damaged or missing here by a remote's copies.

metadata packs ─► valid copies of objects and recipes ─► replace damaged ones
a damaged pack ─► its valid entries in a new pack ─► delete it ─► fetch the chunks that are missing now

Nothing readable is lost: the valid entries of a damaged pack are copied before it is deleted.
"""

from __future__ import annotations

from collections.abc import Iterator

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import names
from mvc.model.document import Document
from mvc.model.ids import ChunkId, FileId, VersionId, digest, is_id
from mvc.porcelain import fsck
from mvc.porcelain.fsck import Report
from mvc.remotes import annotation_logs
from mvc.remotes.inventory import Inventory
from mvc.remotes.remote import Remote
from mvc.repository.repository import Repository
from mvc.storage.chunks import codec
from mvc.storage.packs import metapacks, packformat
from mvc.storage.packs.index import Location
from mvc.storage.packs.metapacks import MetaWriter
from mvc.storage.packs.packfile import PackFile
from mvc.storage.packs.packformat import Entry
from mvc.storage.packs.packwriter import PackWriter
from mvc.storage.packs.reader import Place
from mvc.storage.progress import Progress
from mvc.storage.records.annotations.log import Annotation
from mvc.transport import promisor

_DEPTH = 2
"""The slashes in `<model>/<version id>/<number>`."""


@dataclass(frozen=True, slots=True)
class Repaired(Document):
    """The findings before and after the repair."""

    before: Report
    after: Report


def repair(repository: Repository, remote: Remote, progress: Progress | None = None) -> Repaired:
    """Repair what `remote` has copies of; raise as connecting does, DiskFailed. Repairs made by then stay."""
    before = fsck.fsck(repository)
    damaged = [finding.path for finding in before.findings]
    with repository.writing():
        for path in damaged:
            if path.startswith(f"{metapacks.FOLDER}/"):
                _remove_metadata(repository, path)
        fresh = _again(repository)
    there = Inventory(fresh, remote.backend, remote.jobs)
    with fresh.writing():
        for path in damaged:
            _mend(fresh, path)
            _mend_annotation(fresh, remote, path)
    mended = _again(fresh)
    wanted = there.find(_missing(mended))
    promisor.fetch_chunks(mended, remote, [ChunkId(chunk) for chunk in wanted], progress)
    return Repaired(before, fsck.fsck(_again(mended)))


def _again(repository: Repository) -> Repository:
    """Return the same repository without cached state of damaged records."""
    return Repository(repository.root)


def _mend(repository: Repository, path: str) -> None:
    folder, _, name = path.partition("/")
    if folder == "objects":
        _replace(repository, path, repository.metapacks.object(name.rpartition("/")[2]))
    elif folder == "recipes":
        _mend_recipe(repository, path)
    elif folder == "packs":
        _salvage(repository, path)


def _mend_recipe(repository: Repository, path: str) -> None:
    _, _, file, recipe = path.split("/")
    for id_, read in repository.metapacks.recipes(FileId(file)):
        if id_ == recipe:
            _replace(repository, path, read())
            return


def _mend_annotation(repository: Repository, remote: Remote, path: str) -> None:
    """Replace a damaged note or evaluation by the copy of the remote: that with its nonce.

    If the nonce is lost, it is the only one that is not here, or of several the one with its number.
    """
    kind, _, entry = path.partition("/")
    logs = repository.annotations.get(kind)
    if logs is None or entry.count("/") != _DEPTH:
        return
    name, version, number = entry.split("/")
    model, id_, seq = names.decode_component(name), VersionId(version), int(number)
    listed = remote.refs.annotated(kind, model, id_)
    copies = [each for _, each in annotation_logs.read(remote, listed) if isinstance(each, Annotation)]
    nonce = logs.nonce_of(model, id_, seq)
    if nonce is not None:
        chosen = [each for each in copies if each.nonce == nonce]
    else:
        here = {each.nonce for each in logs.entries(model, id_)}
        missing = [each for each in copies if each.nonce not in here]
        chosen = missing if len(missing) == 1 else [each for each in missing if each.seq == seq]
    if chosen:
        logs.replace(model, seq, chosen[0])


def _replace(repository: Repository, path: str, data: bytes | None) -> None:
    if data is not None and digest(data) == path.rpartition("/")[2]:
        repository.door.replace(path, data)


def _remove_metadata(repository: Repository, path: str) -> None:
    """Delete a damaged metadata pack: the remote has its content, or else the intact entries are copied to a new one first."""
    written = _rescued(repository, path)
    repository.door.barrier()
    if path not in written:  # only its index was damaged
        repository.door.remove(path)


def _rescued(repository: Repository, path: str) -> list[str]:
    """Copy the intact entries of a metadata pack that was written here; return the names of the packs."""
    try:
        pack = PackFile(repository.door, path)
        entries = _entries(pack)
    except errors.Damaged:
        return []
    if any(entry.kind not in (packformat.OBJECT, packformat.RECIPE) for entry in entries):
        return []
    writer = MetaWriter(repository.door)
    for entry in entries:
        try:
            data = bytes(codec.decode(entry.encoding, packformat.read_entry(pack, entry), entry.raw))
        except errors.Damaged:
            continue
        if digest(data) == entry.id:
            writer.add(entry.kind, data, file=FileId(entry.base) if entry.base else None)
    return [metapacks.path(written) for written in writer.finish()]


def _salvage(repository: Repository, path: str) -> None:
    """Copy the valid entries of a damaged pack to a new one, and delete the pack."""
    if not is_id(path.rpartition("/")[2].removesuffix(".pack")):
        return
    writer = PackWriter(repository.door)
    try:
        for entry, stored in _whole(repository, path):
            writer.add(entry, stored)
        writer.finish()
    except BaseException:
        writer.discard()
        raise
    repository.door.make_packs_durable()
    repository.door.barrier()
    repository.door.remove(path)
    repository.chunks.refresh()


def _whole(repository: Repository, path: str) -> Iterator[tuple[Entry, memoryview]]:
    """Yield the entries of a pack whose content matches their ids."""
    try:
        pack = PackFile(repository.door, path)
        entries = _entries(pack)
    except errors.Damaged:
        return
    for entry in entries:
        bases = repository.reader.locate(ChunkId(entry.base), below=entry.depth) if entry.base else ()
        try:
            repository.reader.read(ChunkId(entry.id), (Place(Location(path, entry), bases),))
            stored = packformat.read_entry(pack, entry)
        except errors.Damaged:
            continue
        yield entry, stored


def _entries(pack: PackFile) -> list[Entry]:
    try:
        return packformat.read_index(pack)
    except errors.Damaged:
        return packformat.scan(pack)


def _missing(repository: Repository) -> list[str]:
    """Return the chunks that files of versions need and that are neither here nor promised."""
    found: dict[str, None] = {}
    for hit in fsck.fsck(repository).hits:
        try:
            version = repository.objects.version(hit.version)
            tree = repository.objects.tree(version.tree)
        except errors.Damaged:
            continue
        for file in (version.model_toml, *(entry.file for entry in tree.entries)):
            for recipe in repository.recipes.for_file(file):
                found |= {chunk: None for chunk, _ in recipe.chunks if not repository.chunks.has_all([chunk])}
    return list(found)
