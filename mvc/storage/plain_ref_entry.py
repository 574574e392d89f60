"""Ref entries in the form that nearly all have, read by one regular expression: a log may have tens of thousands.

A match proves the bytes canonical, so they are not encoded again for the checksum. To compile the expression takes as long as
decoding a few dozen entries.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mvc.deferred import regex
from mvc.model.ids import VersionId, digest
from mvc.storage.records.record import VERSION

_TEXT = r'"([^"\\\x00-\x1f]*)"'
_ID_OR_NULL = '(?:null|"([0-9a-f]{64})")'
_PLAIN = regex(
    r'(\{"at":\{"offset":(0|-?[1-9][0-9]{0,2}),"seconds":(0|-?[1-9][0-9]{0,11})\},'
    rf'"by":{_TEXT},"kind":"ref","new":{_ID_OR_NULL},"nonce":"([0-9a-f]{{32}})","old":{_ID_OR_NULL},'
    rf'"prev":{_ID_OR_NULL},"reason":{_TEXT},"ref":{_TEXT},"seq":([1-9][0-9]{{0,9}}))'
    rf',"sum":"([0-9a-f]{{64}})"(,"v":{VERSION}\}})'
)
"""An entry without `seen` and `place`, in whose texts nothing is escaped."""


class Plain(NamedTuple):
    """The fields of an entry. Its time may be out of range."""

    ref: str
    seq: int
    old: VersionId | None
    new: VersionId | None
    prev: str | None
    by: str
    seconds: int
    offset: int
    reason: str
    nonce: str


def parse(data: bytes) -> Plain | None:
    """Return the fields of an entry of that form with the right checksum; None for anything else."""
    try:
        match = _PLAIN.fullmatch(data.decode())
    except UnicodeDecodeError:
        return None
    if match is None:
        return None
    parts: tuple[Any, ...] = match.groups()
    first, offset, seconds, by, new, nonce, old, prev, reason, ref, seq, checksum, last = parts
    if digest(f"{first}{last}".encode()) != checksum:
        return None
    return Plain(ref, int(seq), old, new, prev, by, int(seconds), int(offset), reason, nonce)
