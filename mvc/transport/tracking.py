"""What was last seen of the names on a remote: logs of our own, whose entries name the remote's.

refs/<model>/remotes/origin/heads/main/0000000007    new: 9f86…   seen: [42, 5d…]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mvc import errors
from mvc.model import names
from mvc.repository import refnames
from mvc.repository.repository import Actor, Repository
from mvc.storage.records.reflog import RefEntry, RefName, Seen


def last(repository: Repository, remote: str, ref: RefName) -> Seen | None:
    """The remote's entry that `ref` was last seen at; None when it never was."""
    tip = repository.refs.tip(ref.seen_of(remote))
    return tip.seen if tip is not None else None


def all_refs(
    repository: Repository, remote: str, models: Iterable[str] | None = None
) -> Iterator[tuple[RefName, Seen]]:
    """Yield each ref of a remote that was seen, of `models` or of all, with the entry that it was last seen at."""
    for model in repository.refs.models() if models is None else models:
        for kind in refnames.KINDS:
            for own in repository.refs.all(model, RefName(model, kind, "x").seen_of(remote).kind):
                ref = RefName(model, kind, own.name)
                entry = last(repository, remote, ref)
                if entry is not None:
                    yield ref, entry


def record(repository: Repository, remote: str, ref: RefName, entry: RefEntry, actor: Actor, reason: str) -> bool:
    """Keep that `ref` stands at the remote's `entry`; False when that is known. Under the lock."""
    own = ref.seen_of(remote)
    tip = repository.refs.tip(own)
    seen = Seen(entry.seq, entry.id)
    if tip is not None and tip.seen == seen:
        repository.refs.settle(own)  # noted, perhaps, by a command that was stopped before it was durable
        return False
    repository.refs.append(own, tip, entry.new, actor.move(reason), seen)
    return True


def is_sound(ref: RefName) -> bool:
    """Whether a remote's name is one that mvc makes; nobody else's is taken in."""
    try:
        names.check_ref_name(ref.name)
    except errors.BadRefName:
        return False
    return is_model(ref.model)


def is_model(key: str) -> bool:
    """Whether a model there has a key that mvc gives."""
    try:
        names.check_model_key(key)
    except errors.BadModelKey:
        return False
    return True
