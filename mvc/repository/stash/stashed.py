"""Stashed versions: uncommitted changes stored as a version whose parent is HEAD, which no ref names.

model.toml, and every tracked file that exists ─ as `commit` stores them ─► version ─► `record` names it: a stash entry

`record` is called with the id under the lock, once everything is durable: a version without a record is garbage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.manifest import Manifest
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Version
from mvc.repository import delta_bases
from mvc.repository.model import Model
from mvc.repository.record.draft import Draft, Signature
from mvc.repository.repository import Actor
from mvc.repository.worktree import model_file, snapshot
from mvc.repository.worktree import scan as worktree
from mvc.repository.worktree.scan import WorkFile
from mvc.repository.worktree.snapshot import Found
from mvc.storage.progress import Progress

Record = Callable[[VersionId], None]
"""A function that records the id of a stored version, so that garbage collection keeps it."""
EXT = "mvc"
UNPARSED = "unparsed"
"""True in the `ext` of a stored version whose model.toml could not be parsed: its values and roles are those of HEAD."""
_DELETED = (errors.MissingFile, errors.RoleWithoutFile)
Accept = Callable[[Tree], bool]
"""A function that sees the files, model.toml among them, before a version is made of them; False gives it up."""


def store(
    model: Model,
    actor: Actor,
    message: str,
    *,
    record: Record,
    accept: Accept = lambda _: True,
    progress: Progress | None = None,
) -> VersionId | None:
    """Store the working tree of `model`, and return its version; None unless `accept` does. The caller holds no lock.

    The values may break the rules of a commit, tracked files may be absent, and model.toml may be invalid: its bytes
    are kept. Raises NoVersionYet, NoModelToml, the faults of tracked files, FileChanged, CollectedMeanwhile, DiskFailed.
    """
    repository, head = model.repository, model.current
    if head is None:
        raise errors.NoVersionYet(model=model.key)
    draft = Draft(repository, progress)
    try:
        found, is_parsed = _working(model, head, draft, progress)
        if not accept(_with_toml(found.snapshot.tree, found.model_toml)):
            draft.discard()
            return None
        version = draft.stage(
            found.snapshot.manifest,
            found.snapshot.tree,
            found.model_toml,
            Signature(actor.person, actor.at, message),
            parents=(head,),
            number=repository.objects.version(head).number + 1,
        )
        if not is_parsed:
            version = replace(version, ext={EXT: {UNPARSED: True}})
        return draft.keep(version, record)
    except BaseException:
        draft.discard()
        raise


def is_unparsed(version: Version) -> bool:
    """Return whether `store` could not parse the model.toml of a version."""
    ext = version.ext.get(EXT)
    return isinstance(ext, Mapping) and ext.get(UNPARSED) is True


def files_of(model: Model, version: Version) -> Tree:
    """Return the files that `store` stored, model.toml among them as `text_of` returns it. Raises Missing, Damaged."""
    return _with_toml(model.repository.objects.tree(version.tree), text_of(model, version))


def text_of(model: Model, version: Version) -> bytes:
    """Return the model.toml that `store` stored, with the present name of the model if it can be parsed."""
    repository = model.repository
    if is_unparsed(version):
        return repository.extract.small(version.model_toml)
    return model_file.of_version(repository, version, model.key)


def _working(model: Model, head: VersionId, draft: Draft, progress: Progress | None) -> tuple[Found, bool]:
    """Return the working tree as a version, and whether its model.toml could be parsed; else HEAD's says what is tracked."""
    repository = model.repository
    version = repository.objects.version(head)
    parsed: list[Manifest] = []

    def ready(manifest: Manifest, files: Sequence[WorkFile], _: Sequence[TreeEntry]) -> None:
        parsed.append(manifest)
        unread = [file for file in files if repository.stats.lookup(file.root_path, file.stat) is None]
        if unread:
            draft.ingest.bases = delta_bases.bases(model, manifest, [head])
        if progress is not None:
            progress.expect(sum(file.stat.size for file in unread))

    def take(data: bytes | None) -> Found:
        found = snapshot.take(
            repository,
            model.key,
            model.folder,
            repository.objects.tree(version.tree),
            identify=draft.identify,
            ready=ready,
            tolerant=True,
            data=data,
        )
        worktree.require(problem for problem in found.problems if not isinstance(problem, _DELETED))
        entries = tuple(entry for entry in found.snapshot.tree.entries if entry.file != snapshot.UNREAD)
        return replace(found, snapshot=replace(found.snapshot, tree=Tree(entries)))

    data = model_file.read(repository, model.folder)
    try:
        return take(data), True
    except errors.Usage:
        if parsed or data is None:
            raise
    return replace(take(model_file.of_version(repository, version, model.key)), model_toml=data), False


def _with_toml(tree: Tree, data: bytes) -> Tree:
    return Tree.of([*tree.entries, model_file.entry(data)])
