"""Differences between tensors, from their little-endian bytes; bf16 and the 8-bit floats are decoded to fp32.

Sources: bf16 is the upper half of an fp32 number; "OCP 8-bit Floating Point Specification" 1.0 (E4M3 has no infinity,
and one NaN of each sign; E5M2 is the upper half of an IEEE half); "OCP Microscaling Formats" 1.0 (E8M0 is a power of
two, 255 is NaN).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvc.model.compare.weight_drift import Drift

Numbers = NDArray[Any]
"""Numbers of one dtype; shape (n,)."""

_NATIVE = {
    "BOOL": "u1", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8", "I64": "<i8",
    "F16": "<f2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip


def readable(dtype: str) -> bool:
    """Return whether a dtype can be decoded; complex ones and block formats cannot."""
    return dtype in _NATIVE or dtype in _DECODED


def numbers(raw: bytes, dtype: str) -> Numbers:
    """Decode `raw`, whole numbers of a readable dtype."""
    if dtype in _NATIVE:
        return np.frombuffer(raw, _NATIVE[dtype])
    return _DECODED[dtype](raw)


def drift(old: Numbers, new: Numbers) -> Drift:
    """Measure how far `new` is from `old`, element by element; both have the same shape. NaN equals NaN."""
    with np.errstate(all="ignore"):
        before, after = old.astype(np.float64), new.astype(np.float64)
        equal = (old == new) | (np.isnan(before) & np.isnan(after))
        finite = np.isfinite(before) & np.isfinite(after)
        finite_before = np.where(finite, before, 0)
        distance = np.abs(np.where(finite, after, 0) - finite_before)
        return Drift(
            elements=old.size,
            equal=int(np.count_nonzero(equal)),
            change=float(np.dot(distance, distance)),
            norm=float(np.dot(finite_before, finite_before)),
            largest=float(distance.max(initial=0)),
            nan=int(np.count_nonzero(np.isnan(after) & ~np.isnan(before))),
            infinite=int(np.count_nonzero(np.isinf(after) & ~np.isinf(before))),
        )


def _bf16(raw: bytes) -> Numbers:
    return (np.frombuffer(raw, "<u2").astype(np.uint32) << np.uint32(16)).view(np.float32)


def _e5m2(raw: bytes) -> Numbers:
    return (np.frombuffer(raw, np.uint8).astype(np.uint16) << np.uint16(8)).view(np.float16)


def _e4m3(raw: bytes) -> Numbers:
    return _E4M3[np.frombuffer(raw, np.uint8)]


def _e8m0(raw: bytes) -> Numbers:
    return _E8M0[np.frombuffer(raw, np.uint8)]


def _e4m3_number(code: int) -> float:
    sign, exponent, fraction = -1.0 if code & 0x80 else 1.0, code >> 3 & 0xF, code & 0x7
    if code & 0x7F == 0x7F:
        return float("nan")
    return sign * (fraction / 8 * 2.0**-6 if exponent == 0 else (1 + fraction / 8) * 2.0 ** (exponent - 7))


_E4M3 = np.array([_e4m3_number(code) for code in range(256)], np.float32)
_E8M0 = np.array([*(2.0 ** (code - 127) for code in range(255)), float("nan")], np.float32)
_DECODED: dict[str, Callable[[bytes], Numbers]] = {"BF16": _bf16, "F8_E5M2": _e5m2, "F8_E4M3": _e4m3, "F8_E8M0": _e8m0}
