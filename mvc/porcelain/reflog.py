"""`mvc reflog`: every move of a ref, newest first."""

from __future__ import annotations

from mvc import errors
from mvc.deferred import dataclass
from mvc.display import Result
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.repository import revisions
from mvc.repository.model import Model
from mvc.repository.policy import override
from mvc.repository.policy.override import Overridden
from mvc.repository.refnames import KINDS
from mvc.repository.repository import Repository
from mvc.storage.packs import gc
from mvc.storage.records.reflog import Move, RefEntry, RefName


@dataclass(frozen=True, slots=True)
class Moved(Document):
    """A move: `name@{ago}` is the version moved to, `number` its number.

    `new` is None if the ref was removed; `number` is None then, and for a version that is not here: it was
    garbage-collected, or is `missing` although garbage collection kept it. `overridden` are the rules of policy.toml that
    were passed with --force-policy, as `message` says.
    """

    KEYS = keys("ago old new number missing time=move.at by=move.by message=move.reason overridden")

    ago: int
    old: VersionId | None
    new: VersionId | None
    number: int | None
    move: Move
    missing: bool = False

    @property
    def overridden(self) -> tuple[Overridden, ...]:
        """The rules that were passed."""
        return override.of_reason(self.move.reason)


@dataclass(frozen=True, repr=False, slots=True)
class Reflog(Result):
    """The moves of one ref, newest first; `kind` is branch, tag, alias or remote."""

    model: str
    kind: str
    name: str
    moves: tuple[Moved, ...]

    def summary(self) -> str:
        """Return what matters most, in one line."""
        return f"{self.kind} {self.name} of {self.model}: {len(self.moves)} move{'s' * (len(self.moves) != 1)}"


def reflog(model: Model, name: str | None = None) -> Reflog:
    """Return every move of `name`, or of the current branch.

    Raises NoLogHere, NoSuchName, AmbiguousRevision, Damaged.
    """
    ref = revisions.ref_of(model, name or "HEAD")
    if ref is None and name in (None, "HEAD", "@"):
        raise errors.NoLogHere(model=model.key)
    if ref is None:
        raise errors.NoSuchName(kind="branch", name=name, model=model.key)
    return of(model.repository, ref)


def of(repository: Repository, ref: RefName) -> Reflog:
    """Return every move of `ref`; raise NoSuchName if it never existed, Damaged."""
    kind = KINDS.get(ref.kind, "remote")
    entries = repository.refs.entries(ref)
    if not entries and repository.head(ref.model).branch != ref.name:
        raise errors.NoSuchName(kind=kind, name=ref.name, model=ref.model)
    moves = tuple(_moved(repository, ago, entry) for ago, entry in enumerate(reversed(entries)))
    return Reflog(ref.model, kind, ref.name, moves)


def _moved(repository: Repository, ago: int, entry: RefEntry) -> Moved:
    """Return a move; garbage collection explains an absent version only if it let this entry expire."""
    number = _number(repository, entry.new)
    absent = entry.new is not None and number is None
    missing = absent and (ago == 0 or not gc.is_expired(repository.door, entry.move.at.seconds))
    return Moved(ago, entry.old, entry.new, number, entry.move, missing)


def _number(repository: Repository, id_: VersionId | None) -> int | None:
    """Return the number of a version; None if the ref was removed or the version is not here."""
    try:
        return repository.objects.version(id_).number if id_ is not None else None
    except errors.Missing:
        return None
