"""safetensors: bytes that no tensor accounts for, and tensors that share bytes. No honest writer leaves either.

    u64 length │ {"a": {"data_offsets": [0, 64]}, …} │ tensors │ PK… ◄─ behind the last tensor: another format begins

Source: the format description of the safetensors project.
"""

from __future__ import annotations

from typing import Any

from mvc.formats import safetensors as header
from mvc.formats.source import HeaderError, Source, TooLongError
from mvc.scan.scan import Scan
from mvc.scan.verdict import Rule, Verdict

BEHIND = Rule(
    "safetensors-behind",
    Verdict.UNREADABLE,
    "Another loader may read {} bytes that no tensor of the file accounts for.",
)
OVERLAP = Rule("safetensors-overlap", Verdict.HOSTILE, "A loader would read the same bytes as two tensors: {}.")
TWICE = Rule("safetensors-key-twice", Verdict.HOSTILE, "Loaders read {} differently, since it occurs twice.")
RULES = (BEHIND, OVERLAP, TWICE)

_BLOCK = 64 * 1024
_MAX_CHECKED = 16 * 1024 * 1024


def matches(start: bytes, source: Source) -> bool:
    """Return whether it begins as safetensors."""
    return len(start) > 8 and header.matches(start, source)


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


def _range(name: str, value: Any) -> tuple[int, int]:
    offsets = value.get("data_offsets") if isinstance(value, dict) else None
    match offsets:
        case [int(first), int(stop)] if 0 <= first <= stop:
            return first, stop
    raise HeaderError(f"{name} does not have the fields of a tensor")


def _unaccounted(source: Source, first: int, stop: int, scan: Scan) -> None:
    """Report a range without tensors, unless it has nothing but zeros."""
    if first == stop:
        return
    size = min(stop - first, _MAX_CHECKED)
    for offset in range(first, first + size, _BLOCK):
        if any(source.read(offset, min(_BLOCK, first + size - offset))):
            scan.report(BEHIND, offset=first, detail=str(stop - first))
            return
    if size < stop - first:
        scan.report(BEHIND, offset=first, detail=str(stop - first))
