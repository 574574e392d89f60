"""Byte planes of numbers, differences of their bits, and predictions by rounding.

    fp32 weights  3e 99 12 a7 …      planes   a7 … │ 12 … │ 99 … │ 3e …     the last two hardly vary, and shrink
    the same, after a fine-tune      delta    bits(new) - bits(old), zigzag, planes: the first one or two remain

The difference is modulo 2^n; zigzag maps 0, -1, 1, -2 … to 0, 1, 2, 3 …  Weight decay moves a float towards zero whatever its
sign, which is a negative difference of the bits for both signs. Earlier versions of mvc, and casts, take the difference of the
order of floats instead: the unsigned integer u of the bits, `~u` if the sign bit is set, else `u` with that bit set (Herf,
"Radix Tricks", 2001). All functions release the GIL except for a few microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mvc.model.ids import Buffer

_UNSIGNED: dict[int, type[np.unsignedinteger]] = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}
_SIGNED: dict[int, type[np.signedinteger]] = {1: np.int8, 2: np.int16, 4: np.int32, 8: np.int64}

_FULL = 255
"""The byte of a gap that goes on in the next one."""
_MANY = 3
_RARE = 0.85
"""The share of zeros in a plane from which it is `Sparse`: quads take a quarter of a bit for a zero, gaps less."""
_SHORT = 4096
"""Numbers below which `split_small` returns no sparse plane: from there on, gaps are always shorter than the plane."""
_UNPACKED = (
    (np.arange(256, dtype="<u4")[:, None] >> np.arange(0, 8, 2, dtype="<u4") & 3).astype(np.uint8).view("<u4")[:, 0]
)
"""The four bytes of each quad as one number, the first byte lowest."""

Numbers = NDArray[np.unsignedinteger]
"""Bits of numbers of one width, as unsigned integers; shape (n,)."""
Plane = NDArray[np.uint8]
"""One byte of each number; shape (n,). A number's planes go from its lowest byte to its highest."""


class Sparse(NamedTuple):
    """A plane of nearly only zeros: of its `length` bytes, those at the rising `places` are `others`, which are not zero."""

    length: int
    places: NDArray[np.intp]
    others: Plane


def numbers(raw: Buffer, width: int) -> Numbers:
    """Return a view of `raw` as little-endian numbers of `width` bytes, without a shorter rest."""
    return np.frombuffer(raw, np.dtype(_UNSIGNED[width]).newbyteorder("<"), count=len(raw) // width)


def split(values: Numbers) -> list[Plane]:
    """Return the planes of numbers."""
    parts: list[Numbers] = [values]
    while parts[0].itemsize > 1:  # by halves, as in `join`
        parts = [half for part in parts for half in _halves(part)]
    return parts


def split_small(values: Numbers) -> list[Plane | Sparse]:
    """Return the planes of numbers that are small: where hardly any takes the upper half of its bytes, that half is `Sparse`."""
    if values.itemsize == 1 or len(values) < _SHORT:
        return list(split(values))
    bits, half = 4 * values.itemsize, _UNSIGNED[values.itemsize // 2]
    places = _rare(values > values.dtype.type((1 << bits) - 1))
    if places is None:
        low, high = _halves(values)
        return [*split(low), *split_small(high)]
    uppers = split((values[places] >> values.dtype.type(bits)).astype(half))
    return [*split_small(values.astype(half)), *(_sparse(len(values), places, others) for others in uppers)]


def sparse(whole: Plane) -> Sparse | None:
    """Return a plane by its bytes that are not zero; None if there are many."""
    places = _rare(whole != 0)
    return None if places is None else Sparse(len(whole), places, whole[places])


def _sparse(length: int, places: NDArray[np.intp], others: Plane) -> Sparse:
    used = others != 0
    return Sparse(length, places, others) if used.all() else Sparse(length, places[used], others[used])


def _rare(marks: NDArray[np.bool_]) -> NDArray[np.intp] | None:
    """Return the places of the marks; None if there are many."""
    if np.count_nonzero(marks) >= (1 - _RARE) * len(marks):
        return None
    if len(marks) % 8:
        return np.flatnonzero(marks)
    eights = marks.view(np.uint64)  # two steps take three quarters of the time of one
    used = np.flatnonzero(eights != 0)
    within = np.flatnonzero(eights[used].view(np.bool_))
    places: NDArray[np.intp] = used[within >> 3] * 8 + (within & 7)
    return places


def _halves(values: Numbers) -> tuple[Numbers, Numbers]:
    bits = 4 * values.itemsize
    half = _UNSIGNED[values.itemsize // 2]
    return values.astype(half), (values >> values.dtype.type(bits)).astype(half)


def join(planes: Sequence[Plane | Sparse | None], count: int) -> Numbers:
    """Return `count` numbers from their planes; a plane of None is all zeros."""
    parts: list[Numbers | None] = [None if isinstance(each, Sparse) else each for each in planes]
    while len(parts) > 1:  # by halves: most of the work is on numbers half as wide
        parts = [_joined(low, high) for low, high in zip(parts[::2], parts[1::2], strict=True)]
    values = np.zeros(count, _UNSIGNED[len(planes)]) if parts[0] is None else parts[0]
    for number, each in enumerate(planes):
        if isinstance(each, Sparse):
            values[each.places] |= each.others.astype(values.dtype) << values.dtype.type(8 * number)
    return values


def _joined(low: Numbers | None, high: Numbers | None) -> Numbers | None:
    """Return numbers of twice the width, from their lower and their upper halves."""
    if high is None:
        return None if low is None else low.astype(_UNSIGNED[2 * low.itemsize])
    values: Numbers = high.astype(_UNSIGNED[2 * high.itemsize])
    values *= values.dtype.type(1 << 8 * high.itemsize)  # half the time of a shift
    return values if low is None else np.bitwise_or(values, low, out=values)


def difference(new: Numbers, old: Numbers) -> Numbers:
    """Return the zigzag difference of the bits of `new` from those of `old`. Both have the same shape."""
    return _zigzag(new - old)


def restore(apart: Numbers, old: Numbers) -> Numbers:
    """Return the `new` numbers from `apart`, their `difference` from `old`."""
    new = _unzigzag(apart)
    new += old
    return new


def order_difference(new: Numbers, old: Numbers) -> Numbers:
    """Return the zigzag difference of the order of `new` from that of `old`. Both have the same shape."""
    apart = _order(new)
    apart -= _order(old)
    return _zigzag(apart)


def restore_order(apart: Numbers, old: Numbers) -> Numbers:
    """Return the `new` numbers from `apart`, their `order_difference` from `old`."""
    new = _unzigzag(apart)
    new += _order(old)
    return _unorder(new)


def _zigzag(apart: Numbers) -> Numbers:
    """Return differences as small unsigned numbers, in place."""
    sign = _signed(apart) >> (8 * apart.itemsize - 1)
    apart += apart  # half the time of a shift
    apart ^= _unsigned(sign)
    return apart


def _unzigzag(apart: Numbers) -> Numbers:
    one = apart.dtype.type(1)
    sign = apart & one
    np.negative(_signed(sign), out=_signed(sign))
    new = apart >> one
    new ^= sign
    return new


def resized(values: Numbers, count: int) -> Numbers:
    """Return the first `count` of `values`, padded with zeros."""
    if len(values) >= count:
        return values[:count]
    longer = np.zeros(count, values.dtype)
    longer[: len(values)] = values
    return longer


def to_bf16(single: Numbers) -> Numbers:
    """Round fp32 numbers to bf16, ties to even, as training libraries do; a NaN stays a NaN."""
    rounded = (single >> np.uint32(16)) & np.uint32(1)
    rounded += single
    rounded += np.uint32(0x7FFF)
    rounded >>= np.uint32(16)
    nan = _is_nan(single)
    if nan.any():
        rounded[nan] = single[nan] >> np.uint32(16) | np.uint32(0x40)
    return rounded.astype(np.uint16)


def to_fp16(single: Numbers) -> Numbers:
    """Round fp32 numbers to IEEE 754 half precision, ties to even; a NaN becomes the NaN of its sign."""
    with np.errstate(all="ignore"):
        rounded = single.view(np.float32).astype(np.float16).view(np.uint16)
    nan = _is_nan(single)
    if nan.any():  # processors convert NaNs differently
        rounded[nan] = (single[nan] >> np.uint32(16) & np.uint32(0x8000) | np.uint32(0x7E00)).astype(np.uint16)
    return rounded


def _is_nan(single: Numbers) -> NDArray[np.bool_]:
    return (single & np.uint32(0x7FFFFFFF)) > np.uint32(0x7F800000)


def plane(raw: Buffer) -> Plane:
    """Return a view of `raw` as a plane."""
    return np.frombuffer(raw, np.uint8)


def zeros(whole: Plane) -> int:
    """Return the number of zero bytes in a plane."""
    return len(whole) - int(np.count_nonzero(whole))


def quads(whole: Plane) -> tuple[Plane, Plane]:
    """Pack a plane's bytes into two bits each, four to a byte, the first lowest; return also the bytes of 3 and above."""
    few = np.zeros(-(-len(whole) // 4) * 4, np.uint8)
    np.minimum(whole, 3, out=few[: len(whole)])
    four = few.view("<u4")
    packed = four | four >> np.uint32(
        6
    )  # the second byte's bits are beside the first's, the fourth's beside the third's
    packed |= packed >> np.uint32(12)
    return packed.astype(np.uint8), whole[np.flatnonzero(whole >= _MANY)]


def from_quads(packed: Plane, others: Plane, count: int) -> Plane | None:
    """Unpack the plane of `count` bytes that `quads` packed; None if the number of `others` is wrong."""
    whole = _UNPACKED.take(packed).view(np.uint8)[:count]
    places = np.flatnonzero(whole == _MANY)
    if len(places) != len(others):
        return None
    whole[places] = others
    return whole


def most_equal(probe: bytes, window: bytes) -> tuple[int, int]:
    """Return where `window` has the most bytes of `probe`, at most 255 long, in common, and how many these are."""
    values, places = np.frombuffer(window, np.uint8), len(window) - len(probe) + 1
    equal = np.zeros(places, np.uint8)
    for index, value in enumerate(probe):
        equal += values[index : index + places] == value
    best = int(equal.argmax())
    return best, int(equal[best])


def gaps(places: NDArray[np.intp]) -> Plane:
    """Return the zeros before each of the `places` of a sparse plane.

    A gap is a byte of 255 for each 255 zeros, and one with what remains of it.
    """
    apart = places - 1
    apart[1:] -= places[:-1]
    apart[:1] += 1
    longer = apart // _FULL
    ends = np.cumsum(longer)
    packed = np.full(len(places) + int(ends[-1]), _FULL, np.uint8)
    ends += np.arange(len(places))
    longer *= _FULL
    apart -= longer
    packed[ends] = apart
    return packed


def from_gaps(packed: Plane, others: Plane, count: int) -> Sparse | None:
    """Return the plane of `count` bytes with these `gaps`; None if they do not fit it, or the number of `others`."""
    ends = packed != _FULL
    places = np.cumsum(packed, dtype=np.int64)[ends]
    places += np.arange(len(places))
    if len(places) != len(others) or not len(places) or not ends[-1] or places[-1] >= count:
        return None
    return Sparse(count, places, others)


def sampled(whole: Numbers, length: int, parts: int) -> Numbers:
    """Return `parts` ranges of `length` numbers, evenly spread over all; all if there are not more."""
    if len(whole) <= length * parts:
        return whole
    return np.concatenate([whole[start : start + length] for start in _starts(len(whole), length, parts)])


def sampled_others(plane: Sparse, length: int, parts: int) -> int:
    """Return the number of bytes that are not zero in what `sampled` returns of a plane."""
    if plane.length <= length * parts:
        return len(plane.places)
    starts = np.array(_starts(plane.length, length, parts))
    first, end = np.searchsorted(plane.places, (starts, starts + length))
    return int((end - first).sum())


def _starts(count: int, length: int, parts: int) -> list[int]:
    return [place * (count - length) // (parts - 1) for place in range(parts)]


def _order(values: Numbers) -> Numbers:
    mask = _unsigned(_signed(values) >> (8 * values.itemsize - 1))
    mask |= _top(values)
    mask ^= values
    return mask


def _unorder(ordered: Numbers) -> Numbers:
    mask = _unsigned(_signed(ordered) >> (8 * ordered.itemsize - 1))
    np.invert(mask, out=mask)
    mask |= _top(ordered)
    mask ^= ordered
    return mask


def _top(values: Numbers) -> np.unsignedinteger:
    return values.dtype.type(1 << (8 * values.itemsize - 1))


def _signed(values: Numbers) -> NDArray[np.signedinteger]:
    return values.view(_SIGNED[values.itemsize])


def _unsigned(values: NDArray[np.signedinteger]) -> Numbers:
    return values.view(_UNSIGNED[values.itemsize])
