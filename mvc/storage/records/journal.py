"""The journal: the remaining steps of a change of the working tree, so that an interrupted one is rolled forward.

    stage every new file in tmp/ → journal → ref entries → files → heads → journal removed
                                   (point of no return)

All content is staged, verified and durable before the journal exists; the remaining steps are renames and deletions, which
need no space and cannot conflict. Each step is idempotent. A file with neither its old nor its new content was edited by
the user since, and is not changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Annotated, Any, NamedTuple, Self

from mvc.deferred import dataclass
from mvc.model import names
from mvc.model.ids import FileId, is_id
from mvc.storage.disk import process
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records.heads import Head
from mvc.storage.records.merges import MergeState
from mvc.storage.records.record import ADDED, OMITTED, Component, InsidePath, Record
from mvc.storage.records.reflog import RefEntry, RefName

NAME = "journal"


def _is_id_or_unread(old: str) -> bool:
    return not old or is_id(old)


class FileStep(NamedTuple):
    """A change of one file: `file` is the new content of `path` (from the repository's root), None for a deletion.

    `old` is the content when the change was planned (None: no file; "": a file that was not read). With `anything`,
    any content may be overwritten, as the user requested. `staged` is the name in `tmp/` of the new content.
    """

    path: InsidePath
    file: FileId | None
    executable: bool = False
    old: Annotated[str, _is_id_or_unread] | None = None
    staged: Annotated[str, process.is_temporary_name] | None = None
    anything: bool = False


class MoveStep(NamedTuple):
    """A file or folder to rename, both paths from the repository's root; `new` was absent when the change was planned."""

    old: InsidePath
    new: InsidePath


def before(moves: Sequence[MoveStep], path: str) -> str:
    """Return where the file that is at `path` after `moves` is before them."""
    for step in reversed(moves):
        if f"{path}/".startswith(f"{step.new}/"):
            path = step.old + path[len(step.new) :]
    return path


class RefStep(NamedTuple):
    """A ref entry to create."""

    name: RefName
    entry: RefEntry

    def to_json(self) -> list[str]:
        """Return the row of a journal, which names the model once."""
        return [self.name.kind, self.name.name, self.entry.encode().decode()]

    @classmethod
    def from_json(cls, row: Any) -> Self:
        """Return the step in a row that begins with the model; raise ValueError, TypeError, Damaged."""
        model, kind, name, text = row
        ref = RefName(model, kind, name)
        entry = RefEntry.decode(text.encode())
        if not all(map(names.has_component, (*kind.split("/"), name))) or entry.ref != ref.text:
            raise ValueError
        return cls(ref, entry)


@dataclass(frozen=True, slots=True)
class Journal(Record):
    """A change of the working tree of `model` by the command `verb`. The last step renames the model to `rename`.

    `merge` starts a merge, `merged` ends it. `sparse` are the paths that are not checked out afterwards, None if that list
    does not change. `moves` are renamed first: the paths of `files` are those after them.
    """

    KIND = "journal"
    NOUN = "journal"

    verb: str
    model: Component
    refs: tuple[RefStep, ...] = ()
    files: tuple[FileStep, ...] = ()
    head: Head | None = None
    rename: Component | None = None
    merge: MergeState | None = None
    merged: bool = False
    sparse: tuple[InsidePath, ...] | None = field(default=None, metadata=ADDED)
    moves: tuple[MoveStep, ...] | None = field(default=None, metadata=OMITTED)

    @classmethod
    def prepare(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Return the fields with the model in each row of `refs`."""
        return {**values, "refs": [[values["model"], *row] for row in values["refs"]]}

    def check(self) -> None:
        """Raise ValueError for the merge of another model."""
        if self.merge is not None and self.merge.model != self.model:
            raise ValueError


def pending(door: StoreDoor) -> Journal | None:
    """Return the journal of an interrupted change, None for none; raise Damaged."""
    try:
        return Journal.decode(door.read(NAME))
    except FileNotFoundError:
        return None
