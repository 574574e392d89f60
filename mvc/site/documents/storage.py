"""The document of the storage screen: what sharing, planes, deltas and compression save.

{"schema":"mvc.site.storage/1","raw":6871947673,"stored":1717986918,"by":[{"what":"sharing","bytes":…}],"models":[…],…}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mvc.porcelain import du
from mvc.site.documents.model import Index

SCHEMA = "mvc.site.storage/1"


def document(indexes: Sequence[Index]) -> dict[str, Any]:
    """Return the document. Raises Missing, Damaged."""
    usages = du.du(indexes[0].model) if indexes else None
    return {
        "schema": SCHEMA,
        "raw": usages.checked_out if usages is not None else 0,
        "stored": usages.store if usages is not None else 0,
        "by": [{"what": what, "bytes": size} for what, size in usages.saved.items()] if usages is not None else [],
        "models": [
            {
                "key": index.model.key,
                "versions": len(index.entries),
                "bytes": sum(row.size or 0 for row in index.entries.values()),
            }
            for index in indexes
        ],
        "prune": None,
    }
