"""`mvc semver`: the semantic version that a change requires, and the next tag."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from mvc import errors
from mvc.deferred import dataclass
from mvc.display import Result
from mvc.formats.metadata import reader
from mvc.formats.source import HeaderError
from mvc.model.compare import diff, semver
from mvc.model.compare.semver import Contents, Reason, SemverTag
from mvc.model.document import keys
from mvc.model.ids import VersionId
from mvc.model.metadata import Metadata
from mvc.model.tree import TreeEntry
from mvc.porcelain import diff_onnx
from mvc.porcelain.diff import Side
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.tensors import differences
from mvc.storage.records.reflog import TAGS


@dataclass(frozen=True, repr=False)
class Bump(Result):
    """The `level` that the change from `old` to `new` requires: major, minor, patch or none, and why.

    `tag` is the highest semantic version among the tags of `old` and its ancestors, None for none; `next` follows it,
    and passes over the numbers that tags on other branches have.
    """

    KEYS = keys("model old new level reasons tag next")

    model: str
    old: Side
    new: Side
    level: str
    reasons: tuple[Reason, ...]
    tag: str | None = None
    next: str | None = None

    def summary(self) -> str:
        """Return the most important facts in one line."""
        return f"{self.model} v{self.old.number}..v{self.new.number}: {self.level}"


def bump(model: Model, old: VersionId, new: VersionId) -> Bump:
    """Return what the change from `old` to `new` requires. Only headers of changed ONNX files are read, and fetched if needed.

    Raises Missing, Damaged, and the errors of a fetch.
    """
    objects = model.repository.objects
    before, after = (history.snapshot(model.repository, id_, model.key) for id_ in (old, new))
    reasons = semver.reasons(before, after, _contents(model, before, after))
    level = semver.level_of(reasons)
    left, right = (Side(id_, objects.version(id_).number) for id_ in (old, new))
    known = newest_tag(model, old)
    following = _free(model, new, known[0].raised(level)).name if known is not None and reasons else None
    return Bump(model.key, left, right, level, reasons, known[0].name if known is not None else None, following)


def since_tag(model: Model, id_: VersionId) -> Bump:
    """Return what the changes since the newest semantic version require. Raises NoSemverTag, NothingSince."""
    known = newest_tag(model, id_)
    label = history.label(model.repository, id_)
    if known is None:
        raise errors.NoSemverTag(version=label, id=id_[:10])
    result = bump(model, known[1], id_)
    if not result.reasons:
        raise errors.NothingSince(tag=known[0].name, version=label)
    return result


def newest_tag(model: Model, id_: VersionId) -> tuple[SemverTag, VersionId] | None:
    """Return the highest semantic version among the tags of a version and its ancestors, with its version; None for none."""
    objects = model.repository.objects
    named: dict[VersionId, SemverTag] = {}
    for name in model.names(TAGS):
        tag, target = semver.parsed(name), model.target(TAGS, name)
        if tag is not None and target is not None and (target not in named or named[target][1:] < tag[1:]):
            named[target] = tag
    if not named:
        return None
    above = history.reach([id_], lambda version: objects.parents(objects.version(version)))
    reached = [(named[version], version) for version in above if version in named]
    return max(reached, key=lambda pair: pair[0][1:], default=None)


def _free(model: Model, id_: VersionId, tag: SemverTag) -> SemverTag:
    """Return a tag, or if a version that is not an ancestor of `id_` has it, the next patch number that is free."""
    targets = {known[1:]: model.target(TAGS, name) for name in model.names(TAGS) if (known := semver.parsed(name))}
    if tag[1:] not in targets:
        return tag
    objects = model.repository.objects
    above = set(history.reach([id_], lambda version: objects.parents(objects.version(version))))
    taken = {numbers for numbers, target in targets.items() if target not in above}
    while tag[1:] in taken:
        tag = tag.raised(semver.PATCH)
    return tag


def _contents(model: Model, old: diff.Snapshot, new: diff.Snapshot) -> Contents:
    changes = diff.compare_trees(old.tree, new.tree)
    tensors = {
        changed.file.entry.role: changed.difference
        for changed in differences(model.repository, changes)
        if changed.difference is not None
    }
    graphs = {}
    unread = []
    for change in changes:
        if (
            change.old
            and change.new
            and change.bytes_changed
            and diff_onnx.is_onnx(change.old)
            and diff_onnx.is_onnx(change.new)
        ):
            sides = tuple(_metadata(model, (change.old, change.new)))
            if len(sides) == 2:
                graphs[change.new.role] = sides
            else:
                unread.append(change.new.role)
    return Contents(tensors, graphs, tuple(unread))


def _metadata(model: Model, entries: tuple[TreeEntry, TreeEntry]) -> Iterator[Metadata]:
    """Yield the metadata of files; nothing for one that is malformed."""
    for entry in entries:
        with contextlib.suppress(HeaderError), diff_onnx.stored(model.repository, entry) as source:
            metadata = reader.read(source)
            if metadata is not None:
                yield metadata
