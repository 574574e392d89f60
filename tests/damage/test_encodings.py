"""A wrong bit in an entry of each encoding: `fsck --read-data` names the chunk, and the versions and files that need it."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from mvc import errors
from mvc.model.ids import ChunkId, PackId, digest
from mvc.porcelain.fsck import fsck
from mvc.repository.repository import Repository
from mvc.storage.chunks import codec, encoder, encodings
from mvc.storage.chunks.encodings import Shape
from mvc.storage.packs import packformat
from mvc.storage.packs.index import Location
from mvc.storage.packs.packfile import PackFile
from mvc.storage.packs.packformat import Entry
from mvc.storage.packs.packwriter import PackWriter
from mvc.storage.records import config
from tests.crash.harness import mvc
from tests.quantised import gguf
from tests.required import stored

CASTS = Path(__file__).resolve().parents[1] / "stores" / "casts"
WEIGHTS = "weights.safetensors"


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with entries of each encoding: those of before, and in two versions of today the others."""
    root = tmp_path_factory.mktemp("every")
    shutil.copytree(CASTS, root / ".mvc")
    mvc(root, "switch", "--force", "main")
    data = bytearray((root / WEIGHTS).read_bytes())
    for step in range(2):
        for place in range(len(data) - 30_000, len(data), 4):
            data[place] ^= 1
        (root / WEIGHTS).write_bytes(data)
        (root / "noise.bin").write_bytes(random.Random(1).randbytes(20_000))
        (root / "q8.gguf").write_bytes(_quantised(step))
        mvc(root, "add", "noise.bin", "q8.gguf")
        mvc(root, "commit", "-m", f"today {step}")
    _encode_at_a_phase(Repository(root))
    assert stored(root) == set(encodings.NAMES)
    return root


def _quantised(step: int) -> bytes:
    weights = np.random.default_rng(0).standard_normal((32, 1024)).astype(np.float32)
    return gguf({"w": weights + np.float32(step * 1e-4)}, "Q8_0")


def _encode_at_a_phase(repository: Repository) -> None:
    """Encode planes again at a phase, as a commit does if a delta at a phase does not pay after all."""
    planes = next(each for each in _locations(repository) if each.entry.encoding == encodings.PLANES)
    chunk = ChunkId(planes.entry.id)
    raw = repository.reader.read(chunk, repository.reader.locate(chunk))
    entry, parts = encoder.encode(chunk, raw, Shape(4, 3), None)
    with repository.writing():
        config.require(repository.door, encodings.features(entry.encoding))
        _replace(repository, planes, entry, b"".join(parts))


@pytest.mark.parametrize("encoding", encodings.NAMES, ids=lambda each: encodings.NAMES[each].replace(" ", "-"))
def test_a_wrong_bit_is_named(every: Path, tmp_path: Path, encoding: int, rng: random.Random) -> None:
    shutil.copytree(every, tmp_path, dirs_exist_ok=True)
    repository = Repository(tmp_path)
    victim = rng.choice([each for each in _locations(repository) if each.entry.encoding == encoding])
    data = bytes(packformat.read_entry(PackFile(repository.door, victim.pack), victim.entry))
    pack = _replace(repository, victim, victim.entry, _flipped(repository, victim.entry, data, rng))
    report = fsck(Repository(tmp_path), read_data=True)
    assert victim.entry.id[:10] in " ".join(finding.message for finding in report.findings)
    assert pack in str(report.findings), report.findings
    assert report.hits


def _locations(repository: Repository) -> list[Location]:
    packs = sorted((repository.root / ".mvc" / "packs").glob("*/*.pack"))
    names = [packformat.path(PackId(path.stem)) for path in packs]
    return [Location(name, entry) for name in names for entry in packformat.read_index(PackFile(repository.door, name))]


def _replace(repository: Repository, old: Location, entry: Entry, stored_bytes: bytes) -> str:
    """Write a pack again with another entry in the place of one, and valid checksums around it; return its new name."""
    door, writer = repository.door, PackWriter(repository.door)
    pack = PackFile(door, old.pack)
    for each in packformat.read_index(pack):
        if each.id == old.entry.id:
            writer.add(entry, stored_bytes)
        else:
            writer.add(each, packformat.read_entry(pack, each))
    (made,) = writer.finish()
    door.barrier()
    door.remove(old.pack)
    return packformat.path(made)


def _flipped(repository: Repository, entry: Entry, data: bytes, rng: random.Random) -> bytes:
    """Stored bytes with a flipped bit, one that counts: some bits of a zstd frame have no meaning."""
    base = None
    if entry.base is not None:
        chunk = ChunkId(entry.base)
        base = repository.reader.read(chunk, repository.reader.locate(chunk))
    while True:
        flipped = bytearray(data)
        flipped[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        try:
            found = codec.decode(entry.encoding, bytes(flipped), entry.raw, width=entry.width, base=base)
        except errors.Damaged:
            return bytes(flipped)
        if digest(bytes(found)) != entry.id:
            return bytes(flipped)
