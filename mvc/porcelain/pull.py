"""`mvc pull`: fetch, then fast-forward or rebase the current branch, and update the files.

fetch ─► fast-forward: fetch content of files ─► journal: files, branch
      └► diverged: refused, or the local versions replayed on the remote's (--rebase)
"""

from __future__ import annotations

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.porcelain import fetch
from mvc.porcelain.fetch import Fetched
from mvc.remotes.remote import Remote
from mvc.repository import history, upstream
from mvc.repository.model import Model
from mvc.repository.policy import take
from mvc.repository.replay import Target
from mvc.repository.repository import Actor, writes
from mvc.repository.worktree.checkout import Moved
from mvc.storage.progress import Progress
from mvc.storage.records.reflog import HEADS
from mvc.transport import fast_forward, rebase
from mvc.transport.fast_forward import Select
from mvc.transport.rebase import Rebased


@dataclass(frozen=True, slots=True)
class Pulled(Document):
    """The fetch, the old and new tip of the branch, the changed files, and the bytes of content fetched.

    `rebase` is the result of a rebase, if local versions were replayed on the remote's.
    """

    KEYS = keys(
        "fetched model branch old new written=moved.written deleted=moved.deleted bytes_received=received rebased rebase"
    )

    fetched: Fetched
    model: str
    branch: str
    old: VersionId | None
    new: VersionId | None
    moved: Moved
    received: int
    rebase: Rebased | None = None

    @property
    def rebased(self) -> bool:
        """True if local versions were replayed on the remote's."""
        return self.rebase is not None


@writes
def pull(
    model: Model,
    remote: Remote,
    actor: Actor,
    *,
    theirs: str | None = None,
    rebasing: bool = False,
    select: Select = fast_forward.everything,
    progress: Progress | None = None,
) -> Pulled:
    """Fast-forward the current branch of `model` to the branch `theirs` of `remote` (None: its upstream there).

    With `rebasing`, local versions are replayed on it if both diverged. Only the content of files that `select` chooses
    is fetched; the others stay promised. Other refs that rules refuse are in `fetched.refused`. Raises TakeRefused, Detached, NotThere, Diverged, Unrelated, CannotRebase, RebaseConflicts,
    InTheWay, and as `fetch` and `fetch_chunks` do.
    """
    repository = model.repository
    branch = model.head.branch
    if branch is None:
        raise errors.Detached(model=model.key, version=model.head.at()[:10])
    theirs = theirs or _followed(model, branch, remote)
    fetched = fetch.fetch(repository, remote, actor, models=[model.key])
    called, there = f"{remote.name}/{theirs}", model.ref(HEADS, theirs)
    if refused := [each for each in fetched.refused if each.ref == there]:
        raise take.error(refused)
    target = repository.refs.target(there.tracking_ref(remote.name))
    if target is None:
        known = ", ".join(repository.refs.names(model.key, there.tracking_ref(remote.name).kind))
        raise errors.NotThere(remote=remote.name, what=f"branch {theirs} of {model.key}", known=known or "none")
    old = model.current
    if old is not None and history.is_ancestor(repository.objects, target, old):
        received, moved = fast_forward.complete(model, old, select, remote, progress)
        return Pulled(fetched, model.key, branch, old, old, moved, received)
    take.check_ref(model, there.tracking_ref(remote.name))  # it may have been taken before there was a rule
    if old is not None and not history.is_ancestor(repository.objects, old, target):
        ahead, behind = history.ahead_behind(repository.objects, old, target)
        if not history.merge_bases(repository.objects, old, target):
            raise errors.Unrelated(ours=branch, theirs=called)
        if not rebasing:
            raise errors.Diverged(branch=branch, remote_branch=called, ahead=ahead, behind=behind)
        onto = Target(branch, target, called)
        done = rebase.rebase(model, onto, actor, verb="pull", select=select, remote=remote, progress=progress)
        return Pulled(fetched, model.key, branch, old, done.new, done.moved, done.received, done)
    received, moved = fast_forward.advance(model, branch, target, select, actor, remote=remote, progress=progress)
    return Pulled(fetched, model.key, branch, old, target, moved, received)


def _followed(model: Model, branch: str, remote: Remote) -> str:
    """Return the upstream of `branch` on `remote`, by default the branch of the same name."""
    follows = upstream.followed(model, branch)
    return follows[1] if follows is not None and follows[0] == remote.name else branch
