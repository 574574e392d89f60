"""The journal: what a change of the working tree still has to do, so that an interrupted one is finished forward.

    stage every new file in tmp/ → journal → ref entries → files → heads → journal removed
                                   (point of no return)

All content is staged, verified and durable before the journal exists, so what follows are renames and deletions that
need no room and no decisions. Each step may be done twice. A file that is neither as it was before the change nor as it
will be after was edited since by its owner, and is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from mvc import errors
from mvc.model.ids import FileId
from mvc.storage import sealed, sparse
from mvc.storage.door import StoreDoor
from mvc.storage.heads import Head
from mvc.storage.merges import MergeState
from mvc.storage.reflog import RefEntry, RefName

NAME = "journal"


@dataclass(frozen=True, slots=True)
class FileStep:
    """One file: `file` is what `path` (from the repository's root) will hold, None for no file.

    `old` is what it held when the change was planned (None: nothing); `anything` says that whatever it holds may go,
    as its owner asked. `staged` is the name in `tmp/` of the new content.
    """

    path: str
    file: FileId | None
    executable: bool = False
    old: FileId | None = None
    staged: str | None = None
    anything: bool = False


@dataclass(frozen=True, slots=True)
class RefStep:
    """One ref entry to create."""

    name: RefName
    entry: RefEntry


@dataclass(frozen=True, slots=True)
class Journal:
    """A change of the working tree of `model` by the verb `verb`. `rename` gives the model this key at last.

    `merge` is the merge that is under way from then on; `merged` ends it. `sparse` are the paths that are not checked out
    from then on, None when that list stays as it is.
    """

    verb: str
    model: str
    refs: tuple[RefStep, ...] = ()
    files: tuple[FileStep, ...] = ()
    head: Head | None = None
    rename: str | None = None
    merge: MergeState | None = None
    merged: bool = False
    sparse: tuple[str, ...] | None = None

    def encode(self) -> bytes:
        """Its exact bytes, with checksum."""
        return sealed.seal(
            {
                "kind": "journal",
                "v": 1,
                "verb": self.verb,
                "model": self.model,
                "refs": [[step.name.kind, step.name.name, step.entry.encode().decode()] for step in self.refs],
                "files": [
                    [step.path, step.file, step.executable, step.old, step.staged, step.anything] for step in self.files
                ],
                "head": self.head.to_json() if self.head else None,
                "rename": self.rename,
                "merge": self.merge.to_json() if self.merge else None,
                "merged": self.merged,
                "sparse": list(self.sparse) if self.sparse is not None else None,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The journal in `data`; raises Damaged."""
        record = sealed.unseal(data, what=NAME, kind="journal")
        try:
            return cls._from(record)
        except (KeyError, TypeError, ValueError) as error:
            raise errors.Damaged(what="the journal", reason="its fields are not those of a journal") from error

    @classmethod
    def _from(cls, record: dict[str, Any]) -> Self:
        model = record["model"]
        refs = tuple(
            RefStep(RefName(model, kind, name), RefEntry.decode(text.encode(), what="an entry in the journal"))
            for kind, name, text in record["refs"]
        )
        files = tuple(FileStep(*row) for row in record["files"])
        head = Head.from_json(record["head"], what="the head in the journal") if record["head"] else None
        merge = MergeState.from_json(record["merge"]) if record["merge"] else None
        listed = record.get("sparse")
        if listed is not None and not sparse.well_formed(listed):
            raise ValueError
        left_out = tuple(listed) if listed is not None else None
        return cls(record["verb"], model, refs, files, head, record["rename"], merge, record["merged"], left_out)


def pending(door: StoreDoor) -> Journal | None:
    """The journal of an interrupted change, None when there is none; raises Damaged."""
    try:
        return Journal.decode(door.read(NAME))
    except FileNotFoundError:
        return None
