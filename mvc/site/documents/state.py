"""The document of what may change about a version: its notes and evaluations.

{"schema":"mvc.site.state/1","id":"9f86…","notes":[{"number":1,"time":"…","by":"Ana …","text":"bad in rain","values":{}}],…}
"""

from __future__ import annotations

from typing import Any

from mvc.model.ids import VersionId
from mvc.repository.model import Model
from mvc.site.documents import people
from mvc.site.documents.exact import exact
from mvc.site.documents.options import Options

SCHEMA = "mvc.site.state/1"


def document(model: Model, id_: VersionId, options: Options) -> dict[str, Any] | None:
    """Return the document; None without notes. Raises Damaged."""
    notes = model.repository.remarks.current(model.key, id_)
    if not notes:
        return None
    return {
        "schema": SCHEMA,
        "id": id_,
        "notes": [
            {
                "number": note.seq,
                "time": str(note.at),
                "by": people.line(note.by, redact=options.redact),
                "text": note.text,
                "values": exact(note.values),
            }
            for note in notes
        ],
        "evaluations": [],
    }
