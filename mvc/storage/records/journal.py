"""The journal: what a change of the working tree still has to do, so that an interrupted one is finished forward.

    stage every new file in tmp/ → journal → ref entries → files → heads → journal removed
                                   (point of no return)

All content is staged, verified and durable before the journal exists, so what follows are renames and deletions that
need no room and no decisions. Each step may be done twice. A file that is neither as it was before the change nor as it
will be after was edited since by its owner, and is left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from mvc import errors
from mvc.model import names, paths
from mvc.model.ids import FileId, is_id
from mvc.storage.disk import process
from mvc.storage.disk.door import StoreDoor
from mvc.storage.records import sealed, sparse
from mvc.storage.records.heads import Head
from mvc.storage.records.merges import MergeState
from mvc.storage.records.reflog import RefEntry, RefName

NAME = "journal"
_FIELDS = {"kind", "v", "verb", "model", "refs", "files", "head", "rename", "merge", "merged", "sparse"}


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
            if set(record) | {"sparse"} != _FIELDS or record["v"] != 1:
                raise ValueError
            return cls._from(record)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise errors.Damaged(what="the journal", reason="its fields are not those of a journal") from error
        except errors.Refused as error:
            raise errors.Damaged(what="the journal", reason=error.message.rstrip(".")) from error

    @classmethod
    def _from(cls, record: dict[str, Any]) -> Self:
        model, rename = _model(record["model"]), record["rename"]
        refs = tuple(_ref_step(model, row) for row in record["refs"])
        files = tuple(map(_file_step, record["files"]))
        head = Head.from_json(record["head"], what="the head in the journal") if record["head"] else None
        merge = MergeState.from_json(record["merge"]) if record["merge"] else None
        verb, merged = record["verb"], record["merged"]
        if not isinstance(verb, str) or not isinstance(merged, bool) or (merge is not None and merge.model != model):
            raise ValueError
        listed = record.get("sparse")
        if listed is not None and not sparse.well_formed(listed):
            raise ValueError
        left_out = tuple(listed) if listed is not None else None
        return cls(verb, model, refs, files, head, None if rename is None else _model(rename), merge, merged, left_out)


def _ref_step(model: str, row: Sequence[Any]) -> RefStep:
    kind, name, text = row
    ref = RefName(model, kind, name)
    entry = RefEntry.decode(text.encode(), what="an entry in the journal")
    if not all(map(names.has_component, (*kind.split("/"), name))) or entry.ref != ref.text:
        raise ValueError
    return RefStep(ref, entry)


def _file_step(row: Sequence[Any]) -> FileStep:
    """A step of the right types, whose path stays in the working tree, and whose `staged` is a name in `tmp/`."""
    path, file, executable, old, staged, anything = row
    ids = all(each is None or is_id(each) for each in (file, old or None))
    if not ids or not isinstance(executable, bool) or not isinstance(anything, bool):
        raise TypeError
    if staged is not None and not process.is_temporary_name(staged):
        raise ValueError
    paths.check_inside(path)
    return FileStep(*row)


def _model(name: Any) -> str:
    """The name of a model, which can be one in a path; raises ValueError, TypeError."""
    if not isinstance(name, str) or not names.has_component(name):
        raise ValueError
    return name


def pending(door: StoreDoor) -> Journal | None:
    """The journal of an interrupted change, None when there is none; raises Damaged."""
    try:
        return Journal.decode(door.read(NAME))
    except FileNotFoundError:
        return None
