"""The document of what may change about a version: its notes and evaluations.

{"schema":"mvc.site.state/1","id":"9f86…","notes":[{"number":1,"time":"…","by":"Ana …","text":"bad in rain","values":{}}],…}
"""

from __future__ import annotations

from typing import Any

from mvc.model.ids import VersionId
from mvc.porcelain import eval as evaluations
from mvc.porcelain.eval import ShownEvaluation
from mvc.repository.model import Model
from mvc.site.documents import people
from mvc.site.documents.exact import exact
from mvc.site.documents.options import Options
from mvc.storage.records.annotations.remarks import Note

SCHEMA = "mvc.site.state/1"


def document(model: Model, id_: VersionId, options: Options) -> dict[str, Any] | None:
    """Return the document; None without notes and evaluations. Raises Damaged."""
    found = {
        "notes": [_note(each, options) for each in model.repository.remarks.current(model.key, id_)],
        "evaluations": [_evaluation(each, options) for each in evaluations.show(model, id_)],
    }
    return {"schema": SCHEMA, "id": id_, **found} if any(found.values()) else None


def _note(note: Note, options: Options) -> dict[str, Any]:
    return {
        "number": note.seq,
        "time": str(note.at),
        "by": people.line(note.by, redact=options.redact),
        "text": note.text,
        "values": exact(note.values),
    }


def _evaluation(shown: ShownEvaluation, options: Options) -> dict[str, Any]:
    """Return what `mvc eval show --json` prints of an evaluation, but for its version."""
    record: dict[str, Any] = exact(shown.to_json())
    return {
        **{key: value for key, value in record.items() if key not in ("version", "version_number", "removed")},
        "time": str(shown.listed.time),
        "by": people.line(shown.listed.by, redact=options.redact),
    }
