r"""npy: an array behind a short text header; an array of objects is a pickle.

    \x93NUMPY │ version │ length │ {'descr': '|O', 'fortran_order': False, 'shape': (3,), } │ pickle

Source: numpy.lib.format, versions 1 to 3.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from typing import Any

from mvc.formats.source import HeaderError, Source, TooLongError
from mvc.scan.pickles import dtypes, file
from mvc.scan.pickles.window import Window
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

DTYPE = Rule("npy-dtype", Verdict.UNREADABLE, "It has a dtype that the scan cannot read, so a pickle may follow.")
RULES = (DTYPE,)

MAGIC = b"\x93NUMPY"
_LENGTHS = {1: 2, 2: 4, 3: 4}
_MAX_HEADER = 64 * 1024
_MAX_DEPTH = 8
_LONG = re.compile(r"(\b[0-9]+)L\b")
"""Numbers as Python 2 writes them, which numpy reads."""


def matches(start: bytes, source: Source) -> bool:  # noqa: ARG001 - the first bytes suffice
    """Return whether content is an array of numpy."""
    return start.startswith(MAGIC)


def scan(source: Source, scan: Scan) -> None:
    """Read the pickle of an array of objects. Raises HeaderError if the header is malformed."""
    end = _array(source, scan)
    while 0 < end < source.size:  # a loader may read the next array, or a pickle, from the same file
        rest = source.part(end, source.size - end, source.name)
        if not rest.read(0, min(len(MAGIC), rest.size)).startswith(MAGIC):
            trial = scan.trial()
            trial.nested(rest, "behind the array")
            if trial.result().verdict >= Verdict.CODE:
                scan.adopt(trial)
            return
        length = _array(rest, scan)
        end = end + length if length else 0
    if end > source.size:
        raise HeaderError(f"its array ends at byte {end}, beyond the end of the file at {source.size}")


def _array(source: Source, scan: Scan) -> int:
    """Read an array; return the offset behind it, 0 if it is not known. Raises HeaderError if the header is malformed."""
    start = source.read(0, min(12, source.size))
    width = _LENGTHS.get(start[6]) if len(start) == 12 else None
    if width is None:
        raise HeaderError("its header has an unknown version")
    length = int.from_bytes(start[8 : 8 + width], "little")
    if length > _MAX_HEADER:
        scan.report(DTYPE)
        raise TooLongError("its header is too long")
    fields = _fields(source.read(8 + width, length))
    has_objects = _has_objects(fields.get("descr"))
    if has_objects is None:
        scan.report(DTYPE)
    if has_objects is not False:
        window = Window(source, 8 + width + length)
        return file.read(window, scan)
    size, count = _size(fields["descr"]), _count(fields.get("shape"))
    return 8 + width + length + size * count if size is not None and count is not None else 0


def _fields(text: bytes) -> dict[str, Any]:
    try:
        with warnings.catch_warnings(action="ignore"):
            fields = ast.literal_eval(_LONG.sub(r"\1", text.decode("latin1")))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _size(descr: Any, depth: int = _MAX_DEPTH) -> int | None:
    """Return the bytes of an element; None if they are not known."""
    match descr:
        case str() if depth:
            return dtypes.named(descr)[1]
        case (inner, tuple() | int() as shape) if isinstance(descr, tuple) and depth:
            size, count = _size(inner, depth - 1), _count(shape)
            return size * count if size is not None and count is not None else None
        case list() if depth:
            sizes = [_size(field[1:] if len(field) > 2 else field[1], depth - 1) for field in descr]
            return None if None in sizes else sum(size for size in sizes if size is not None)
    return None


def _count(shape: Any) -> int | None:
    """Return the elements of a shape; None if it is none."""
    sizes = shape if isinstance(shape, tuple) else (shape,)
    return math.prod(sizes) if all(type(size) is int and size >= 0 for size in sizes) else None


def _has_objects(descr: Any, depth: int = _MAX_DEPTH) -> bool | None:
    """Return whether a dtype has objects; None if it cannot be read."""
    match descr:
        case _ if not depth:
            return None
        case str():
            return "O" in descr or "object" in descr or "," in descr
        case (inner, tuple() | int()) if isinstance(descr, tuple):
            return _has_objects(inner, depth - 1)
        case list():
            parts = [_has_objects(field[1], depth - 1) if _is_field(field) else None for field in descr]
            return True if True in parts else None if None in parts else False
    return None


def _is_field(field: Any) -> bool:
    return isinstance(field, tuple) and len(field) in (2, 3)
