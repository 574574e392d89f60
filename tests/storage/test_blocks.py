"""Quantised blocks: every byte comes back whatever the base, and the next version of quantised weights costs little."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvc import errors
from mvc.formats import gguf as gguf_format
from mvc.model.ids import ChunkId
from mvc.storage.chunks import block_layouts, codec, encoder, encodings, layout
from mvc.storage.chunks.bases import Bases, Candidate
from mvc.storage.chunks.block_layouts import LAYOUTS, NUMBERS
from mvc.storage.chunks.encoder import Under
from mvc.storage.chunks.encodings import BLOCKS, DIFFERENCE, Shape
from mvc.storage.chunks.ingest import Stored
from mvc.storage.packs import transcode
from tests.formats.headers import header_of
from tests.quantised import Weights, gguf, q4_0, q8_0
from tests.storage.parts import Parts

PIECE = 1 << 20


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path)


@pytest.mark.parametrize("number", LAYOUTS)
def test_each_bit_of_a_block_belongs_to_one_part(number: int) -> None:
    of = LAYOUTS[number]
    bits = np.zeros(of.size, int)
    for field in of.fields:
        assert len({part.length for part in field.parts}) == 1
        assert field.bits <= 32
        for part in field.parts:
            for shift in part.shifts:
                bits[part.start : part.end] += (1 << part.bits) - 1 << shift
    assert set(bits) == {255}


def test_layouts_are_those_of_the_types_in_a_header() -> None:
    for number, of in LAYOUTS.items():
        assert gguf_format.KINDS[number][0::2] == (of.dtype, of.size)


def _back(raw: bytes, base: bytes, shape: Shape) -> tuple[int, int]:
    encoding, parts = codec.encode_blocks(raw, shape, (BLOCKS, base))
    stored = b"".join(parts)
    assert len(stored) <= len(raw)
    under = base if encoding in encodings.BASED else None
    assert bytes(codec.decode(encoding, stored, len(raw), width=shape.byte(encoding), base=under)) == raw
    return encoding, len(stored)


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 1 << 32),
    size=st.integers(0, 5_000),
    number=st.sampled_from(sorted(LAYOUTS)),
    other=st.integers(0, 6_000),
)
def test_any_bytes_with_any_base(seed: int, size: int, number: int, other: int) -> None:
    rng = random.Random(seed)
    raw, phase = rng.randbytes(size), rng.randrange(LAYOUTS[number].size)
    base = bytearray((raw + rng.randbytes(other))[: other + size // 2])
    for _ in range(rng.randrange(len(base) // 20 + 1)):
        base[rng.randrange(len(base))] ^= 1 << rng.randrange(8)
    _back(raw, bytes(base), Shape(1, min(phase, size), number))


@pytest.mark.parametrize("number", LAYOUTS)
def test_what_moved_by_a_step_here_and_there_is_a_delta(rng: random.Random, number: int) -> None:
    size = LAYOUTS[number].size
    old = rng.randbytes(size // 3 + 2_000 * size + 5)
    new = bytearray(old)
    for _ in range(len(new) // 100):
        new[rng.randrange(len(new))] ^= 1
    encoding, stored = _back(bytes(new), old, Shape(1, size // 3, number))
    assert encoding == BLOCKS
    assert stored < 0.1 * len(old)


def _values(blocks: bytes, number: int, field: int) -> list[int]:
    """The numbers of a field of one block, bit by bit from the table."""
    values: list[int] = []
    place = 0
    for part in LAYOUTS[number].fields[field].parts:
        found = [
            blocks[part.start + group * part.run + byte] >> shift & (1 << part.bits) - 1
            for group in range(part.groups) for shift in part.shifts for byte in range(part.run)
        ]  # fmt: skip
        values = [low | high << place for low, high in zip(values or [0] * len(found), found, strict=True)]
        place += part.bits
    return values


def test_a_quant_of_five_bits_is_put_together_as_ggml_reads_it(rng: random.Random) -> None:
    """dequantize_row_q5_0: weight j has the low half of byte j and bit j, weight j + 16 the high half and bit j + 16."""
    block = rng.randbytes(22)
    (high,) = struct.unpack_from("<I", block, 2)
    low = [block[6 + j] & 15 for j in range(16)] + [block[6 + j] >> 4 for j in range(16)]
    assert _values(block, NUMBERS["Q5_0"], 1) == [low[j] | (high >> j & 1) << 4 for j in range(32)]


def test_scales_of_six_bits_are_put_together_as_ggml_reads_them(rng: random.Random) -> None:
    """get_scale_min_k4: j < 4 in the low six bits of bytes j and j + 4, the others in halves and upper bits."""
    block = rng.randbytes(144)
    scales = block[4:16]
    first = [scales[j] & 63 for j in range(8)]
    last = [scales[j + 4] & 15 | scales[j - 4] >> 6 << 4 for j in range(4, 8)]
    last += [scales[j + 4] >> 4 | scales[j] >> 6 << 4 for j in range(4, 8)]
    assert _values(block, NUMBERS["Q4_K"], 2) == first
    assert _values(block, NUMBERS["Q4_K"], 3) == last


def _weights(numbers: np.random.Generator, rows: int = 1200) -> dict[str, Weights]:
    """Two matrices of over one piece each when quantised, and a norm."""
    return {
        "token_embd.weight": (numbers.standard_normal((rows, 1024)) * 0.04).astype(np.float32),
        "blk.0.norm.weight": np.ones(1024, np.float32),
        "output.weight": (numbers.standard_normal((rows * 2, 1024)) * 0.02).astype(np.float32),
    }


def _tuned(weights: dict[str, Weights], numbers: np.random.Generator, rate: float = 5e-5) -> dict[str, Weights]:
    return {
        name: (each + numbers.standard_normal(each.shape).astype(np.float32) * np.float32(rate))
        for name, each in weights.items()
    }


def _store(parts: Parts, data: bytes, *before: Stored) -> Stored:
    (stored,) = parts.store(data, bases=Bases([Candidate("w", each.file) for each in before], parts.recipes.best))
    assert parts.load(stored.file) == data
    return stored


@pytest.mark.parametrize("dtype", ["Q8_0", "Q4_0"])
def test_a_quantised_fine_tune_is_stored_as_what_moved(parts: Parts, rng: random.Random, dtype: str) -> None:
    numbers = np.random.default_rng(rng.getrandbits(64))
    weights = _weights(numbers)
    first = _store(parts, gguf(weights, dtype))
    tuned = _tuned(weights, numbers)
    second = _store(parts, gguf(tuned, dtype), first)
    assert second.new_bytes < 0.12 * second.size
    third = _store(parts, gguf(_tuned(tuned, numbers), dtype), second)
    assert third.new_bytes < 0.12 * third.size
    entries = [entry for path in parts.packs() for entry in parts.entries(path)]
    assert {entry.depth for entry in entries if entry.encoding == BLOCKS} == {1, 2}
    assert {entry.width for entry in entries if entry.encoding == BLOCKS} == {NUMBERS[dtype]}


def test_pieces_keep_the_phase_of_their_blocks(rng: random.Random) -> None:
    """1 MiB is no multiple of 34 bytes; a tensor's blocks begin at its first byte."""
    data = gguf(_weights(np.random.default_rng(rng.getrandbits(64))), "Q8_0")
    header = header_of(data)
    found = layout.lay_out(header.format, header.segments, len(data))
    assert found is not None
    pieces = [piece for piece in found.pieces if piece.blocks]
    assert len(pieces) == 5
    for piece in pieces:
        assert (piece.offset + piece.phase - header.segments[piece.first].offset) % 34 == 0
        assert 0 <= piece.phase < 34
        assert piece.shape == Shape(1, piece.phase, NUMBERS["Q8_0"])


def test_for_an_older_remote_it_becomes_a_delta_of_bytes(rng: random.Random) -> None:
    numbers = np.random.default_rng(rng.getrandbits(64))
    weights = _weights(numbers, rows=64)["token_embd.weight"]
    base, raw = q8_0(weights), q8_0(_tuned({"w": weights}, numbers)["w"])
    under = Under(ChunkId("2" * 64), 1, (DIFFERENCE, base))
    entry, _ = encoder.encode(ChunkId("1" * 64), raw, Shape(1, 0, NUMBERS["Q8_0"]), under)
    assert entry.encoding == BLOCKS
    older, stored = transcode.transcode(entry, raw, base, {"planes", "delta"})
    assert (older.encoding, older.width, older.base, older.depth) == (encodings.DELTA, 1, entry.base, entry.depth)
    assert older.stored < 0.2 * len(raw)
    assert bytes(codec.decode(older.encoding, b"".join(stored), len(raw), width=1, base=base)) == raw


def test_a_base_of_other_values_is_not_used(rng: random.Random) -> None:
    numbers = np.random.default_rng(rng.getrandbits(64))
    new, old = ((numbers.standard_normal((256, 1024))).astype(np.float32) for _ in range(2))
    for dtype, quantised in (("Q8_0", q8_0), ("Q4_0", q4_0)):
        assert _back(quantised(new), quantised(old), Shape(1, 0, NUMBERS[dtype]))[0] not in encodings.BASED


def test_a_group_of_tensors_of_several_dtypes_is_a_difference_of_bytes(rng: random.Random) -> None:
    raw = rng.randbytes(50_000)
    encoding, stored = codec.encode_numbers(raw[:-1] + b"x", 1, (BLOCKS, raw))
    assert encoding == DIFFERENCE
    assert sum(map(len, stored)) < 1_000


@pytest.mark.parametrize("number", [2, 8, 14])
def test_stored_bytes_that_are_none_are_damage(rng: random.Random, number: int, deep: bool) -> None:
    """Flipped, cut or random: other bytes of the right size, or Damaged; never another error."""
    size = LAYOUTS[number].size
    base = rng.randbytes(300 * size + 7)
    new = bytearray(base)
    for _ in range(300):
        new[rng.randrange(len(new))] ^= 1
    encoding, parts = codec.encode_blocks(bytes(new), Shape(1, 7, number), (BLOCKS, base))
    assert encoding == BLOCKS
    good = b"".join(parts)
    damaged = 0
    for _ in range(30_000 if deep else 300):
        bad = bytearray(good[: rng.randrange(len(good) + 1)] if rng.random() < 0.3 else good)
        for _ in range(rng.randrange(1, 4)):
            if bad:
                at = rng.randrange(len(bad)) if rng.random() < 0.5 else rng.randrange(min(40, len(bad)))
                bad[at] ^= rng.randrange(1, 256)
        width = number if rng.random() < 0.9 else rng.randrange(256)
        try:
            got = codec.decode(BLOCKS, bytes(bad), len(new), width=width, base=base[: rng.choice((0, 40, len(base)))])
        except errors.Damaged:
            damaged += 1
            continue
        assert len(got) == len(new)
    assert damaged > 50


@pytest.mark.parametrize(
    ("byte", "stored", "size", "base"),
    [
        (1, bytes(64), 64, b"x"),  # no block layout
        (255, bytes(64), 64, b"x"),
        (8, bytes(64), 64, None),
        (8, b"", 64, b"x"),
        (8, struct.pack("<H", 34) + bytes(64), 64, b"x"),  # a phase of a whole block
        (8, struct.pack("<H", 20) + bytes(64), 10, b"x"),  # a phase beyond the chunk
        (8, struct.pack("<H", 5) + bytes(3), 64, b"x"),  # ends within the bytes before the first block
        (8, struct.pack("<HII", 0, 3 << 30, 3 << 30), 64, b"x"),  # ends within the heads
        (8, struct.pack("<HIII", 0, 3 << 30, 3 << 30, 2 << 30 | 3) + b"xyz", 64, b"x"),
        (8, struct.pack("<HIII", 0, 3 << 30, 3 << 30, 40) + bytes(40), 64, b"x"),  # a plane that is too long
        (8, struct.pack("<HIII", 0, *[3 << 30] * 3) + bytes(31), 64, b"x"),  # a rest that is too long
    ],
)
def test_an_entry_that_makes_no_sense_is_damage(byte: int, stored: bytes, size: int, base: bytes | None) -> None:
    with pytest.raises(errors.Damaged):
        codec.decode(BLOCKS, stored, size, width=byte, base=base)


def test_the_format_page_has_the_table() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/format.md").read_text(encoding="utf-8")
    for number, of in LAYOUTS.items():
        fields = "` `".join(of.notation.split())
        assert f"| {number} | {of.dtype} | {of.size} | `{fields}` |\n" in page


def test_layouts_are_known_by_their_dtype() -> None:
    assert {number: block_layouts.LAYOUTS[number].dtype for number in NUMBERS.values()} == {
        number: dtype for dtype, number in NUMBERS.items()
    }
