"""The checksum of a record: canonical JSON with a `sum`, since its name does not depend on its content.

    {"kind":"head", …}  →  {"kind":"head", …, "sum":"<BLAKE3 of the canonical bytes without sum>"}

By it, every reader detects a flipped bit in a ref entry, a head or a journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mvc import errors
from mvc.model import canonical
from mvc.model.ids import digest

SUM = "sum"


def checksum(record: Mapping[str, Any]) -> str:
    """Return the checksum of a record, with or without a `sum`."""
    return digest(canonical.encode({key: value for key, value in record.items() if key != SUM}))


def seal(record: Mapping[str, Any]) -> bytes:
    """Return the canonical bytes of `record` with its checksum."""
    return canonical.encode({**record, SUM: checksum(record)})


def unseal(data: bytes, *, what: str, kind: str) -> dict[str, Any]:
    """Return the record in `data`, without its checksum; raise Damaged naming `what`."""
    try:
        record = canonical.decode(data)
    except errors.NotCanonical as error:
        raise errors.Damaged(what=what, reason=f"it is not canonical JSON: {error.fields['reason']}") from error
    if not isinstance(record, dict) or record.get("kind") != kind:
        raise errors.Damaged(what=what, reason=f"it is not a record of kind {kind}")
    if not _matches(record, data):
        raise errors.Damaged(what=what, reason="its checksum does not match")
    del record[SUM]
    return record


def _matches(record: dict[str, Any], data: bytes) -> bool:
    """Return whether the checksum of a record is right; `data` are its canonical bytes.

    These without their `sum` are the canonical bytes of the rest, which is not encoded again, for thousands of ref entries.
    """
    given = record.get(SUM)
    part = f',"{SUM}":"{given}"'.encode(errors="replace")
    if data.count(part) == 1 and digest(data.replace(part, b"")) == given:
        return True
    return given == checksum(record)
