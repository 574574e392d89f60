"""safetensors: bytes that no tensor accounts for, and tensors that share bytes. No honest writer leaves either.

    u64 length │ {"a": {"data_offsets": [0, 64]}, …} │ tensors │ PK… ◄─ behind the last tensor: another format begins

Source: the format description of the safetensors project.
"""

from __future__ import annotations

import re
from typing import Any

from mvc.formats import safetensors as header
from mvc.formats.source import HeaderError, Source, TooLongError
from mvc.scan.pickles import embedded, held
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

BEHIND = Rule(
    "safetensors-behind",
    Verdict.UNREADABLE,
    "A reader of zip archives would read {} bytes that no tensor of the file accounts for.",
)
UNACCOUNTED = Rule(
    "safetensors-unaccounted", Verdict.DAMAGED, "The safetensors library refuses it: {} bytes belong to no tensor."
)
OVERLAP = Rule("safetensors-overlap", Verdict.HOSTILE, "A loader would read the same bytes as two tensors: {}.")
TWICE = Rule("safetensors-key-twice", Verdict.HOSTILE, "Loaders read {} differently, since it occurs twice.")
PROGRAM = Rule(
    "safetensors-program", Verdict.CODE, "Its metadata has a program as text, which a page or a tool may run: {}."
)
RULES = (BEHIND, UNACCOUNTED, OVERLAP, TWICE, PROGRAM, *held.RULES)

_PROGRAM = re.compile(
    r"<script\b|\bimport\s+(?:base64|builtins|ctypes|marshal|os|pickle|pty|runpy|shutil|socket|subprocess|sys)[ \t]*(?:$|[;,\n]|as\b)"
    r"|\b(?:eval|exec|__import__|os\.(?:system|popen)|subprocess\.\w+)\s*\(|\brm\s+-[rf]{2}\b"
    r"|\b(?:curl|wget)\s[^|;\n]{0,200}https?://|\b(?:bash|sh)\s+-[ic]\b",
    re.IGNORECASE,
)
"""Programs in Python, JavaScript and shell, by what only they have."""

_AFTER_BRACE = (b'"', b"}", b" ", b"\n", b"\r", b"\t")
"""What JSON has behind its first brace: numbers of eight bytes begin with a length and a brace as well."""
_ZIP_END = 22 + 65_535
"""Bytes in which the end record of a zip archive is, with the longest comment (APPNOTE 4.3.16)."""


def matches(start: bytes, source: Source) -> bool:
    """Return whether it begins as safetensors."""
    return len(start) > 9 and start[9:10] in _AFTER_BRACE and header.matches(start, source)


def scan(source: Source, scan: Scan) -> None:
    """Report ranges of the file that tensors share or leave out. Raises HeaderError if it is truncated."""
    try:
        tensors, start = header.parse(source)
    except TooLongError:
        raise
    except HeaderError as error:
        if "duplicate key" not in str(error):
            raise
        scan.report(TWICE, detail="a key")
        return
    _examine(tensors.get(header.METADATA), scan)
    ranges = sorted((*_range(name, value), name) for name, value in tensors.items() if name != header.METADATA)
    end = 0
    last = ""
    for first, stop, name in ranges:
        if first < end:
            scan.report(OVERLAP, detail=f"{last} and {name}", names=())
        elif first > end:
            _unaccounted(source, start + end, start + first, scan)
        end, last = max(end, stop), name
    if start + end > source.size:
        raise HeaderError(f"its tensors end at byte {start + end}, beyond the end of the file at {source.size}")
    _unaccounted(source, start + end, source.size, scan)


def _examine(metadata: Any, scan: Scan) -> None:
    """Report texts of the metadata that are programs or pickles."""
    for key, text in metadata.items() if isinstance(metadata, dict) else ():
        if isinstance(text, str):
            held.report(held.decoded(text), scan, member=key)
            if match := _PROGRAM.search(text):
                scan.report(PROGRAM, member=key, detail=match[0])


def _range(name: str, value: Any) -> tuple[int, int]:
    offsets = value.get("data_offsets") if isinstance(value, dict) else None
    match offsets:
        case [int(first), int(stop)] if 0 <= first <= stop:
            return first, stop
    raise HeaderError(f"{name} does not have the fields of a tensor")


def _unaccounted(source: Source, first: int, stop: int, scan: Scan) -> None:
    """Report a range without tensors: zeros are none either, and the safetensors library refuses them."""
    if first < stop:
        scan.report(BEHIND if _ends_as_zip(source) else UNACCOUNTED, offset=first, detail=str(stop - first))
        embedded.report(source, scan, first)


def _ends_as_zip(source: Source) -> bool:
    """Return whether a reader of zip archives, which looks from the end of a file, finds one: all others read from the start."""
    size = min(source.size, _ZIP_END)
    return b"PK\5\6" in source.read(source.size - size, size)
