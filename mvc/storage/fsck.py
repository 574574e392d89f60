"""fsck of a store: verify every record against its checksum or id, and its path.

    config · heads · ref logs (checksums, numbers, chains) · objects · recipes · packs · metadata packs · logs · journal ·
    merges · bisects · stashes · publications in progress · operations

`mvc.porcelain.fsck` checks that everything versions need is present.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import field
from typing import NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import canonical
from mvc.model.ids import ChunkId, FileId, ManifestId, VersionId, digest, is_id
from mvc.model.manifest import Manifest
from mvc.model.names import decode_component
from mvc.model.tree import Tree
from mvc.model.version import Version
from mvc.storage import objects, plain_version, usage
from mvc.storage.chunks import codec
from mvc.storage.chunks.recipes import Chunks, Recipe
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs import gc, packformat
from mvc.storage.packs.index import ChunkIndex
from mvc.storage.packs.packfile import PackFile
from mvc.storage.packs.packformat import Entry
from mvc.storage.packs.reader import ChunkReader
from mvc.storage.progress import Progress
from mvc.storage.records import (
    clone_source,
    config,
    expired,
    heads,
    journal,
    merges,
    operations,
    promised,
    sparse,
    stashes,
)
from mvc.storage.records.annotations.attestations import Attestation
from mvc.storage.records.annotations.evaluations import Evaluation
from mvc.storage.records.annotations.log import Annotation, Logs
from mvc.storage.records.annotations.remarks import Note
from mvc.storage.records.annotations.signatures import Signature
from mvc.storage.records.reflog import RefEntry, RefLogs, RefName
from mvc.storage.records.unfinished import bisections, publications

FINDINGS = {
    "config": "config.toml cannot be read, or its values do not match its checksum",
    "head": "a head is damaged, or a model has history and no head",
    "ref": "a reflog entry is damaged, missing from the middle, or does not continue the previous one; or a whole log is missing",
    "object": "a version, manifest or tree is damaged",
    "recipe": "a recipe is damaged or misplaced",
    "pack": "a pack is damaged",
    "log": "a record of absent files or versions is damaged or missing from the middle",
    "journal": "the journal of an interrupted command is damaged",
    "clone": "the record of an unfinished clone is damaged",
    "merge": "the record of a merge in progress is damaged",
    "bisect": "the record of a bisect in progress is damaged; `mvc bisect reset` removes it",
    "stash": "an entry of the stashes is damaged or missing from the middle",
    "publication": "the record of a publication in progress is damaged; it is not needed, and may be removed",
    "sparse": "the list of files that are not checked out is damaged; remove it, then `mvc restore .` checks those files out",
    "note": "a note on a version is damaged, or missing from the middle; other commands skip a damaged one, "
    "`mvc fsck --repair --from REMOTE` copies it from a remote, and `mvc notes rm REV N` drops it",
    "evaluation": "an evaluation of a version is damaged, or missing from the middle; other commands skip a damaged one, "
    "`mvc fsck --repair --from REMOTE` copies it from a remote, and `mvc eval rm REV N` drops it",
    "signature": "a signature of a version is damaged, or missing from the middle; `mvc fsck --repair --from REMOTE` copies a damaged "
    "one from a remote, and `mvc sign --remove N REV` drops it",
    "attestation": "an attestation of a version is damaged, or missing from the middle; `mvc fsck --repair --from REMOTE` copies a "
    "damaged one from a remote, and `mvc attest --remove N REV` drops it",
    "operation": "an operation record is damaged; remove it, as `mvc gc` may refuse to run: the edits that it keeps are not known",
    "stray": "a file that does not belong to the store",
    "expired": "a pack still has chunks that only dropped files use; `mvc gc` removes them",
    "missing": "something that a version needs is missing, and no record explains it",
    "number": "a version's number is not one more than its first parent's",
    "path": "a version has a path that must not be written to a disk",
    "content": "checksum mismatch: the bytes of a file do not match its id",
}
"""Every kind of finding, and its meaning."""

_DECODERS: dict[str, Callable[[bytes], Version | Manifest | Tree]] = {
    "version": plain_version.decode,
    "manifest": Manifest.decode,
    "tree": Tree.decode,
}
_TOP = {
    ".gitignore", "README", "config.toml", "heads", "refs", "objects", "recipes", "packs", "meta", "expired", "promised", "absent", "notes", "cache",
    "tmp", "lock", "journal", "clone", "importing", "merges", "bisects", "publishing", "sparse", "collected", "pruned", "stashes", "remarks",
    "evaluations", "signatures", "attestations", "operations",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault: its kind (a key of `FINDINGS`), its path below `.mvc`, and a message."""

    kind: str
    path: str
    message: str


Move = tuple[VersionId | None, VersionId | None, int]
"""The old and the new version of a ref entry, and its time."""


class SoundRecipe(NamedTuple):
    """An intact recipe as the check of versions needs it: without its inline bytes, up to 16 KiB for each of many files."""

    id: bytes
    size: int
    chunks: Chunks


@dataclass(slots=True)
class Sound:
    """The intact parts of a store: the recipes of each file, and the readable chunks, with their smallest chain depth.

    `versions` and `manifests` are the loose ones. `based` holds the depth, chunk and base of each delta until `settle`;
    `moves` the versions and the time of each intact ref entry, in seconds since 1970.
    """

    recipes: dict[FileId, tuple[SoundRecipe, ...]] = field(default_factory=dict)
    versions: dict[VersionId, Version] = field(default_factory=dict)
    manifests: set[ManifestId] = field(default_factory=set)
    chunks: dict[str, int] = field(default_factory=dict)
    based: list[tuple[int, str, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    moves: dict[tuple[RefName, int], Move] = field(default_factory=dict)

    def count(self, what: str, number: int = 1) -> None:
        """Count a checked record."""
        self.counts[what] = self.counts.get(what, 0) + number

    def add_recipe(self, data: bytes, file: str, name: str, fan: str) -> None:
        """Add the recipe `name` of a file, of which another copy may be known. Raises MvcError unless it is intact."""
        if digest(data) != name:
            raise errors.Damaged(what=f"the recipe {name}", reason="checksum mismatch")
        known, id_ = self.recipes.get(FileId(file), ()), bytes.fromhex(name)
        if any(recipe.id == id_ for recipe in known):  # the same bytes, which need not be decoded again
            return
        recipe = Recipe.decode(data)
        if recipe.file != file or not file.startswith(fan):
            raise errors.Damaged(what=f"the recipe {name}", reason="it is in the folder of another file")
        self.recipes[recipe.file] = (*known, SoundRecipe(id_, recipe.size, recipe.chunks))

    def add_object(self, id_: str, value: Version | Manifest | Tree) -> None:
        """Add an intact loose object."""
        if isinstance(value, Version):
            self.versions[VersionId(id_)] = value
        elif isinstance(value, Manifest):
            self.manifests.add(ManifestId(id_))

    def settle(self) -> None:
        """Add the deltas whose bases are intact and have a smaller depth."""
        for depth, chunk, base in sorted(self.based):
            if self.chunks.get(base, depth) < depth:
                self.chunks.setdefault(chunk, depth)
        self.based.clear()

    def complete(self, file: FileId) -> bool:
        """Return whether an intact recipe of the file has all its chunks."""
        return any(all(chunk in self.chunks for chunk, _ in recipe.chunks) for recipe in self.recipes.get(file, ()))


def check(door: StoreDoor, sound: Sound, progress: Progress | None = None) -> Iterator[Finding]:
    """Yield all findings of the store below `door`, and add the intact parts to `sound`. `progress` counts bytes of packs."""
    yield from _config(door)
    yield from _heads(door)
    yield from _refs(door, sound)
    yield from _objects(door, sound)
    yield from _recipes(door, sound)
    yield from _packs(door, sound, progress)
    yield from _logs(door)
    yield from _journal(door)
    yield from _clone(door)
    yield from _merges(door)
    yield from _bisects(door)
    yield from _stashes(door)
    yield from _publishing(door)
    yield from _sparse(door)
    for kind in (Note, Evaluation, Signature, Attestation):
        yield from _annotations(door, kind, sound)
    yield from _operations(door)
    yield from (
        Finding("stray", name, "it does not belong to the store; remove it")
        for name in door.names("")
        if name not in _TOP
    )


def _config(door: StoreDoor) -> Iterator[Finding]:
    try:
        values = config.parse(door.read(config.NAME), config.NAME)
        if values.get("sum") != config.checksum(values):
            hint = "edited by hand or damaged; check its content, then run any `mvc config KEY VALUE` to seal it again"
            yield Finding("config", config.NAME, f"its values do not match its checksum: {hint}")
    except errors.MvcError as error:
        yield Finding("config", config.NAME, error.message)


def _heads(door: StoreDoor) -> Iterator[Finding]:
    all_heads = heads.Heads(door)
    known = set()
    for name in door.names(heads.FOLDER):
        try:
            known.add(decode_component(name))
            all_heads.get(decode_component(name))
        except errors.Damaged as error:
            yield Finding("head", f"{heads.FOLDER}/{name}", error.message)
    for name in door.names("refs"):
        try:
            if decode_component(name) not in known:
                path = all_heads.path(decode_component(name))
                yield Finding("head", path, f"{decode_component(name)} has history, but no head")
        except errors.Damaged as error:
            yield Finding("ref", f"refs/{name}", error.message)


def _refs(door: StoreDoor, sound: Sound) -> Iterator[Finding]:
    logs = RefLogs(door)
    for model in door.names("refs"):
        try:
            refs = [
                ref
                for kind in logs.kinds(decode_component(model), published=True)
                for ref in logs.all(decode_component(model), kind)
            ]
        except errors.Damaged as error:
            yield Finding("ref", f"refs/{model}", error.message)
            continue
        for ref in refs:
            yield from _log(door, logs, ref, sound)


def _log(door: StoreDoor, logs: RefLogs, ref: RefName, sound: Sound) -> Iterator[Finding]:
    listed = door.names(ref.folder)
    numbers = logs.numbered(listed)
    if len(numbers) != len(listed):
        yield Finding("stray", ref.folder, "something there is not a ref entry")
    if numbers != list(range(1, len(numbers) + 1)):
        yield Finding("ref", ref.folder, f"its entries are numbered {_gaps(numbers)}")
    before: RefEntry | None = None
    id_ = ""
    for number in numbers:
        sound.count("ref entries")
        before_id = id_
        try:
            entry, id_ = logs.identified(ref, number)
        except errors.Damaged as error:
            yield Finding("ref", ref.path(number), error.message)
            before = None
            continue
        follows = before is None or (entry.prev == before_id and entry.old == before.new)
        if not follows or (number == 1 and (entry.prev, entry.old) != (None, None)):
            yield Finding("ref", ref.path(number), f"entry {number} of {ref.text} does not follow the one before it")
        before = entry
        sound.moves[ref, number] = (entry.old, entry.new, entry.move.at.seconds)


def _gaps(numbers: list[int]) -> str:
    missing = sorted(set(range(1, (numbers or [0])[-1] + 1)) - set(numbers))
    return f"without {', '.join(map(str, missing[:5]))}" if missing else "in no order"


def _objects(door: StoreDoor, sound: Sound) -> Iterator[Finding]:
    for fan in door.names(objects.FOLDER):
        for name in door.names(f"{objects.FOLDER}/{fan}"):
            sound.count("objects")
            path = f"{objects.FOLDER}/{fan}/{name}"
            if not is_id(name) or not name.startswith(fan):
                yield Finding("stray", path, "it is not named as an object")
                continue
            fault = _object_fault(door, path, name, sound)
            if fault:
                yield Finding("object", path, fault)


def _object_fault(door: StoreDoor, path: str, id_: str, sound: Sound) -> str | None:
    try:
        data = door.read(path)
        if digest(data) != id_:
            return "checksum mismatch"
        sound.add_object(id_, _object(data))
    except errors.MvcError as error:
        return error.message
    except OSError as error:
        return str(error)
    return None


def _object(data: bytes) -> Version | Manifest | Tree:
    """Return the object in `data`; raise NotCanonical."""
    for kind, decode in _DECODERS.items():
        if f'"kind":"{kind}"'.encode() in data:
            with contextlib.suppress(errors.MvcError):  # the text may be that of a message
                return decode(data)
    record = canonical.decode(data)
    name = record.get("kind") if isinstance(record, dict) else None
    if not isinstance(name, str) or name not in _DECODERS:
        raise errors.NotCanonical(reason=f"it is of the unknown kind {name}")
    return _DECODERS[name](data)


def _recipes(door: StoreDoor, sound: Sound) -> Iterator[Finding]:
    for fan in door.names("recipes"):
        for file in door.names(f"recipes/{fan}"):
            for name in door.names(f"recipes/{fan}/{file}"):
                sound.count("recipes")
                path = f"recipes/{fan}/{file}/{name}"
                try:
                    sound.add_recipe(door.read(path), file, name, fan)
                except (errors.MvcError, OSError) as error:
                    yield Finding("recipe", path, getattr(error, "message", str(error)))


def _packs(door: StoreDoor, sound: Sound, progress: Progress | None) -> Iterator[Finding]:
    chunk_packs = [f"packs/{fan}/{name}" for fan in door.names("packs") for name in door.names(f"packs/{fan}")]
    reader = ChunkReader(door, ChunkIndex(door))
    sizes = {path: usage.size(door, path) for path in (*chunk_packs, *(f"meta/{name}" for name in door.names("meta")))}
    if progress is not None:
        progress.expect(sum(sizes.values()))
    for path, size in sizes.items():
        sound.count("packs")
        yield from _pack(door, path, reader, sound)
        if progress is not None:
            progress(size)
    sound.settle()


def _pack(door: StoreDoor, path: str, reader: ChunkReader, sound: Sound) -> Iterator[Finding]:
    name = path.rpartition("/")[2]
    if not name.endswith(".pack") or not is_id(name.removesuffix(".pack")):
        yield Finding("stray", path, "it is not named as a pack")
        return
    try:
        pack = PackFile(door, path)
    except errors.Damaged as error:
        yield Finding("pack", path, error.message)
        return
    try:
        entries = packformat.verify(pack)
    except errors.Damaged as error:
        yield Finding("pack", path, error.message)
        entries = [entry for entry in _readable(pack) if _whole(pack, entry, reader)]
    yield from _note(pack, entries, sound)


def _note(pack: PackFile, entries: list[Entry], sound: Sound) -> Iterator[Finding]:
    for entry in entries:
        if entry.kind == packformat.CHUNK and entry.base is None:
            sound.chunks[entry.id] = 0
        elif entry.kind == packformat.CHUNK:
            sound.based.append((entry.depth, entry.id, str(entry.base)))
        elif entry.kind == packformat.RECIPE and entry.base is not None:
            try:
                data = bytes(codec.decode(entry.encoding, packformat.read_entry(pack, entry), entry.raw))
                sound.add_recipe(data, entry.base, entry.id, entry.base[:2])
            except errors.MvcError as error:
                yield Finding("recipe", pack.name, error.message)
    sound.count("chunks", sum(entry.kind == packformat.CHUNK for entry in entries))


def _readable(pack: PackFile) -> list[Entry]:
    """Return the entries of a damaged pack: from its index if that is intact, else from the entries themselves."""
    try:
        return packformat.read_index(pack)
    except errors.Damaged:
        return packformat.scan(pack)


def _whole(pack: PackFile, entry: Entry, reader: ChunkReader) -> bool:
    try:
        base = ChunkId(entry.base) if entry.kind == packformat.CHUNK and entry.base else None
        under = reader.read(base, reader.locate(base, below=entry.depth)) if base else None
        stored = packformat.read_entry(pack, entry)
        return digest(codec.decode(entry.encoding, stored, entry.raw, width=entry.width, base=under)) == entry.id
    except errors.MvcError:
        return False


def _sparse(door: StoreDoor) -> Iterator[Finding]:
    for name in door.names(sparse.FOLDER):
        try:
            sparse.paths(door, decode_component(name))
        except errors.Damaged as error:
            yield Finding("sparse", f"{sparse.FOLDER}/{name}", error.message)


def _annotations(door: StoreDoor, kind: type[Annotation], sound: Sound) -> Iterator[Finding]:
    logs = Logs(door, kind)
    for name in door.names(kind.FOLDER):
        try:
            model = decode_component(name)
        except errors.Damaged as error:
            yield Finding(kind.NOUN, f"{kind.FOLDER}/{name}", error.message)
            continue
        for version in door.names(logs.folder(model)):
            yield from _annotations_of(door, logs, model, version, sound)


def _annotations_of(
    door: StoreDoor, logs: Logs[Annotation], model: str, version: str, sound: Sound
) -> Iterator[Finding]:
    log, noun = logs.folder(model, version), logs.kind.NOUN
    numbers = RefLogs.numbered(door.names(log)) if is_id(version) else []
    if len(numbers) != len(door.names(log)) or not is_id(version):
        yield Finding("stray", log, f"something there is no {noun}")
    if numbers != list(range(1, len(numbers) + 1)):
        yield Finding(noun, log, f"its entries are numbered {_gaps(numbers)}")
    for number in numbers:
        sound.count(f"{noun}s")
        try:
            logs.entry(model, VersionId(version), number)
        except errors.Damaged as error:
            yield Finding(noun, f"{log}/{number:010d}", error.message)


def _logs(door: StoreDoor) -> Iterator[Finding]:
    try:
        gc.recorded_expiry(door)
    except errors.Damaged as error:
        yield Finding("log", gc.RECORD, error.message)
    try:
        expired.pruned(door)
    except errors.Damaged as error:
        yield Finding("log", expired.PRUNED, error.message)
    for folder in promised.FOLDERS:
        try:
            promised.read_log(door, folder)
        except errors.Damaged as error:
            yield Finding("log", folder, error.message)


def _clone(door: StoreDoor) -> Iterator[Finding]:
    try:
        clone_source.unfinished(door)
    except errors.Damaged as error:
        yield Finding("clone", clone_source.NAME, error.message)


def _journal(door: StoreDoor) -> Iterator[Finding]:
    try:
        journal.pending(door)
    except errors.Damaged as error:
        yield Finding("journal", journal.NAME, error.message)


def _merges(door: StoreDoor) -> Iterator[Finding]:
    for name in door.names(merges.FOLDER):
        try:
            merges.recorded(door, decode_component(name))
        except errors.Damaged as error:
            yield Finding("merge", f"{merges.FOLDER}/{name}", error.message)


def _bisects(door: StoreDoor) -> Iterator[Finding]:
    for name in door.names(bisections.FOLDER):
        try:
            bisections.recorded(door, decode_component(name))
        except errors.Damaged as error:
            yield Finding("bisect", f"{bisections.FOLDER}/{name}", error.message)


def _stashes(door: StoreDoor) -> Iterator[Finding]:
    for name in door.names(stashes.FOLDER):
        path = f"{stashes.FOLDER}/{name}"
        try:
            listed = door.names(path)
            if len(RefLogs.numbered(listed)) != len(listed):
                yield Finding("stray", path, "something there is not a stash entry")
            stashes.read(door, decode_component(name))
        except errors.Damaged as error:
            yield Finding("stash", path, error.message)


def _publishing(door: StoreDoor) -> Iterator[Finding]:
    for name in door.names(publications.FOLDER):
        try:
            with contextlib.suppress(FileNotFoundError):  # it has ended since
                publications.check(door, name)
        except errors.Damaged as error:
            yield Finding("publication", f"{publications.FOLDER}/{name}", error.message)


def _operations(door: StoreDoor) -> Iterator[Finding]:
    listed, counted = door.names(operations.FOLDER), set(operations.numbers(door))
    for name in listed:
        path = f"{operations.FOLDER}/{name}"
        if not name.isdigit() or path != operations.path(int(name)):
            yield Finding("stray", path, "it is not named as an operation")
            continue
        if int(name) not in counted and door.exists(path):
            yield Finding("stray", path, "its number is far beyond those of the other operations, so it is ignored")
            continue
        try:
            operations.read(door, int(name))
        except FileNotFoundError:  # it has expired since
            continue
        except errors.Damaged as error:
            yield Finding("operation", path, error.message)
