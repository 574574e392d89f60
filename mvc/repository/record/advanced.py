"""A checked-out branch that records moved: the working tree still has the files of before, or none.

main  v1 ── checked out ── v2 by `record` ── v3 by `record`        the files here are those of v1
main  ── v1 by `record`                                            there are no files here
"""

from __future__ import annotations

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document
from mvc.model.ids import SHORT, VersionId
from mvc.model.tree import TreeEntry
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.record import REASON
from mvc.repository.worktree.snapshot import UNREAD, Found
from mvc.storage.records.reflog import HEADS


@dataclass(frozen=True, slots=True)
class Advanced(Document):
    """A checked-out branch that was moved by records: its files are still those of `id`, version `number`.

    Both are None if the records made its first versions: it has no files.
    """

    id: VersionId | None
    number: int | None


def find(model: Model, branch: str | None, found: Found) -> Advanced | None:
    """Return the version whose files are still here, when records moved the branch since; None when they followed."""
    is_recorded, before = _before_records(model, branch)
    if before is None:
        return Advanced(None, None) if is_recorded and not found.files and not found.problems else None
    old, new = history.snapshot(model.repository, before), history.snapshot(model.repository, model.current)
    assert old is not None  # noqa: S101 - both are versions
    assert new is not None  # noqa: S101
    here = found.snapshot.tree.by_path
    for entry in old.tree.entries:
        replacement = new.tree.by_path.get(entry.path)
        moved_on = replacement is None or replacement.file != entry.file
        if moved_on and entry.path in here and _is_same(here[entry.path], entry):
            return Advanced(before, model.repository.objects.version(before).number)
    return None


def check(model: Model, branch: str, found: Found) -> None:
    """Raise RecordedMeanwhile if a commit would put the files of before, or none, in the place of the recorded ones."""
    advanced, tip = find(model, branch, found), model.current
    if advanced is None or tip is None:
        return
    current = history.label(model.repository, tip)
    if advanced.id is None:
        raise errors.RecordedMeanwhile(
            version=current, state="the working tree has none of them", hint="then change model.toml again"
        )
    raise errors.RecordedMeanwhile(
        version=current,
        state=f"the working tree is still that of {history.label(model.repository, advanced.id)}",
        hint=f"or keep them with `mvc switch -c NAME {advanced.id[:SHORT]}`, commit there, and merge",
    )


def _before_records(model: Model, branch: str | None) -> tuple[bool, VersionId | None]:
    """Return whether records moved a branch last, and where it was before them; None if it did not exist."""
    ref = model.ref(HEADS, branch or "")
    entry = model.repository.refs.tip(ref) if branch is not None else None
    is_recorded, old = False, None
    while entry is not None and entry.move.reason.startswith(REASON):
        is_recorded, old = True, entry.old
        entry = model.repository.refs.entry(ref, entry.seq - 1) if old is not None else None
    return is_recorded, old


def _is_same(file: TreeEntry, entry: TreeEntry) -> bool:
    """Return whether two entries are the same file; an unread one is compared by size."""
    return file.file == entry.file or (file.file == UNREAD and file.size == entry.size)
