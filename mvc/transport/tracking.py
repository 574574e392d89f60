"""Remote-tracking refs: ref logs of this repository whose entries name an entry of the remote.

refs/<model>/remotes/origin/heads/main/0000000007    new: 9f86…   seen: [42, 5d…]
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence

from mvc import errors
from mvc.model import names
from mvc.model.ids import VersionId
from mvc.remotes.remote import Remote
from mvc.repository import refnames
from mvc.repository.policy.take import Offer
from mvc.repository.repository import Actor, Repository
from mvc.storage.disk.workers import Workers
from mvc.storage.records.annotations.signatures import SignedMove
from mvc.storage.records.reflog import ALIASES, TAGS, RefEntry, RefName, Seen


def last(repository: Repository, remote: str, ref: RefName) -> Seen | None:
    """Return the last known entry of `ref` on the remote; None for none."""
    tip = repository.refs.tip(ref.tracking_ref(remote))
    return tip.seen if tip is not None else None


def all_refs(
    repository: Repository, remote: str, models: Iterable[str] | None = None
) -> Iterator[tuple[RefName, Seen]]:
    """Yield each remote-tracking ref of a remote, of `models` or of all, with the last known entry."""
    for model in repository.refs.models() if models is None else models:
        for kind in refnames.KINDS:
            for own in repository.refs.all(model, RefName(model, kind, "x").tracking_ref(remote).kind):
                ref = RefName(model, kind, own.name)
                entry = last(repository, remote, ref)
                if entry is not None:
                    yield ref, entry


def record(repository: Repository, remote: str, ref: RefName, entry: RefEntry, actor: Actor, reason: str) -> bool:
    """Record that `ref` is at the remote's `entry`; return False if it is recorded. The caller holds the lock."""
    own = ref.tracking_ref(remote)
    tip = repository.refs.tip(own)
    seen = Seen(entry.seq, entry.id)
    if tip is not None and tip.seen == seen:
        repository.refs.settle(own)  # an interrupted command may have written it without an fsync
        return False
    repository.refs.append(own, tip, entry.new, actor.move(reason), seen)
    return True


def offer(repository: Repository, remote: Remote, ref: RefName, entry: RefEntry) -> Offer:
    """Return a ref at the remote's `entry` as an offer to the reader's gate; its earlier moves are read if a rule asks for them."""
    own = ref.tracking_ref(remote.name)

    @functools.cache
    def earlier() -> Sequence[VersionId]:
        with Workers(remote.jobs) as workers:
            before = list(workers.ahead(lambda seq: remote.refs.at(ref, seq), range(1, entry.seq), 4 * remote.jobs))
        return [each.new for each in (*before, *repository.refs.entries(own)) if each.new is not None]

    moves = (SignedMove(ref.model, ref.text, entry.seq, entry.id),) if ref.kind in (TAGS, ALIASES) else ()
    tip = repository.refs.tip(own)
    taken = tip is not None and tip.seen == (entry.seq, entry.id)
    return Offer(ref, entry.new, moves, tip.new if tip is not None else None, earlier, remote.name, taken)


def is_sound(ref: RefName) -> bool:
    """Return whether the names in a remote's ref are valid; others are ignored."""
    try:
        names.check_ref_name(ref.name)
    except errors.BadRefName:
        return False
    return is_model(ref.model)


def is_model(key: str) -> bool:
    """Return whether the key of a model on a remote is valid."""
    try:
        names.check_model_key(key)
    except errors.BadModelKey:
        return False
    return True
