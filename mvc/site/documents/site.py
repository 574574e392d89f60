"""The document of a repository: its models, and the files in which the page finds them.

{"schema":"mvc.site/1","title":"detectors","versions":"data/1a2b…/versions","models":[{"key":"helmet",
 "file":"data/models/helmet-3f9c…","versions":7,"tip":"9f86…","metrics":{"mAP50":0.61},…}],"storage":"data/storage-…",…}
"""

from __future__ import annotations

from typing import Any

from mvc.deferred import dataclass
from mvc.model.manifest import Manifest
from mvc.site.documents import people
from mvc.site.documents.model import Index
from mvc.site.documents.options import Options
from mvc.storage.records.reflog import ALIASES, HEADS

SCHEMA = "mvc.site/1"


@dataclass(frozen=True, slots=True)
class Listed:
    """A model in the overview, the path of its document, and the manifest of its tip."""

    index: Index
    file: str
    manifest: Manifest | None


def model(listed: Listed, options: Options) -> dict[str, Any]:
    """Return what the overview says of a model."""
    index, manifest = listed.index, listed.manifest
    found = index.model
    tip = found.current
    row = index.entries.get(tip) if tip is not None else None
    return {
        "key": found.key,
        "name": found.key,
        "type": manifest.type if manifest is not None else None,
        "framework": manifest.framework if manifest is not None else None,
        "file": listed.file,
        "versions": len(index.entries),
        "branches": len(found.names(HEADS)),
        "tip": tip,
        "number": row.number if row is not None else None,
        "last": None
        if row is None
        else {
            "time": str(row.time),
            "author": people.person(row.author, redact=options.redact)["name"],
            "subject": row.subject,
        },
        "aliases": [
            {"name": name, "id": target, "number": index.entries[target].number}
            for name, target in sorted((ref.name, target) for ref, target in found.targets(ALIASES).items() if target)
            if target in index.entries
        ],
        "metrics": row.metrics if row is not None else {},
    }
