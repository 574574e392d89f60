"""How far numbers moved, against numbers that are known."""

from __future__ import annotations

import math
import random
import struct

import numpy as np
import pytest

from mvc.formats import statistics
from mvc.model.compare.weight_drift import Drift
from mvc.model.segment import WIDTHS


def drift(old: list[float], new: list[float], kind: str = "f") -> Drift:
    packed = [struct.pack(f"<{len(values)}{kind}", *values) for values in (old, new)]
    dtype = {"f": "F32", "d": "F64", "e": "F16", "b": "I8", "Q": "U64"}[kind]
    return statistics.drift(*(statistics.numbers(raw, dtype) for raw in packed))


def test_changes_are_measured() -> None:
    found = drift([3.0, 4.0, 0.0, 1.0], [3.0, 4.5, 0.0, -1.0])
    assert found == Drift(4, 2, 4.25, 26.0, 2.0)
    assert found.relative == pytest.approx(math.sqrt(4.25 / 26))
    assert found.share_equal == 0.5


def test_integers_do_not_wrap_around() -> None:
    assert drift([-128, 127], [127, -128], "b").largest == 255
    assert drift([0], [2**64 - 1], "Q").largest == pytest.approx(2.0**64)


def test_new_nan_and_infinity_are_counted_and_not_measured() -> None:
    nan, inf = math.nan, math.inf
    found = drift([1.0, 1.0, nan, nan, inf, -inf, 2.0], [nan, inf, nan, 1.0, inf, inf, 3.0])
    assert found == Drift(7, 2, 1.0, 4.0, 1.0, nan=1, infinite=1)


def test_nothing_and_zeros() -> None:
    assert drift([], []) == Drift()
    assert Drift().share_equal == 1
    assert drift([0.0], [1.0]).relative is None
    huge = drift([1e-300], [1e300], "d")
    assert huge.to_json()["relative_l2"] is None
    assert drift([-1.7e308], [1.7e308], "d").to_json()["largest"] is None


def test_pieces_add_up(rng: random.Random) -> None:
    old, new = ([rng.gauss(0, 1) for _ in range(100)] for _ in range(2))
    cut = rng.randrange(101)
    parts = drift(old[:cut], new[:cut], "d") + drift(old[cut:], new[cut:], "d")
    whole = drift(old, new, "d")
    assert (parts.change, parts.norm) == pytest.approx((whole.change, whole.norm))
    assert (parts.elements, parts.equal, parts.largest) == (whole.elements, whole.equal, whole.largest)


@pytest.mark.parametrize(
    ("dtype", "codes", "values"),
    [
        ("BF16", [0x3F80, 0xC000, 0x7F80, 0x0001], [1.0, -2.0, math.inf, 2.0**-133]),
        ("F8_E4M3", [0x00, 0x38, 0xB8, 0x7E, 0xFE, 0x01, 0x08], [0.0, 1.0, -1.0, 448.0, -448.0, 2.0**-9, 2.0**-6]),
        ("F8_E5M2", [0x00, 0x3C, 0xBC, 0x7B, 0x7C, 0x01], [0.0, 1.0, -1.0, 57344.0, math.inf, 2.0**-16]),
        ("F8_E8M0", [0, 127, 254], [2.0**-127, 1.0, 2.0**127]),
    ],
)
def test_small_floats_are_decoded(dtype: str, codes: list[int], values: list[float]) -> None:
    raw = b"".join(code.to_bytes(WIDTHS[dtype], "little") for code in codes)
    assert statistics.numbers(raw, dtype).tolist() == values


def test_their_nans_are_nans() -> None:
    assert np.isnan(statistics.numbers(b"\x7f\xff", "F8_E4M3")).all()
    assert np.isnan(statistics.numbers(b"\x7d\xff", "F8_E5M2")).all()
    assert np.isnan(statistics.numbers(b"\xff", "F8_E8M0")).all()
    assert np.isnan(statistics.numbers(b"\xc0\x7f", "BF16")).all()


def test_what_can_be_read_has_a_width() -> None:
    assert {dtype for dtype in WIDTHS if not statistics.readable(dtype)} == {"C64", "C128"}
    assert not statistics.readable("Q4_K")
    assert not statistics.readable("")
