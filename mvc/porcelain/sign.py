"""`mvc sign`: sign a version, and the moves of a tag or an alias, after the fact.

A signature is not part of a version's identity. Signatures are only appended: removing one adds an entry that withdraws it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.repository import Actor, writes
from mvc.repository.signatures import sign as signatures
from mvc.repository.signatures import verify
from mvc.repository.signatures.sign import Made
from mvc.storage.records.annotations.signatures import Signature
from mvc.storage.records.reflog import ALIASES, TAGS, RefName

KINDS = (TAGS, ALIASES)
"""The kinds of refs whose moves are signed."""


@dataclass(frozen=True, slots=True)
class ListedSignature(Document):
    """A signature of a version, or of a move of `ref` to it, as recorded: nothing is verified.

    `key` is the fingerprint of the key, `by` who signed as they say. `new` is False for one that was there already. `remote`
    is the remote that has the move, where a command signed one there.
    """

    KEYS = keys("number what ref key by time new removed remote")
    OPTIONAL = ("remote",)

    number: int
    what: str
    ref: str | None
    key: str
    by: str
    time: Timestamp
    new: bool = False
    removed: bool = False
    remote: str | None = None

    @classmethod
    def of(
        cls, record: Signature, *, new: bool = False, removed: bool = False, remote: str | None = None
    ) -> ListedSignature:
        """Return a record."""
        ref = record.move.ref if record.move is not None else None
        return cls(record.seq, record.what, ref, record.key, record.by, record.at, new, removed, remote)

    @classmethod
    def of_made(cls, made: Made) -> ListedSignature:
        """Return what a command signed."""
        return cls.of(made.record, new=made.new, remote=made.remote)


@dataclass(frozen=True, slots=True)
class Signed(Document):
    """The signatures of a version that a command made, found or removed."""

    KEYS = keys("model id number signatures")

    model: str
    id: VersionId
    number: int
    signatures: tuple[ListedSignature, ...]


@writes
def sign(
    model: Model, id_: VersionId, key: Path, actor: Actor, *, refs: Sequence[RefName] = (), renew: bool = False
) -> Signed:
    """Sign a version with the key in a file, and the newest moves of `refs` to it, here and on remotes.

    What this key has signed already stays as it is, unless `renew` signs it again, with the time of now. Raises
    SigningFailed, NoSshKeygen, Missing, Damaged.
    """
    made = [signatures.version(model, id_, key, actor, renew=renew)]
    made += [move for ref in refs for move in signatures.moves(model, ref, id_, key, actor, renew=renew)]
    return _signed(model, id_, map(ListedSignature.of_made, made))


@writes
def remove(model: Model, id_: VersionId, numbers: Sequence[int], actor: Actor) -> Signed:
    """Remove signatures of a version by their numbers; they stay in the history. Raises NoSuchSignature.

    A damaged one is replaced by its removal.
    """
    with model.repository.locked():
        removed = model.repository.signatures.withdraw(
            *(model.key, id_, numbers),
            lambda: Signature(id_, 1, str(actor.person), actor.at, actor.nonce()),
            lambda number: errors.NoSuchSignature(
                version=history.label(model.repository, id_), number=number, id=id_[:10]
            ),
        )
    return _signed(model, id_, [ListedSignature.of(record, removed=True) for record in removed])


def listed(model: Model, id_: VersionId) -> tuple[ListedSignature, ...]:
    """Return the intact signatures of a version and of moves to it, oldest first; nothing is verified."""
    if id_ not in model.signed():
        return ()
    return tuple(ListedSignature.of(record) for record in verify.current(model, id_))


def _signed(model: Model, id_: VersionId, signatures: Iterable[ListedSignature]) -> Signed:
    return Signed(model.key, id_, model.repository.objects.version(id_).number, tuple(signatures))
