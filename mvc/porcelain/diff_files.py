"""`mvc diff --no-index`: the differences of two files or folders, without a repository.

a/best.pt   b/best.pt   one pair, whatever the names           a/     b/        files by path, and model.toml by value
a/best.pt   b/          a/best.pt and b/best.pt, as in Git     -      a/        an error: standard input
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from mvc.deferred import dataclass
from mvc.display import Result, changed
from mvc.formats.known import WEIGHT_SUFFIXES
from mvc.intake.plain import files as plain_files
from mvc.intake.plain.contents import Contents
from mvc.intake.plain.files import LeftOut, Plain, PlainFile
from mvc.model.compare import diff as version_diff
from mvc.model.compare.diff import Snapshot, VersionDiff
from mvc.model.compare.files import FileChange, compare_trees
from mvc.model.compare.text import CONTEXT, MAX_BYTES, TextDiff
from mvc.model.document import Document, keys
from mvc.model.ids import FileId
from mvc.model.tree import Tree, TreeEntry
from mvc.repository import tensors as file_tensors
from mvc.repository.compare import texts as file_texts
from mvc.repository.tensors import FileTensors

UNREAD = FileId("")
"""The id of a file whose size alone says that it has no counterpart."""


@dataclass(frozen=True, slots=True)
class PlainSide(Document):
    """The path of one side, as it was given."""

    path: str


@dataclass(frozen=True, repr=False)
class FilesDiff(Result):
    """A diff of two files or folders. A file whose id is "" was not read, since its size differs.

    `tensors` has the tensor diff of each modified file; None unless requested. `left_out` are paths that were not compared
    (links to nothing, pipes and the like), `notes` files whose tensors or values cannot be read, each with the reason.
    """

    KEYS = keys("old new differs breaking=difference.breaking changes=difference tensors texts left_out notes")
    OPTIONAL = ("tensors", "texts")

    old: PlainSide
    new: PlainSide
    difference: VersionDiff
    tensors: tuple[FileTensors, ...] | None
    texts: tuple[TextDiff, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[LeftOut, ...]

    def summary(self) -> str:
        """Return the most important facts in one line."""
        return f"{self.old.path}..{self.new.path}: {changed(self.difference)}"

    @property
    def differs(self) -> bool:
        """True if anything differs."""
        return not self.difference.is_empty


def diff_files(
    old: Path,
    new: Path,
    *,
    shown: tuple[str, str] | None = None,
    tensors: Literal["headers", "deep"] | None = None,
    context: int | None = CONTEXT,
) -> FilesDiff:
    """Compare two files or folders, which messages call `shown`; nothing is written.

    With `tensors`, also compare the tensors of modified files by their digests, with `deep` by their weights. Small text
    files are compared by line, with `context` equal lines around a change; None leaves this out. Raises NoSuchFile,
    NotComparable, UnreadablePath, FileChanged, TooBig.
    """
    left, right = _paired(*map(plain_files.at, (old, new), shown or (os.fspath(old), os.fspath(new))))
    before, after = Contents(left), Contents(right)
    difference = _values(before, after)
    found = _files(left, right, before, after)
    difference = replace(difference, files=found)
    by_file = None
    if tensors is not None:
        by_file = tuple(_tensors(difference.files, (left, before), (right, after), deep=tensors == "deep"))
    lines: tuple[TextDiff, ...] = ()
    if context is not None:
        values = {file.path for file in (before.model_toml, after.model_toml) if file and before.manifest}
        hidden = values if difference.values or not difference.labelmap.is_empty else ()
        lines = tuple(_texts(found, (left, before), (right, after), context, hidden))
    notes = dict.fromkeys((*before.notes, *after.notes))
    return FilesDiff(
        PlainSide(left.shown),
        PlainSide(right.shown),
        difference,
        by_file,
        lines,
        tuple(dict.fromkeys((*left.left_out, *right.left_out))),
        tuple(notes),
    )


def _paired(old: Plain, new: Plain) -> tuple[Plain, Plain]:
    """Return the two sides; beside a file, a folder means the file of that name in it. Raises as `files.at`."""
    if old.folder is not None and new.folder is None:
        return _named(old, new), new
    if new.folder is not None and old.folder is None:
        return old, _named(new, old)
    return old, new


def _named(folder: Plain, beside: Plain) -> Plain:
    (file,) = beside.files.values()
    name = os.path.basename(file.place)
    assert folder.folder is not None  # noqa: S101 - the caller asked
    return plain_files.at(folder.folder / name, f"{folder.shown.rstrip('/')}/{name}")


# --- files


def _files(left: Plain, right: Plain, before: Contents, after: Contents) -> tuple[FileChange, ...]:
    if left.folder is None and right.folder is None:
        (old,), (new,) = left.files.values(), right.files.values()
        is_needed = old.stat.size == new.stat.size
        pair = _entry(old, before, is_needed=is_needed), _entry(new, after, is_needed=is_needed)
        change = FileChange("M", *pair)
        return (change,) if change.bytes_changed or change.mode_changed else ()
    return compare_trees(_tree(left, right, before), _tree(right, left, after))


def _tree(plain: Plain, other: Plain, contents: Contents) -> Tree:
    """Return the files of a folder; read only those that could equal one of the other folder."""
    single = {file.stat.size for path, file in other.files.items() if path not in plain.files}

    def entry(file: PlainFile) -> TreeEntry:
        twin = other.files.get(file.path)
        is_needed = file.stat.size == twin.stat.size if twin is not None else file.stat.size in single
        return _entry(file, contents, is_needed=is_needed)

    return Tree(tuple(map(entry, plain.files.values())))


def _entry(file: PlainFile, contents: Contents, *, is_needed: bool) -> TreeEntry:
    id_ = contents.file_id(file) if is_needed else UNREAD
    return TreeEntry(file.path, file.path, file.stat.size, id_, file.stat.executable)


# --- values, tensors and texts


def _values(before: Contents, after: Contents) -> VersionDiff:
    """Compare labelmap and values, if both sides have a model.toml."""
    if before.model_toml is None or after.model_toml is None:
        return VersionDiff()
    old, new = before.manifest, after.manifest
    if old is None or new is None:
        return VersionDiff()
    return version_diff.compare(Snapshot(old, Tree()), Snapshot(new, Tree()))


_Side = tuple[Plain, Contents]


def _file(plain: Plain, entry: TreeEntry) -> PlainFile:
    if plain.folder is not None:
        return plain.files[entry.path]
    (file,) = plain.files.values()
    return file


def _tensors(changes: tuple[FileChange, ...], left: _Side, right: _Side, *, deep: bool) -> Iterator[FileTensors]:
    """Yield the tensor changes of the modified files that have tensors, or could have some by their names."""
    modified = [
        (change, _file(left[0], change.old), _file(right[0], change.new))
        for change in changes
        if change.old is not None and change.new is not None and change.bytes_changed
    ]
    left[1].expect(old for _, old, _ in modified)
    right[1].expect(new for _, _, new in modified)
    for change, old, new in modified:
        before, after = left[1].tensors(old), right[1].tensors(new)
        if before or after or new.path.lower().endswith(WEIGHT_SUFFIXES):
            yield FileTensors(change, file_tensors.difference(before, after, deep=deep))


def _texts(
    changes: tuple[FileChange, ...], left: _Side, right: _Side, context: int, hidden: Collection[str]
) -> Iterator[TextDiff]:
    """Yield the changed lines of text files, but not of `hidden` ones; no line of a file behind a link is shown."""
    chosen = [change for change in changes if change.entry.path not in hidden]
    return file_texts.compared(chosen, partial(_text, left), partial(_text, right), context)


def _text(side: _Side, entry: TreeEntry) -> bytes:
    file = _file(side[0], entry)
    if file.is_link:
        raise file_texts.UnreadableTextError("it is a link")
    return side[1].start(file, MAX_BYTES + 1)
