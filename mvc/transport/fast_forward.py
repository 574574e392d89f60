"""Fast-forwards: move a branch and its working tree to a version, and fetch the selected files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from mvc.model.ids import VersionId
from mvc.model.roles import LABELMAP
from mvc.model.tree import Tree, TreeEntry
from mvc.remotes.remote import Remote
from mvc.repository.model import Model
from mvc.repository.policy import gate
from mvc.repository.repository import Actor, Repository
from mvc.repository.worktree import checkout, partial
from mvc.repository.worktree.checkout import Moved
from mvc.repository.worktree.model_file import NAME
from mvc.storage.progress import Progress
from mvc.storage.records.heads import Head
from mvc.storage.records.journal import RefStep
from mvc.storage.records.reflog import HEADS, RefEntry
from mvc.transport import promises, promisor

Select = Callable[[TreeEntry], bool]
"""A function that returns True for files to check out."""


def everything(_: TreeEntry) -> bool:
    """Select all files."""
    return True


def nothing(entry: TreeEntry) -> bool:
    """Select no file but model.toml and the labelmap, without which model.toml cannot be read."""
    return entry.role == LABELMAP


def only(roles: Sequence[str]) -> Select:
    """Return a selection of the files with these roles or paths, and of the labelmap."""

    def select(entry: TreeEntry) -> bool:
        named = entry.role in roles or entry.path in roles or entry.role.partition("/")[0] in roles
        return named or nothing(entry)

    return select


def select(roles: str | Iterable[str], *, meta: bool) -> Select:
    """Return the selection of no file with `meta`, else of those with these roles; without any role, of all."""
    if meta:
        return nothing
    roles = [roles] if isinstance(roles, str) else list(roles)
    return only(roles) if roles else everything


def advance(
    model: Model,
    branch: str | None,
    target: VersionId,
    select: Select,
    actor: Actor,
    *,
    verb: str = "pull",
    remote: Remote | None = None,
    progress: Progress | None = None,
) -> tuple[int, Moved]:
    """Fast-forward `branch`, the current one, and its files to `target`; return the bytes received and the changes.

    Without a `branch`, HEAD is detached at `target`.

    Files that `select` does not choose are not checked out, unless their bytes are stored. `remote` is an open
    connection.
    """
    repository = model.repository
    if branch is not None:
        ref = model.ref(HEADS, branch)
        gate.check(repository, [gate.Move(ref, repository.refs.tip(ref), target, verb)])
    named = promises.entries_by_role(repository, target)
    select = _with_values(repository, target, select)
    selected = [entry for entry in named if entry.path == NAME or select(entry)]
    received = _fetch(repository, selected, remote, progress)
    with repository.writing():
        current, head = model.current, model.head
        steps: tuple[RefStep, ...] = ()
        if branch is not None:
            ref = model.ref(HEADS, branch)
            entry = RefEntry.after(ref, repository.refs.tip(ref), target, actor.move(f"{verb}: fast-forward"))
            steps = (RefStep(ref, entry),)
        full = checkout.files_of(model, target)
        left_out = {entry.path for entry in full.entries if is_elsewhere(repository, entry)}
        moved = checkout.move(
            model,
            verb,
            base=checkout.files_of(model, current),
            wanted=partial.without(full, left_out),
            head=Head(head.folder, branch, target if branch is None else None),
            refs=steps,
            left_out=left_out,
            progress=progress,
        )
    return received, moved


def complete(
    model: Model,
    current: VersionId,
    select: Select,
    remote: Remote,
    progress: Progress | None,
) -> tuple[int, Moved]:
    """Check out the files of the current version that `select` chooses and that are not checked out yet."""
    repository = model.repository
    tree = repository.objects.tree(repository.objects.version(current).tree)
    select = _with_values(repository, current, select)
    wanted_paths = {entry.path for entry in promises.entries_by_role(repository, current) if select(entry)}
    chosen = [entry for entry in partial.not_checked_out(repository, model.key, tree) if entry.path in wanted_paths]
    if not chosen:
        return 0, Moved()
    received = _fetch(repository, chosen, remote, progress)
    with repository.writing():
        wanted = Tree(tuple(chosen))
        return received, checkout.move(model, "pull", base=wanted, wanted=wanted, progress=progress)


def _with_values(repository: Repository, id_: VersionId, select: Select) -> Select:
    """Return a selection that has the value files, too: without these, model.toml cannot be read."""
    objects = repository.objects
    needed = set(objects.manifest(objects.version(id_).manifest).value_paths.values())
    return lambda entry: entry.path in needed or select(entry)


def _fetch(
    repository: Repository, entries: Sequence[TreeEntry], remote: Remote | None, progress: Progress | None
) -> int:
    files = {entry.file: entry.path for entry in entries}
    return promisor.fetch_files(repository, files, progress, connected=remote)


def is_elsewhere(repository: Repository, entry: TreeEntry) -> bool:
    """Return whether the bytes of a file are not here, so that it cannot be checked out."""
    return entry.path != NAME and repository.promised.state(entry.file) in partial.ELSEWHERE
