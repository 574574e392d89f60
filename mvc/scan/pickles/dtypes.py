"""Dtypes of numpy in a pickle: the size of an element, and whether it holds objects.

    numpy.dtype("V12", False, True) BUILD (3, "|", None, ("a", "b"), {"a": (dtype, 0), "b": (dtype, 4)}, 12, 1, 63)
                                           version │      names     fields               size ┘  │  └ flags: 1 holds objects
                                              subarray                                  alignment

The state is believed by numpy, whatever the name says. Source: arraydescr_setstate in numpy/_core/src/multiarray/descriptor.c.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from mvc.scan.globals import SMALL_SCALARS
from mvc.scan.pickles.values import Container, Made, Named

PATH = "numpy.dtype"
_RECORD = "numpy.record"
"""The class of elements with fields, in place of a name."""
_TYPE = re.compile(r"[<>|=]?([?biufcmMSUVOa])([0-9]{0,9})(?:\[.{1,20}\])?")
_SINGLE = {"?": 1, "b": 1, "i": 4, "f": 4, "c": 1, "m": 8, "M": 8, "O": 8, "S": 0, "U": 0, "V": 0, "a": 0}
"""Sizes of names without digits."""
_NAMES = {
    "bool": 1, "float16": 2, "float32": 4, "float64": 8, "complex64": 8, "complex128": 16, "int8": 1, "int16": 2,
    "int32": 4, "int64": 8, "uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8, "object": 8,
}  # fmt: skip
_WIDE = 4
"""Bytes of a character of a text in numpy."""
_FLEXIBLE = "SUVa"
"""Kinds whose size is that of the state."""
_LENGTHS, _OLD_LENGTHS = (7, 8, 9), (5, 6)
_HOLDS_OBJECTS = 1
_MAX_DEPTH = 4
"""Dtypes inside one another, at most."""


class Dtype(NamedTuple):
    """The bytes of an element, and whether it holds objects."""

    size: int
    has_objects: bool


def read(value: Any, depth: int = _MAX_DEPTH) -> Dtype | None:
    """Return what is known of a dtype; None if it cannot be read, or says two things."""
    if not isinstance(value, Made) or value.function is None or value.function.path != PATH or not depth:
        return None
    name = value.args[0] if isinstance(value.args, tuple) and value.args else None
    kind, size = _named_by(name)
    if size is None:
        return None
    if value.state is None:
        return Dtype(size, kind == "O")
    if (
        value.known is None or value.known[0] is not value.state
    ):  # dtypes inside are asked for once, not by each outside
        value.known = value.state, _by_state(value.state, kind, size, depth)
    known: Dtype | None = value.known[1]
    return known


def _named_by(name: Any) -> tuple[str, int | None]:
    """Return what `named` does of the first argument of a dtype, which may be a class of scalars."""
    if isinstance(name, Named):
        return ("V", 0) if name.path == _RECORD else ("f", SMALL_SCALARS.get(name.path))
    return named(name) if isinstance(name, str) else ("", None)


def named(name: str) -> tuple[str, int | None]:
    """Return the kind of a dtype and the bytes of an element by its name, `<f4`; None if they are not known."""
    match = _TYPE.fullmatch(name)
    if match is None:
        return "O" if name == "object" else "f", _NAMES.get(name)
    kind, digits = match[1], match[2]
    if kind == "O" or not digits:
        return kind, _SINGLE.get(kind)
    return kind, int(digits) * (_WIDE if kind == "U" else 1)


def is_consistent(value: Made) -> bool:
    """Return whether the state of a dtype agrees with its name, as far as it is known."""
    state = value.state
    if isinstance(state, tuple) and len(state) in _OLD_LENGTHS:  # numpy finds the objects itself
        return True
    return read(value) is not None


def _by_state(state: Any, kind: str, size: int, depth: int) -> Dtype | None:
    """Return a dtype whose flags agree with its parts."""
    if not isinstance(state, tuple) or len(state) not in _LENGTHS:
        return None
    parts = [read(part, depth - 1) for part in _parts(state)]
    if None in parts:
        return None
    has_objects = kind == "O" or any(part.has_objects for part in parts if part is not None)
    flags = state[7] if len(state) > _LENGTHS[0] else 0
    if type(flags) is not int or bool(flags & _HOLDS_OBJECTS) != has_objects:
        return None
    if kind in _FLEXIBLE:
        if type(state[5]) is not int or state[5] < 0:
            return None
        size = state[5]
    if not _fits(state, size, depth):
        return None
    return Dtype(size, has_objects)


def _fits(state: tuple[Any, ...], size: int, depth: int) -> bool:
    """Return whether fields and elements of a subarray are inside of an element; numpy would read beyond it."""
    for part, offset, counts in _spans(state):
        dtype = read(part, depth - 1)
        if dtype is None or not all(type(number) is int and number >= 0 for number in (offset, *counts)):
            return False
        if offset + dtype.size * math.prod(counts) > size:
            return False
    return True


def _spans(state: tuple[Any, ...]) -> Iterator[tuple[Any, Any, tuple[Any, ...]]]:
    """Yield the dtype of each part of an element, its offset, and its shape."""
    for item in state[2:3]:
        if isinstance(item, tuple) and item:
            shape = item[1] if len(item) > 1 else None
            yield item[0], 0, shape if isinstance(shape, tuple) else (shape,)
    for field in (state[4].entries or {}).values() if isinstance(state[4], Container) else ():
        if isinstance(field, tuple) and field:
            yield field[0], field[1] if len(field) > 1 else None, ()


def _parts(state: tuple[Any, ...]) -> list[Any]:
    """Return the dtypes that a state names: that of the elements of a subarray, and those of fields."""
    parts = [item[0] for item in state[2:3] if isinstance(item, tuple) and item]
    fields = state[4]
    if isinstance(fields, Container):
        if fields.is_full:
            return [None]
        parts += [field[0] for field in (fields.entries or {}).values() if isinstance(field, tuple) and field]
    return parts
