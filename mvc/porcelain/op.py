"""`mvc op`: the operation log of a model."""

from __future__ import annotations

import itertools

from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.repository.model import Model
from mvc.repository.operations import log
from mvc.repository.operations.log import Logged
from mvc.repository.operations.recorder import FINAL
from mvc.storage.records.operations import DISCARDED


@dataclass(frozen=True, slots=True)
class OperationRef(Document):
    """A ref that an operation moved, as `heads/main`."""

    ref: str
    old: VersionId | None
    new: VersionId | None


@dataclass(frozen=True, slots=True)
class OperationFile(Document):
    """A file that an operation changed: its content before and after, None for no file.

    `kept` is False if the content before was discarded with --discard.
    """

    path: str
    old: str | None
    new: str | None
    kept: bool


@dataclass(frozen=True, slots=True)
class Operation(Document):
    """An operation: its command, author and time, and what it moved; `undoes` are those that it reversed.

    `undone` is True if it was reversed since, `final` if it cannot be. `branch_before` and `branch` are set if HEAD moved,
    None for a detached HEAD.
    """

    KEYS = keys("number verb command by time=at refs files head_moved branch_before branch undoes undone final")

    number: int
    verb: str
    command: str
    by: str
    at: Timestamp
    refs: tuple[OperationRef, ...]
    files: tuple[OperationFile, ...]
    head_moved: bool
    branch_before: str | None
    branch: str | None
    undoes: tuple[int, ...]
    undone: bool
    final: bool


def operations(model: Model, *, limit: int | None = None) -> list[Operation]:
    """Return the operations of `model`, newest first, at most `limit`. Raises NoModel."""
    model.check()
    return [_operation(model, logged) for logged in itertools.islice(log.log(model), limit)]


def operation(model: Model, number: int) -> Operation:
    """Return one operation; raise NoModel, NoSuchOperation."""
    model.check()
    return _operation(model, log.find(model, number))


def _operation(model: Model, logged: Logged) -> Operation:
    first = logged.first
    entries = [each for part in logged.parts for each in log.entries(model, part)]
    heads = [part for part in logged.parts if part.head_after is not None and part.head_after != part.head]
    before, after = (heads[0].head, heads[-1].head_after) if heads else (None, None)
    return Operation(
        logged.number,
        first.verb,
        first.command,
        first.by,
        first.at,
        tuple(OperationRef(ref.text, entry.old, entry.new) for ref, entry in entries),
        tuple(
            OperationFile(each.path, each.old or None, each.new, each.old != DISCARDED)
            for part in logged.parts
            for each in part.files
        ),
        bool(heads),
        before.branch if before is not None else None,
        after.branch if after is not None else None,
        first.undoes,
        logged.is_undone,
        first.verb in FINAL,
    )
