"""The operation log of a model: the operations that happened, newest first, and those that were undone since.

A record counts as far as its ref entries exist. One without ref entries counts unless the next operation found the HEAD
from before it, or, for the newest, the files are still those from before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mvc import errors
from mvc.deferred import dataclass
from mvc.repository.model import Model
from mvc.repository.worktree.snapshot import UNREAD
from mvc.storage.records import operations
from mvc.storage.records.operations import Operation
from mvc.storage.records.reflog import RefEntry, RefName

if TYPE_CHECKING:
    from mvc.repository.repository import Repository
    from mvc.storage.records.heads import Head

ADVICE = "`mvc op log` lists the operations; `mvc undo --op N` undoes an earlier one."
"""What else can be done where an operation cannot be undone."""


@dataclass(frozen=True, slots=True)
class Logged:
    """An operation that happened: its number and its records, the first one and its parts.

    `is_undone` is True if a later undo or redo reversed it.
    """

    number: int
    parts: tuple[Operation, ...]
    is_undone: bool = False

    @property
    def first(self) -> Operation:
        """The first record."""
        return self.parts[0]

    @property
    def is_undo(self) -> bool:
        """True for an undo, False for a redo and everything else."""
        return bool(self.first.undoes) and not self.first.redo


def log(model: Model) -> Iterator[Logged]:
    """Yield the operations of `model`, newest first, also those made under its former names."""
    undone: set[int] = set()
    for number, parts in _happened(model):
        is_undone = number in undone
        if not is_undone:
            undone.update(parts[0].undoes)
        yield Logged(number, parts, is_undone)


def find(model: Model, number: int) -> Logged:
    """Return one operation, also by the number of a part; raise NoSuchOperation."""
    for logged in log(model):
        if number == logged.number or number in _numbers(model.repository, logged.number):
            return logged
    raise errors.NoSuchOperation(number=number, model=model.key)


def entries(model: Model, operation: Operation) -> Iterator[tuple[RefName, RefEntry]]:
    """Yield the ref entries of an operation that exist, each with its ref."""
    for planned in operation.refs:
        ref = model.ref(planned.kind, planned.name)
        try:
            entry = model.repository.refs.entry(ref, planned.seq)
        except errors.MvcError:  # it was never created, or is damaged
            continue
        if entry.move.nonce == planned.nonce:
            yield ref, entry


def _happened(model: Model) -> Iterator[tuple[int, tuple[Operation, ...]]]:
    repository = model.repository
    key, head, is_newest = model.key, repository.heads.get(model.key), True
    parts: dict[int, list[Operation]] = {}
    for number in reversed(operations.numbers(repository.door)):
        try:
            record = operations.read(repository.door, number)
        except (errors.MvcError, FileNotFoundError):  # believed last: a damaged record counts for nothing
            continue
        if record.part_of is not None:
            parts.setdefault(record.part_of, []).insert(0, record)
        elif record.model is None:
            yield number, (record,)
        elif key in (record.model, record.rename):
            whole = (record, *parts.pop(number, ()))
            if _counts(model, key, whole, head, is_newest=is_newest):
                yield number, whole
                key = record.model
            head, is_newest = record.head, False


def _counts(model: Model, key: str, parts: tuple[Operation, ...], head: Head | None, *, is_newest: bool) -> bool:
    """Return whether the operation happened; `key` and `head` are the model's name and HEAD when the next one began."""
    first = parts[0]
    if first.rename is not None:
        return key == first.rename
    if any(part.refs for part in parts):
        return any(True for part in parts for _ in entries(model, part))
    if first.head_after is not None and first.head_after != first.head:
        return head != first.head
    changes = first.files or first.moves
    return not changes or not is_newest or not all(_is_unchanged(model.repository, part) for part in parts)


def _is_unchanged(repository: Repository, operation: Operation) -> bool:
    """Return whether all files have the content from before the operation, and not the one after."""
    changed = [each for each in operation.files if each.old != each.new]
    moves, tree = operation.moves or (), repository.tree
    is_moved = any(tree.stat(step.old) is None or tree.stat(step.new) is not None for step in moves)
    return (
        bool(changed or moves) and not is_moved and all(content(repository, each.path) == each.old for each in changed)
    )


def content(repository: Repository, path: str) -> str | None:
    """Return the id of the file at `path`; None for no file, UNREAD if it cannot be identified."""
    found = repository.tree.stat(path)
    if found is None:
        return None
    return repository.stats.identify(path, found) or UNREAD if found.is_file else UNREAD


def _numbers(repository: Repository, first: int) -> Iterator[int]:
    """Yield the numbers of the parts of an operation."""
    records = operations.sound(repository.door)
    yield from (number for number, record in records.items() if record.part_of == first)
