"""The document of what may change about a version: its notes and evaluations.

{"schema":"mvc.site.state/1","id":"9f86…","notes":[{"number":1,"time":"…","by":"Ana …","text":"bad in rain","values":{}}],…}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mvc.model.ids import VersionId
from mvc.model.query import order
from mvc.model.query.subject import EVAL
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
    shown = evaluations.show(model, id_)
    newest = {each.listed.dataset: each.listed.number for each in shown}  # oldest first
    found = {
        "notes": [_note(each, options) for each in model.repository.remarks.current(model.key, id_)],
        "evaluations": [_evaluation(each, options, newest) for each in shown],
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


def _evaluation(shown: ShownEvaluation, options: Options, newest: Mapping[str, int]) -> dict[str, Any]:
    """Return what `mvc eval show --json` prints of an evaluation, but for its version.

    `superseded_by` is the number of the newest one on the dataset, which counts; `lowest` the metrics whose lowest number
    is the best.
    """
    record: dict[str, Any] = exact(shown.to_json())
    number = newest[shown.listed.dataset]
    metrics = {*shown.listed.metrics, *(name for each in shown.classes for name in each.metrics)}
    return {
        **{key: value for key, value in record.items() if key not in ("version", "version_number", "removed")},
        "time": str(shown.listed.time),
        "by": people.line(shown.listed.by, redact=options.redact),
        "lowest": sorted(name for name in metrics if order.lowest_is_best((EVAL, name))),
        "superseded_by": None if number == shown.listed.number else number,
    }
