"""`mvc diff`: the changes between two versions, or between a version and the working tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.display import Result, changed
from mvc.model.compare.diff import VersionDiff, compare
from mvc.model.compare.narrow import narrow
from mvc.model.compare.text import CONTEXT, TextDiff
from mvc.model.document import keys
from mvc.model.ids import VersionId
from mvc.repository import disk_usage, history, revisions
from mvc.repository.compare import texts
from mvc.repository.model import Model
from mvc.repository.tensors import FileTensors, differences
from mvc.repository.worktree import snapshot
from mvc.repository.worktree.scan import WorkFile
from mvc.transport import promises

if TYPE_CHECKING:
    from mvc.porcelain import diff_onnx
else:
    diff_onnx = lazy.Module("mvc.porcelain.diff_onnx")


class Side(NamedTuple):
    """A version and its number."""

    id: VersionId
    number: int | None


@dataclass(frozen=True, repr=False)
class Diff(Result):
    """A diff and its two sides; `new` is None for the working tree, `old` None for no version.

    `tensors` has the tensor diff of each modified file, `onnx` the graphs of each ONNX file; None unless requested. `texts` has the changed lines of small
    text files.
    """

    KEYS = keys(
        "model",
        {"old": keys("id=old number=old_number")},
        "new=new_side differs breaking=difference.breaking changes=difference tensors onnx texts",
    )
    OPTIONAL = ("tensors", "onnx", "texts")

    model: str
    old: VersionId | None
    new: VersionId | None
    old_number: int | None
    new_number: int | None
    difference: VersionDiff
    tensors: tuple[FileTensors, ...] | None = None
    texts: tuple[TextDiff, ...] = ()
    onnx: tuple[diff_onnx.FileGraphs, ...] | None = None

    def summary(self) -> str:
        """Return the most important facts in one line."""
        old = f"v{self.old_number}" if self.old else "nothing"
        new = f"v{self.new_number}" if self.new else "working tree"
        return f"{self.model} {old}..{new}: {changed(self.difference)}"

    @property
    def new_side(self) -> Side | str:
        """The version that is compared with the old one, or `worktree`."""
        return Side(self.new, self.new_number) if self.new else "worktree"

    @property
    def differs(self) -> bool:
        """True if anything differs."""
        return not self.difference.is_empty


def diff(
    model: Model,
    old: VersionId | None,
    new: VersionId | None = None,
    *,
    tensors: Literal["headers", "deep"] | None = None,
    paths: Sequence[str] = (),
    context: int | None = CONTEXT,
    onnx: bool = False,
) -> Diff:
    """Compare `old` with `new` or the working tree; raise Damaged, and the errors of reading the working tree.

    With `tensors`, also compare the tensors of modified files: `headers` uses recorded digests and reads no weights,
    `deep` reads changed tensors and measures how far they moved. `onnx` compares the graphs of modified ONNX files. `paths` (files, folders, roles) narrow the diff to these
    files; model.toml is labelmap and values. Small text files are compared by line, with `context` equal lines around a
    change; None leaves this out. Nothing is fetched for it.
    """
    repository = model.repository
    brought = None
    files: tuple[WorkFile, ...] = ()
    if new is not None:
        right = history.snapshot(repository, new)
        left = history.snapshot(repository, old)
        brought = disk_usage.added_bytes(repository, left.tree if left else None, right.tree)
    else:
        left = history.snapshot(repository, old, model.key)
        base = left if old == model.current else history.snapshot(repository, model.current)
        found = snapshot.take(
            repository,
            model.key,
            model.folder,
            base.tree if base else None,
            identify=snapshot.by_need(repository, left.tree if left else None),
        )
        repository.stats.save()
        right, files = found.snapshot, found.files
    assert right is not None  # noqa: S101 - a version or the working tree
    numbers = [repository.objects.version(id_).number if id_ else None for id_ in (old, new)]
    difference = narrow(compare(left, right, new_bytes=brought), paths)
    if tensors == "deep":
        sides = [side for each in difference.files if each.bytes_changed for side in (each.old, each.new) if side]
        promises.ensure_present(repository, [side for side in sides if side.file != snapshot.UNREAD])
    by_file = differences(repository, difference.files, files, deep=tensors == "deep") if tensors else None
    changed_lines: tuple[TextDiff, ...] = ()
    if context is not None:
        changed_lines = texts.differences(repository, difference.files, model.folder if new is None else None, context)
    folder = model.folder if new is None else None
    graphs = diff_onnx.differences(repository, difference.files, folder) if onnx else None
    return Diff(model.key, old, new, numbers[0], numbers[1], difference, by_file, changed_lines, graphs)


def sides(model: Model, text: str) -> tuple[VersionId, VersionId]:
    """Return the two sides of `A..B`; of `A...B`, the merge base and B. Raises as resolving does."""
    dots = "..." if "..." in text else ".."
    left, _, right = text.partition(dots)
    one, two = (revisions.resolve(model, side or "HEAD") for side in (left, right))
    if dots == "...":
        bases = history.merge_bases(model.repository.objects, one, two)
        if not bases:
            raise errors.UnknownRevision(
                text=text,
                model=model.key,
                suggestion="The two have no common ancestor; compare them with `mvc diff A B`.",
            )
        one = bases[0]
    return one, two
