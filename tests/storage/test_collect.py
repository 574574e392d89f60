"""A collection among copies of chunks that came from several stores, each of which made another one the base."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Sequence
from pathlib import Path

from mvc import errors
from mvc.model.ids import FileId
from mvc.storage import collect
from mvc.storage.bases import Bases, Candidate
from mvc.storage.collect import Live, Store
from tests.storage.parts import Parts
from tests.weights import network, safetensors, tuned

FOREVER = 1 << 62


def _line(root: Path, files: Sequence[bytes]) -> Parts:
    """A store with each file resting on the one before."""
    parts = Parts(root)
    before: list[Candidate] = []
    for data in files:
        (stored,) = parts.store(data, bases=Bases(before, parts.recipes.best))
        before = [Candidate("w", stored.file)]
    return parts


def _reads(parts: Parts, file: FileId) -> bytes | None:
    try:
        return parts.load(file)
    except errors.Damaged:
        return None


def test_whatever_copies_there_are_what_could_be_read_can_be_read_after(tmp_path: Path, rng: random.Random) -> None:
    first = network(rng, layers=1, width=128)
    second = tuned(first, rng, 1e-6)
    files = [safetensors(each) for each in (first, second, tuned(second, rng, 1e-6))]
    lines = [_line(tmp_path / "there", files), _line(tmp_path / "back", files[::-1])]
    packs = [(line, path) for line in lines for path in line.packs()]
    assert len(packs) == 6
    both_ways = {entry.depth for line in lines for pack in line.packs() for entry in line.entries(pack)}
    assert both_ways == {0, 1, 2}
    ids = [FileId(path.name) for path in (lines[0].door.root / "recipes").glob("*/*")]
    for number, chosen in enumerate(itertools.product((False, True), repeat=len(packs))):
        root = tmp_path / str(number)
        shutil.copytree(lines[0].door.root / "recipes", root / "recipes")
        for (line, path), taken in zip(packs, chosen, strict=True):
            if taken:
                (root / line.name(path)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, root / line.name(path))
        parts = Parts(root)
        readable = {file: data for file in ids if (data := _reads(parts, file)) is not None}
        store = Store(parts.door, parts.recipes, parts.metapacks, parts.chunks)
        collect.act(store, collect.plan(store, Live(set(), set(ids)), FOREVER), b"mark")
        after = Parts(root)
        for file, data in readable.items():
            assert after.load(file) == data, chosen
            assert data in files
        if all(chosen):
            assert sum(path.stat().st_size for path in after.packs()) < 0.7 * sum(
                path.stat().st_size for _, path in packs
            )
        shutil.rmtree(root)
