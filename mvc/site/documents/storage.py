"""The document of the storage screen: what sharing, planes, deltas and compression save.

{"schema":"mvc.site.storage/1","raw":6871947673,"stored":1717986918,"by":[{"what":"sharing","bytes":…}],"models":[…],…}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mvc.porcelain.du import SAVING
from mvc.repository.repository import Repository
from mvc.site.documents.model import Index
from mvc.storage import usage
from mvc.storage.records.promised import PROMISED

SCHEMA = "mvc.site.storage/1"


def document(repository: Repository, indexes: Sequence[Index]) -> dict[str, Any]:
    """Return the document. The savings are those of all chunks of the store, as its index has them. Raises Damaged."""
    raw = sum(_bytes(index) for index in indexes)
    is_partial = bool(repository.door.names(PROMISED))
    return {
        "schema": SCHEMA,
        "raw": raw,
        "stored": usage.on_disk(repository.door),
        "by": [] if is_partial else [{"what": what, "bytes": size} for what, size in _saved(repository, indexes, raw)],
        "models": [
            {"key": index.model.key, "versions": len(index.entries), "bytes": _bytes(index)} for index in indexes
        ],
    }


def _bytes(index: Index) -> int:
    """Return the bytes of all files of all versions."""
    return sum(row.size or 0 for row in index.entries.values())


def _saved(repository: Repository, indexes: Sequence[Index], raw: int) -> Iterator[tuple[str, int]]:
    """Yield what `mvc du` calls each way to save bytes, and the bytes."""
    totals = repository.chunks.totals()
    small = sum(row.small for index in indexes for row in index.entries.values())
    yield "sharing", max(0, raw - small - sum(size for size, _ in totals.values()))
    for name in dict.fromkeys(SAVING.values()):
        yield name, sum(size - stored for kind, (size, stored) in totals.items() if SAVING.get(kind) == name)
