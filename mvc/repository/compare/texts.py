"""The text of changed files, in two versions or a version and the working tree. Nothing is fetched for it.

a modified file ─► short on both sides? ─► both here? ─ no ─► said, if its suffix is that of a text
                                             └─ yes ─► both text? ─► hunks
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from mvc import errors
from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.model.compare import environment_record, text
from mvc.model.compare.environment_record import EnvironmentChange, EnvironmentRecord
from mvc.model.compare.files import FileChange
from mvc.model.compare.text import TextDiff
from mvc.model.tree import TreeEntry
from mvc.storage.records.promised import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from mvc.repository.repository import Repository

_NOT_HERE, _DAMAGED = "not here", "damaged"


class UnreadableTextError(Exception):
    """The bytes of a file cannot be read."""


def differences(
    repository: Repository, changes: Iterable[FileChange], folder: str | None = None, context: int = text.CONTEXT
) -> tuple[TextDiff, ...]:
    """Return the changed lines of the modified text files among `changes`.

    The new side is in the working tree if the `folder` of its model is given, else it is stored.
    """
    stored = partial(_stored, repository)
    new = stored if folder is None else partial(_working, repository, folder)
    return tuple(compared(changes, stored, new, context))


def compared(
    changes: Iterable[FileChange],
    read_old: Callable[[TreeEntry], bytes],
    read_new: Callable[[TreeEntry], bytes],
    context: int = text.CONTEXT,
) -> Iterator[TextDiff]:
    """Yield the changed lines of the modified text files among `changes`; the readers may raise UnreadableTextError."""
    for change in changes:
        old, new = change.old, change.new
        if old is None or new is None or not change.bytes_changed or max(old.size, new.size) > text.MAX_BYTES:
            continue
        if old.path.lower().endswith(WEIGHT_SUFFIXES) or new.path.lower().endswith(WEIGHT_SUFFIXES):
            continue  # weights, even if their bytes happen to be text
        try:
            before, after = text.text_of(read_old(old)), text.text_of(read_new(new))
        except UnreadableTextError as error:
            if text.may_be_text(new.path):
                yield TextDiff(old.path, new.path, (), str(error))
            continue
        recorded = _environment(before, after)
        if recorded is not None:
            yield TextDiff(old.path, new.path, (), environment=recorded)
        elif before is not None and after is not None and before != after:
            yield TextDiff(old.path, new.path, text.hunks(before, after, context))


def _environment(before: str | None, after: str | None) -> tuple[EnvironmentChange, ...] | None:
    """Return what differs between two environment records; None unless both texts are some."""
    if before is None or after is None:
        return None
    old, new = EnvironmentRecord.decode(before), EnvironmentRecord.decode(after)
    return environment_record.changes(old, new) or None if old is not None and new is not None else None


def _stored(repository: Repository, entry: TreeEntry) -> bytes:
    if repository.promised.state(entry.file) in (State.PROMISED, State.EXPIRED):
        raise UnreadableTextError(_NOT_HERE)
    try:
        return repository.extract.small(entry.file)
    except errors.MvcError:
        raise UnreadableTextError(_DAMAGED) from None


def _working(repository: Repository, folder: str, entry: TreeEntry) -> bytes:
    try:
        fd = repository.tree.open(f"{folder}/{entry.path}" if folder else entry.path)
    except (errors.MvcError, OSError):
        raise UnreadableTextError(_NOT_HERE) from None
    with open(fd, "rb", buffering=0) as file:
        return file.read(text.MAX_BYTES + 1)
