"""Ranges of a file are its bytes, and each chunk is decoded once for those that follow each other."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from mvc.model.ids import Buffer, ChunkId, digest
from mvc.storage import ranges
from mvc.storage.chunks.recipes import Chunks
from mvc.storage.ranges import Ranges


class File:
    """A file in chunks, some of which repeat; `decoded` are the sizes of those that were decoded."""

    def __init__(self, rng: random.Random, chunks: int) -> None:
        some = [rng.randbytes(rng.randrange(1, 40)) for _ in range(chunks)]
        pieces = [rng.choice(some) if rng.random() < 0.2 else piece for piece in some]
        self._by_id = {ChunkId(digest(piece)): piece for piece in pieces}
        self.data = b"".join(pieces)
        self.chunks: Chunks = tuple((ChunkId(digest(piece)), len(piece)) for piece in pieces)
        self.decoded: list[int] = []

    def decode(self, chunks: Chunks) -> Iterator[Buffer]:
        for chunk, _ in chunks:
            self.decoded.append(len(self._by_id[chunk]))
            yield self._by_id[chunk]


def test_a_range_is_these_bytes_whatever_was_read_before(
    rng: random.Random, monkeypatch: pytest.MonkeyPatch, *, deep: bool
) -> None:
    for _ in range(2_000 if deep else 40):
        monkeypatch.setattr(ranges, "KEPT", rng.choice([0, 50, 1_000]))
        file = File(rng, rng.randrange(1, 30))
        read = Ranges(file.chunks, file.decode)
        for _ in range(30):
            offset, size = rng.randrange(len(file.data) + 5), rng.randrange(90)
            assert read(offset, size) == file.data[offset : offset + size]


def test_ranges_that_follow_each_other_decode_each_chunk_once(
    rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "KEPT", 0)  # the last chunk is kept in any case
    file = File(rng, 50)
    read = Ranges(file.chunks, file.decode)
    for offset in range(0, len(file.data), 3):
        read(offset, 3)
    assert sum(file.decoded) <= len(file.data)
