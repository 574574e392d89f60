"""The view of a model as it was after an operation: the ends of its ref logs, and its HEAD, for verbs that read."""

from __future__ import annotations

from mvc.repository.model import Model
from mvc.repository.operations import log


def look_at(model: Model, number: int) -> None:
    """Read refs and HEAD of the model as they were after operation `number` from now on. Raises NoSuchOperation.

    Only the moves of later operations are left out: remote-tracking refs are as they are now. Nothing may be written then.
    """
    repository = model.repository
    last = log.find(model, number).number
    ends, head = {}, None
    for logged in log.log(model):
        if logged.number <= last:
            break
        for part in reversed(logged.parts):
            ends.update({ref: entry.seq - 1 for ref, entry in log.entries(model, part)})
            head = part.head if part.head_after is not None else head
    repository.refs.ends = ends
    if head is not None:
        repository.heads.instead[model.key] = head
