"""Numbers come back as they were: whatever they are, whatever they rest on, however the chunk is cut."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mvc import errors
from mvc.storage.chunks import codec, encodings, numbers, planes
from mvc.storage.chunks.encodings import BFLOAT, DELTA, DIFFERENCE, HALF, PHASED, PLANES, Base, Shape

WIDTHS = (1, 2, 4, 8)
raws = st.one_of(
    st.binary(max_size=600),
    st.builds(lambda seed, size: random.Random(seed).randbytes(size), st.integers(0, 1 << 32), st.integers(0, 70_000)),
    st.builds(lambda data, times: data * times, st.binary(max_size=40), st.integers(0, 2_000)),
)


def _there_and_back(raw: bytes, width: int, base: Base | None, phase: int = 0) -> int:
    encoding, parts = codec.encode_numbers(raw, width, base, phase)
    stored = b"".join(parts)
    assert len(stored) <= len(raw)
    under = base[1] if base and encoding in encodings.BASED else None
    byte = Shape(width, phase).byte(encoding)
    assert bytes(codec.decode(encoding, stored, len(raw), width=byte, base=under)) == raw
    return encoding


@settings(max_examples=150, deadline=None)
@given(raw=raws, width=st.sampled_from(WIDTHS), base=raws, phase=st.integers(0, 7))
def test_any_bytes_with_any_base(raw: bytes, width: int, base: bytes, phase: int) -> None:
    _there_and_back(raw, width, None, phase % width)
    for encoding, under in ((DELTA, base), (DELTA, raw + base)):
        _there_and_back(raw, width, (encoding, under))
        _there_and_back(raw, width, (DIFFERENCE, under), phase % width)
    if width == 2:
        _there_and_back(raw, width, (BFLOAT, base))
        _there_and_back(raw, width, (HALF, base))


@pytest.mark.parametrize("width", WIDTHS)
def test_what_differs_little_from_its_base_is_a_delta(rng: random.Random, width: int) -> None:
    old = np.frombuffer(rng.randbytes(width * 50_000), f"<u{width}")
    new = (old + np.arange(50_000) % 3).astype(old.dtype).tobytes()
    if width > 1:  # a byte that differs by one of three is no delta worth a base
        assert _there_and_back(new, width, (DELTA, old.tobytes())) == DELTA
        for phase in range(width):
            first = rng.randbytes(phase)
            base = (DIFFERENCE, rng.randbytes(phase) + old.tobytes())
            assert _there_and_back(first + new, width, base, phase) == DIFFERENCE


@pytest.mark.parametrize(("encoding", "dtype"), [(BFLOAT, "BF16"), (HALF, "F16")])
def test_the_copy_in_half_the_bits_is_next_to_nothing(rng: random.Random, encoding: int, dtype: str) -> None:
    single = np.frombuffer(rng.randbytes(400_000), "<u4")
    copy = (planes.to_bf16 if dtype == "BF16" else planes.to_fp16)(single).tobytes()
    chosen, parts = codec.encode_numbers(copy, 2, (encoding, single.tobytes()))
    assert chosen == encoding
    assert sum(map(len, parts)) < 100


def test_weights_are_planes(rng: random.Random) -> None:
    weights = np.array([rng.gauss(0, 0.02) for _ in range(30_000)], "<f4").tobytes()
    assert _there_and_back(weights, 4, None) == PLANES
    assert _there_and_back(b"abc" + weights, 4, None, 3) == PHASED
    assert _there_and_back(weights, 4, (DELTA, rng.randbytes(len(weights)))) == PLANES  # a base that does not help


def test_planes_that_repeat_stay_small() -> None:
    """Entropy coding alone would take some 20 % of them."""
    ids = (np.arange(200_000) % 1_000).astype("<i8").tobytes()
    _, parts = codec.encode_numbers(ids, 8)
    assert sum(map(len, parts)) < len(ids) // 100


def test_rows_that_were_never_trained_are_seen_after_rows_of_noise(rng: random.Random) -> None:
    noise = rng.randbytes(400_000)
    assert _there_and_back(noise + bytes(400_000), 4, None) == PLANES
    assert codec.encode(noise + bytes(400_000))[0] == encodings.ZSTD


def test_rounding_is_to_the_nearest_and_to_even(rng: random.Random) -> None:
    """Against exact fractions."""
    single = np.frombuffer(rng.randbytes(4_000), "<u4")
    single = single[np.isfinite(single.view("<f4"))]
    halfway = (single & np.uint32(0xFFFF0000)) | np.uint32(0x8000)
    for bits in np.concatenate([single, halfway]):
        low = int(bits) >> 16
        got = int(planes.to_bf16(np.array([bits], "<u4"))[0])
        if low & 0x7FFF >= 0x7F7F:
            continue  # the next one is infinity
        exact, below, above = (_value(each) for each in (int(bits), low << 16, (low + 1) << 16))
        down, up = abs(exact - below), abs(above - exact)
        assert got == (low if down < up or (down == up and low % 2 == 0) else low + 1), hex(int(bits))


def _value(bits: int) -> Fraction:
    return Fraction(float(np.array([bits], "<u4").view("<f4")[0]))


def test_not_a_number_stays_one() -> None:
    nans = np.array([0x7F800001, 0xFF800001, 0x7FFFFFFF, 0x7F80FFFF], "<u4")
    assert np.isnan((planes.to_bf16(nans).astype("<u4") << np.uint32(16)).view("<f4")).all()
    assert planes.to_fp16(nans).tolist() == [0x7E00, 0xFE00, 0x7E00, 0x7E00]


@pytest.mark.parametrize("encoding", [PLANES, PHASED, DELTA, DIFFERENCE, BFLOAT, HALF])
def test_stored_bytes_that_are_none_are_damage(rng: random.Random, encoding: int) -> None:
    """Flipped, cut or random: other bytes of the right size, or Damaged; never another error."""
    raw = np.array([rng.gauss(0, 0.02) for _ in range(9_000)], "<f2").tobytes()
    base = (encoding, rng.randbytes(36_000)) if encoding in encodings.BASED else None
    byte = Shape(2, 1 if encoding == PHASED else 0).byte(encoding)
    _, parts = codec.encode_numbers(raw, 2, None)
    good = b"".join(parts)
    for _ in range(300):
        bad = bytearray(good[: rng.randrange(len(good) + 1)] if rng.random() < 0.3 else good)
        for _ in range(rng.randrange(4)):
            if bad:
                bad[rng.randrange(len(bad)) if rng.random() < 0.5 else rng.randrange(min(8, len(bad)))] ^= (
                    rng.randrange(256)
                )
        try:
            got = codec.decode(encoding, bytes(bad), len(raw), width=byte, base=base[1] if base else None)
        except errors.Damaged:
            continue
        assert len(got) == len(raw)


@pytest.mark.parametrize(
    "places", [[0], [7], [254], [255], [256], [509, 510, 511], [0, 1, 2], [999], list(range(3, 1000, 9))]
)
def test_a_plane_of_nearly_only_zeros_is_its_gaps(rng: random.Random, places: list[int]) -> None:
    plane = np.zeros(1000, np.uint8)
    plane[places] = rng.randrange(1, 256)
    sparse = planes.sparse(plane)
    assert sparse is not None
    assert sparse.places.tolist() == places
    packed, others = planes.gaps(sparse.places), sparse.others
    again = planes.from_gaps(packed, others, 1000)
    assert again is not None
    assert planes.join([again], 1000).tobytes() == plane.tobytes()
    assert planes.from_gaps(packed, others, places[-1]) is None  # beyond the plane
    assert planes.from_gaps(packed, others[1:], 1000) is None
    assert planes.from_gaps(np.append(packed, np.uint8(255)), others, 1000) is None  # a gap that does not end


@pytest.mark.parametrize("width", [1, 2, 4, 8])
@pytest.mark.parametrize("rare", [0, 0.01, 0.2])
def test_planes_of_small_numbers_are_those_of_any_numbers(rng: random.Random, width: int, rare: float) -> None:
    count = rng.choice([8, 4096, 5003])
    small = [rng.getrandbits(4 * width) for _ in range(count)]
    large = (rng.getrandbits(8 * width), 1 << 8 * width - 1)  # one of few zeros, and one of many
    values = np.array([rng.choice(large) if rng.random() < rare else each for each in small], f"<u{width}")
    split = planes.split_small(values)
    assert planes.join(split, count).tobytes() == values.tobytes()
    sparse = [each for each in split if isinstance(each, planes.Sparse)]
    assert len(sparse) == (width // 2 if rare < 0.1 and count > 8 else 0)
    assert all(each.others.all() for each in sparse)
    dense = [planes.join([each], count) for each in split]
    assert [each.tobytes() for each in dense] == [each.tobytes() for each in planes.split(values)]
    for each, length in itertools.product(sparse, (1, 10, 1000)):
        sample = planes.sampled(planes.join([each], count), length, 4)
        assert planes.sampled_others(each, length, 4) == np.count_nonzero(sample)


def test_the_first_and_the_last_byte_of_a_sample_count() -> None:
    places = np.array([0, 33, 36, 66, 97, 99])
    sparse = planes.Sparse(100, places, np.ones(6, np.uint8))
    assert planes.sampled_others(sparse, 1, 4) == 4
    assert (
        planes.sampled_others(sparse, 4, 4) == np.count_nonzero(planes.sampled(planes.join([sparse], 100), 4, 4)) == 5
    )


def test_gaps_take_less_than_a_quarter_of_a_bit_and_are_not_in_older_encodings(rng: random.Random) -> None:
    old = np.frombuffer(rng.randbytes(200_000), "<u2")
    new = old.copy()
    new[[rng.randrange(len(new)) for _ in range(1_000)]] += 1  # its entropy: 10 kbit
    sizes = {}
    for encoding in (DIFFERENCE, DELTA):
        chosen, parts = codec.encode_numbers(new.tobytes(), 2, (encoding, old.tobytes()))
        stored = b"".join(parts)
        assert chosen == encoding
        assert bytes(codec.decode(encoding, stored, 200_000, width=2, base=old.tobytes())) == new.tobytes()
        sizes[encoding] = len(stored)
    assert sizes[DIFFERENCE] < 1_400 < sizes[DELTA]
    gapped = b"".join(codec.encode_numbers(new.tobytes(), 2, (DIFFERENCE, old.tobytes()))[1])
    with pytest.raises(errors.Damaged):
        codec.decode(DELTA, gapped, 200_000, width=2, base=old.tobytes())


@pytest.mark.parametrize(
    ("encoding", "width", "base"),
    [
        (PLANES, 3, None),
        (PLANES, 2, b"x"),
        (PLANES, 0x12, None),
        (DELTA, 2, None),
        (9, 2, None),
        (PHASED, 2, None),
        (PHASED, 0x22, None),
        (DIFFERENCE, 0x11, b"x"),
        (DIFFERENCE, 0x84, b"x"),
        (DIFFERENCE, 2, None),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(encoding: int, width: int, base: bytes | None) -> None:
    with pytest.raises((errors.Damaged, errors.UnknownFeature)):
        codec.decode(encoding, bytes(16), 16, width=width, base=base)


@given(raw=st.binary(max_size=300))
def test_the_zeros_of_a_plane_are_counted(raw: bytes) -> None:
    assert planes.zeros(planes.plane(raw)) == raw.count(0)


def test_a_plane_of_small_numbers_comes_back(rng: random.Random) -> None:
    """Two bits are enough for most of its bytes."""
    few = bytes(rng.choices((0, 1, 2, 3, 200), (60, 20, 15, 4, 1), k=40_000))
    raw = np.stack([np.frombuffer(rng.randbytes(len(few)), np.uint8), np.frombuffer(few, np.uint8)], 1).tobytes()
    encoding, parts = codec.encode_numbers(raw, 2, None)
    forms = [head >> 30 for head in np.frombuffer(b"".join(parts)[:8], "<u4")]
    assert forms == [numbers.RAW, 2]
    assert _there_and_back(raw, 2, None) == encoding == PLANES
