r"""Databases whose values programs unpickle, and tables of Arrow: pickles among their bytes that call what no model needs.

    "SQLite format 3\0"      sqlitedict, diskcache and `shelve` unpickle each value
    LMDB                     data sets of pictures
    Arrow, Parquet           the metadata of a type, which its class may unpickle; in Parquet as base64

The layout is not read: a value may go over several pages, and its first ones show what is called. Without such a pickle the format
is as unknown as before. Source: "Database File Format" of SQLite; lmdb.h; "Arrow Columnar Format", extension types.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from mvc.formats.source import Source
from mvc.scan import known, known_names
from mvc.scan.limits import Limits
from mvc.scan.pickles import held, rules
from mvc.scan.scan import Scan
from mvc.scan.verdict import MORE

RULES = (held.HELD,)

_STORES = (b"SQLite format 3\0", bytes(10) + b"\x08\0")
_TABLES = (b"ARROW1", b"PAR1", b"FEA1", b"\xff\xff\xff\xff")
_MAGICS = (*_STORES, *_TABLES)
_BLOCK = 1 << 22
_OVERLAP = 4096
_MAX_SEARCHED = 64 * 1024 * 1024
"""Bytes of a file that are searched, at most."""
_MAX_PICKLES = 10_000
"""Places of a file that may be pickles and are read, at most."""
_PICKLE = re.compile(rb"\x80(?:[\4\5]\x95.{5}\0\0\0|[\2\3][(\]})c])", re.DOTALL)
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{64,}")


def matches(start: bytes, source: Source) -> bool:
    """Return whether it is a database or a table with a pickle that calls something known."""
    if not start.startswith(_MAGICS):
        return False
    scan = Scan()
    scan.limits = Limits.of(source)
    return _report(source, scan)


def scan(source: Source, scan: Scan) -> None:
    """Report the pickles."""
    _report(source, scan)


def _report(source: Source, scan: Scan) -> bool:
    """Report pickles that call something known, and return whether there are any."""
    is_found = False
    for count, (offset, content) in enumerate(_pickles(source)):
        if count == _MAX_PICKLES:
            break
        trial = scan.trial()
        trial.nested(content, "value", known.PICKLES)
        calls = [finding for finding in trial.result().findings if finding.rule == rules.CALL.id]
        names = [name for finding in calls for name in finding.names if name == MORE or known_names.is_widespread(name)]
        if names:
            scan.report(held.HELD, names=names, offset=offset)
            is_found = True
    return is_found


def _pickles(source: Source) -> Iterator[tuple[int, Source]]:
    """Yield the places that may be pickles, and what begins there."""
    is_table = source.read(0, 4) in [magic[:4] for magic in _TABLES]
    for start in range(0, min(source.size, _MAX_SEARCHED), _BLOCK):
        data = source.bulk(start, min(_BLOCK + _OVERLAP, source.size - start))
        for match in _PICKLE.finditer(data):
            offset = start + match.start()
            yield offset, source.part(offset, source.size - offset)
        for match in _BASE64.finditer(data) if is_table else ():
            for decoded in map(
                _decoded, [match[0][shift:] for shift in range(4)]
            ):  # a byte before it may be a letter, too
                for inner in _PICKLE.finditer(decoded):
                    yield start + match.start(), _source(decoded[inner.start() :])


def _decoded(text: bytes) -> bytes:
    return base64.b64decode(text[: len(text) // 4 * 4])


def _source(data: bytes) -> Source:
    return Source(lambda offset, size: data[offset : offset + size], len(data))
