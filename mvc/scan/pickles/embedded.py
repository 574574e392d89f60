r"""Pickles inside of bytes that no reader accounts for: blocks of shelve, pages of SQLite and LMDB, what follows a pickle.

    00 00 … │ 80 04 95 … posix system … R . │ 00 00 …     ─►  a value that some program loads from there

Where a pickle begins is known to that program only. So each place that may be one is tried, and it is a finding only where it
would call a function that is known to run something.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from mvc.formats.source import HeaderError, Source
from mvc.scan import known_names
from mvc.scan.limits import Limits
from mvc.scan.pickles import held, rules
from mvc.scan.pickles.calls import Calls
from mvc.scan.pickles.machine import Machine
from mvc.scan.pickles.window import Window
from mvc.scan.scan import Scan

RULES = held.RULES

MAX_SEARCHED = 64 << 20
"""Bytes that are searched at the beginning, and as many at the end."""
DISTRIBUTED = ".distcp"
"""Suffix of a file whose parts PyTorch loads from where `.metadata` beside it says, as pickles or archives."""
_ARCHIVE = b"/data.pkl"
_BLOCK, _OVERLAP = 4 << 20, 64 << 10
_OPCODES, _ALL_OPCODES = 10_000, 4_000_000
"""Opcodes of one place, and of all places, that are followed, at most: pictures may repeat what a pickle begins with."""
_TRIED = 20_000
"""Places that are tried, at most."""
_NAMED = rb"(?:S'[^'\n]*'\n)?i?(?:os|posix|nt|subprocess|builtins|__builtin__|commands|pty|runpy|sys|shutil|import(?:lib))\n\w+\n"
_BEGINNINGS = tuple(
    map(re.compile, (rb"\x80[\2-\5][\x95(}\]\x8f\x8cXUcNKJMCB)\x88\x89]", rb"c" + _NAMED, rb"\(" + _NAMED))
)
"""How a pickle may begin: with a protocol, or with a function that runs programs. Each has a first byte, which is found fast."""


def report(source: Source, scan: Scan, begin: int = 0, *, is_part: bool = False) -> None:
    """Report pickles behind byte `begin` that would run something; if it `is_part` of a file of PyTorch, archives as well."""
    tried, search = 0, scan.trial()
    search.limits = Limits()
    search.limits.opcodes = _ALL_OPCODES
    for start, data in _blocks(source, begin):
        scan.limits.searched -= len(data)
        if scan.limits.searched < 0:
            return
        if is_part and (place := data.find(_ARCHIVE)) >= 0:
            scan.report(held.HELD, names=(), offset=start + place)
            return
        for match in (match for begins in _BEGINNINGS for match in begins.finditer(data)):
            tried += 1
            if tried > _TRIED or search.limits.opcodes < _OPCODES:
                return
            if names := _called(data[match.start() : match.start() + _OVERLAP], search):
                scan.report(held.HELD, names=names, offset=start + match.start())
                return


def _blocks(source: Source, begin: int) -> Iterator[tuple[int, bytes]]:
    """Yield the offset and the bytes of blocks that overlap: from the beginning, and up to the end."""
    middle = min(source.size, begin + MAX_SEARCHED)
    for first, end in ((begin, middle), (max(middle, source.size - MAX_SEARCHED), source.size)):
        for start in range(first, end, _BLOCK):
            yield start, source.bulk(start, min(_BLOCK + _OVERLAP, end - start))


def _called(data: bytes, search: Scan) -> list[str]:
    """Return the functions of well-known packages that a pickle would call to run something."""
    trial = search.trial()
    machine = Machine(Window(Source(lambda offset, size: data[offset : offset + size], len(data))), trial, Calls())
    with contextlib.suppress(HeaderError, RecursionError):
        machine.read(_OPCODES)
    kinds = (rules.CALL.id, rules.INSTANCE.id, rules.DOTTED_NAME.id)
    names = [name for finding in trial.result().findings if finding.rule in kinds for name in finding.names]
    sound = {named.path for named in machine.names if named.is_sound}
    return [name for name in names if name in sound and known_names.is_widespread(name)]
