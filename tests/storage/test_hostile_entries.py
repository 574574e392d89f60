"""Entries of every encoding that somebody altered: refused, damaged, or the right bytes; never wrong ones or another error."""

from __future__ import annotations

import random
import struct
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from mvc import errors
from mvc.model.ids import ChunkId, digest
from mvc.storage.chunks import codec, encoder, encodings
from mvc.storage.chunks.block_layouts import LAYOUTS, NUMBERS
from mvc.storage.chunks.encoder import Under
from mvc.storage.chunks.encodings import (
    BASED,
    BFLOAT,
    BLOCKS,
    DELTA,
    DIFFERENCE,
    HALF,
    PHASED,
    PLANES,
    RAW,
    ZSTD,
    Shape,
)
from mvc.storage.packs import packformat
from mvc.storage.packs.packformat import Entry

FORMS = {
    "raw": (RAW, None),
    "zstd": (ZSTD, None),
    "planes": (PLANES, Shape(4)),
    "delta": (DELTA, Shape(4)),
    "bf16": (BFLOAT, Shape(2)),
    "fp16": (HALF, Shape(2)),
    "difference": (DIFFERENCE, Shape(4)),
    "difference-at-a-phase": (DIFFERENCE, Shape(8, 5)),
    "planes-at-a-phase": (PHASED, Shape(4, 3)),
    "blocks": (BLOCKS, Shape(1, 5, NUMBERS["Q4_K"])),
}
"""An encoding, and the numbers that give it."""
ALLOWED = (errors.Damaged, errors.UnknownFeature)


class Good(NamedTuple):
    """An entry with its raw and stored bytes, and its base."""

    entry: Entry
    raw: bytes
    stored: bytes
    base: bytes | None

    def decoded(self, stored: bytes | None = None, base: bytes | None = None) -> bytes:
        entry = self.entry
        under = base if base is not None else self.base
        given = self.stored if stored is None else stored
        return bytes(codec.decode(entry.encoding, given, entry.raw, width=entry.width, base=under))


@pytest.fixture(params=FORMS)
def good(request: pytest.FixtureRequest, rng: random.Random) -> Good:
    encoding, shape = FORMS[request.param]
    raw, base = _bytes(encoding, rng)
    under = Under(ChunkId(digest(base)), 0, (encoding, base)) if encoding in BASED else None
    entry, parts = encoder.encode(ChunkId(digest(raw)), raw, shape, under)
    assert entry.encoding == encoding
    return Good(entry, raw, b"".join(parts), base if under else None)


def _bytes(encoding: int, rng: random.Random) -> tuple[bytes, bytes]:
    """Bytes that take this encoding, and a base."""
    if encoding in (RAW, ZSTD):
        return (rng.randbytes(500) if encoding == RAW else bytes(range(100)) * 5), b""
    numbers = np.random.default_rng(rng.getrandbits(64))
    old = (numbers.standard_normal(300) * 0.02).astype("<f4")
    if encoding == BFLOAT:
        return ((old.view("<u4") >> 16) + 1).astype("<u2").tobytes() + b"x", old.tobytes()
    if encoding == HALF:
        return old.astype("<f2").tobytes() + b"x", old.tobytes()
    return b"abcde" + (old.view("<u4") + 1).tobytes() + b"xyz", b"abcde" + old.tobytes()


def test_every_flipped_bit_gives_damage_or_the_same_bytes(good: Good) -> None:
    """Of the stored bytes: some bits of a frame have no meaning."""
    assert good.decoded() == good.raw
    wrong = 0
    for place in range(8 * len(good.stored)):
        stored = bytearray(good.stored)
        stored[place // 8] ^= 1 << place % 8
        try:
            found = good.decoded(bytes(stored))
        except errors.Damaged:
            wrong += 1
            continue
        assert len(found) == len(good.raw)
        wrong += digest(found) != good.entry.id
    assert wrong > 7 * len(good.stored)


def test_stored_bytes_that_are_cut_or_longer_are_damage_or_harmless(good: Good) -> None:
    for end in range(len(good.stored)):
        with pytest.raises(errors.Damaged):
            _checked(good, good.decoded(good.stored[:end]))
    for more in (b"\0", b"x" * 100, good.stored):
        with pytest.raises(errors.Damaged):
            _checked(good, good.decoded(good.stored + more))


def test_another_base_is_damage(good: Good, rng: random.Random) -> None:
    if good.base is None:
        return
    for base in (b"", good.base[:-100], good.base[1:], rng.randbytes(len(good.base)), bytes(10_000)):
        with pytest.raises(errors.Damaged):
            _checked(good, good.decoded(base=base))


def _checked(good: Good, found: bytes) -> None:
    """What a reader does with what was decoded."""
    assert len(found) == len(good.raw)
    if digest(found) != good.entry.id:
        raise errors.Damaged(what="a chunk", reason="checksum mismatch")


def test_any_header_is_decoded_refused_or_damaged(good: Good, rng: random.Random, *, deep: bool) -> None:
    """With any encoding, width byte, size and base, those that no reader lets pass included."""
    for _ in range(5_000 if deep else 300):
        encoding = rng.choice([*encodings.NAMES, rng.randrange(256)])
        size = rng.choice([0, 1, 3, len(good.raw), len(good.raw) + 1, rng.randrange(70_000), packformat.MAX_CHUNK])
        base = rng.choice([None, good.base, b"", rng.randbytes(rng.randrange(2_000))])
        stored = rng.choice([good.stored, good.stored[rng.randrange(9) :], _heads(rng), b""])
        try:
            found = codec.decode(encoding, stored, size, width=rng.randrange(256), base=base)
        except ALLOWED:
            continue
        assert len(found) == size


def _heads(rng: random.Random) -> bytes:
    """Heads of planes with forms and sizes of choice, and few bytes."""
    heads = (rng.randrange(4) << 30 | rng.choice([0, 1, 7, (1 << 30) - 1]) for _ in range(8))
    return struct.pack("<8I", *heads) + rng.randbytes(rng.randrange(40))


def test_only_headers_that_the_format_allows_are_read() -> None:
    """By the table in the format's page, for every encoding and every width byte."""
    widths = {1, 2, 4, 8}
    phased = {width | phase << 4: phase for width in widths for phase in range(width)}
    allowed = {
        RAW: {0},
        ZSTD: {0},
        PLANES: widths,
        DELTA: widths,
        BFLOAT: widths,
        HALF: widths,
        DIFFERENCE: set(phased),
        PHASED: {byte for byte, phase in phased.items() if phase},
        BLOCKS: set(LAYOUTS),
    }
    assert allowed.keys() == encodings.NAMES.keys()
    for encoding, widths_read in allowed.items():
        depth = int(encoding in BASED)
        entry = Entry("a" * 64, packformat.CHUNK, encoding, 100, 100, depth, 0, "b" * 64 if depth else None)
        read = {byte for byte in range(256) if _is_read(replace(entry, width=byte))}
        assert read == widths_read, encoding
    assert not any(_is_read(Entry("a" * 64, packformat.CHUNK, encoding, 100, 50)) for encoding in range(100, 256))


@pytest.mark.parametrize("encoding", sorted(encodings.NAMES))
def test_depth_and_base_belong_together(encoding: int) -> None:
    width = {PHASED: 0x12}.get(encoding, 2 if encoding in encodings.FEATURES else 0)
    for depth in (0, 1, 64, 65, 255):
        for base in (None, "b" * 64):
            entry = Entry("a" * 64, packformat.CHUNK, encoding, 100, 100, depth, width, base)
            based = encoding in BASED
            assert _is_read(entry) == ((0 < depth <= 64 and base is not None) if based else not depth and base is None)


def _is_read(entry: Entry) -> bool:
    try:
        return Entry.parse(entry.header(), 8) == entry.at(8)
    except errors.Damaged:
        return False
