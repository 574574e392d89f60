r"""Objects as other languages write them, which run code of their classes when they are read.

    X\n 0 0 0 3 …                      R: a promise is evaluated once it is used (CVE-2024-27322)
    ac ed 00 05 …                     Java: Weka, Deeplearning4j, H2O
    37 4a 4c …                        Julia: its Serialization, and types in BSON.jl
    1b 4c 4a …                        Lua: functions in files of Torch 7
    arrow.py_extension_type           Arrow and Parquet: a type that is a pickle (CVE-2023-47248)

Source: serialize.c of R; Serialization.jl and BSON.jl of Julia; the Java Object Serialization Specification; MS-NRBF; lundump.h of Lua; python/pyarrow/types.pxi.
"""

from __future__ import annotations

import base64
import re

from mvc.formats.source import Source
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

OBJECTS = Rule(
    "foreign-objects", Verdict.CODE, "{} would build the objects of the file, and run code of their classes."
)
BYTECODE = Rule("foreign-bytecode", Verdict.CODE, "Lua would load functions as bytecode, which may do anything.")
TYPE = Rule("arrow-pickle", Verdict.HOSTILE, "PyArrow before 14.0.1 would load the type of a column as a pickle.")
RULES = (OBJECTS, BYTECODE, TYPE)

_R = re.compile(rb"(?:RD[XAB][23]\n)?(?:X\n\0\0\0[\2\3]\0|B\n[\2\3]\0\0\0|A\n[23]\n[0-9]+\n)")
_OTHERS = (
    (b"\xac\xed\0\5", "Java"),
    (b"\0\1\0\0\0\xff\xff\xff\xff\1\0\0\0\0\0\0\0", ".NET"),
    (b"7JL", "Julia"),
    (b"\x04\x08o:", "Ruby"),
    (b"\x04\x08U:", "Ruby"),
    (b"\x04\x08[\x07o:", "Ruby"),
    (b"\x04\x08[\x08o:", "Ruby"),
    (b"\x04\x08{\x06:", "Ruby"),
    (b"pst0\4", "Perl"),
)
_TAGGED = b"\2tag\0"
"""The key by which BSON.jl of Julia knows types, functions and other objects."""
_LUA = (b"\x1bLua", b"\x1bLJ\1", b"\x1bLJ\2")
_TORCH = (".t7", ".th7")
_BSON = ".bson"
_MAX_SEARCHED = 64 * 1024 * 1024
"""Bytes of a file of Torch 7 that are searched for functions, at most."""
_ARROW = (b"ARROW1", b"PAR1", b"\xff\xff\xff\xff", b"FEA1")
_PICKLED = b"arrow.py_extension_type"
_ENCODED = tuple(base64.b64encode(bytes(shift) + _PICKLED)[8 if shift else 0 : -8] for shift in range(3))
"""The name in base64, as Parquet holds the schema of Arrow, at each of three positions, without what depends on others."""
_SCHEMA = 4 * 1024 * 1024
"""Bytes at the beginning and the end of a file in which its schema is."""


def matches(start: bytes, source: Source) -> bool:
    """Return whether content has objects of another language."""
    if _language(start) or start.startswith(_LUA):
        return True
    if source.name.lower().endswith(_BSON):
        return _has(source, (_TAGGED,), _SCHEMA)
    if source.name.lower().endswith(_TORCH):
        return _has(source, _LUA, _MAX_SEARCHED)
    return start.startswith(_ARROW) and _has(source, (_PICKLED, *_ENCODED), _SCHEMA)


def scan(source: Source, scan: Scan) -> None:
    """Report what reads them."""
    start = source.read(0, min(source.size, 512))
    if language := _language(start):
        scan.report(OBJECTS, detail=language)
    elif source.name.lower().endswith(_BSON) and not start.startswith(_LUA):
        scan.report(OBJECTS, detail="Julia")
    elif start.startswith(_ARROW):
        scan.report(TYPE)
    else:
        scan.report(BYTECODE)


def _language(start: bytes) -> str:
    if _R.match(start):
        return "R"
    return next((language for magic, language in _OTHERS if start.startswith(magic)), "")


def _has(source: Source, texts: tuple[bytes, ...], size: int) -> bool:
    """Return whether one of some texts is in the first or the last `size` bytes."""
    first = source.bulk(0, min(size, source.size))
    rest = source.size - len(first)
    last = source.bulk(source.size - min(size, rest), min(size, rest)) if rest else b""
    return any(text in part for text in texts for part in (first, last))
