"""`mvc verify`: whether trusted keys signed a version, and the move of a tag or an alias to it."""

from __future__ import annotations

from collections.abc import Iterable

from mvc import errors
from mvc.deferred import dataclass
from mvc.model import moments
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.porcelain.attest import type_uri
from mvc.repository import history, revisions
from mvc.repository.model import Model
from mvc.repository.signatures import attested as attestations_of
from mvc.repository.signatures import verify as signatures
from mvc.repository.signatures.attested import CheckedAttestation
from mvc.repository.signatures.trust import Signers
from mvc.repository.signatures.verify import FALSE, GOOD, MISMATCH, Verdict
from mvc.storage.records.reflog import RefName

STALE = "stale"
"""The status of what is signed well, and older than it has to be."""
UNATTESTED = "unattested"
"""The status of what is signed well, and lacks a required attestation."""


@dataclass(frozen=True, slots=True)
class Verified(Document):
    """The verdict on a version, and on the newest move of `ref` to it; `move` is None without a ref.

    `status` is good only if both are, no attestation is false, and nothing is stale or unattested: `stale` says what is older
    than it has to be, and `unattested` has the required types without an attestation by a trusted key.
    """

    KEYS = keys("model id number ref status version move stale attestations unattested")

    model: str
    id: VersionId
    number: int
    ref: str | None
    version: Verdict
    move: Verdict | None
    stale: str | None = None
    attestations: tuple[CheckedAttestation, ...] = ()
    unattested: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """The status of the whole: a mismatch if there is one, else the first that is not good."""
        statuses = [verdict.status for verdict in (self.version, self.move) if verdict is not None]
        if MISMATCH in statuses or any(attestation.status in FALSE for attestation in self.attestations):
            return MISMATCH
        statuses += [STALE] * (self.stale is not None) + [UNATTESTED] * bool(self.unattested)
        return next((status for status in statuses if status != GOOD), GOOD)

    @property
    def exit_code(self) -> int:
        """0 if it is good, 14 for a signature that does not match, 1 for the rest."""
        return {GOOD: 0, MISMATCH: errors.Damaged.exit_code}.get(self.status, errors.Answer.exit_code)


def bound(model: Model, text: str, now: Timestamp) -> Timestamp | VersionId:
    """Return the date that `text` is, else the version that it names. A ref with the name of a date is never taken.

    Raises UnknownRevision and as resolving does.
    """
    try:
        return moments.moment(text, now)
    except errors.BadDate:
        return revisions.resolve(model, text)


def verify(
    model: Model,
    id_: VersionId,
    signers: Signers,
    *,
    ref: RefName | None = None,
    newer_than: Timestamp | VersionId | None = None,
    attested: Iterable[str] = (),
) -> Verified:
    """Verify the signatures of a version, and with `ref` those of the newest move of the ref to it.

    With a time, the newest good signature, of the move if there is one, has to state that time or a later one; with a
    version, the verified one has to be that, or descend from it. `attested` are types of attestations that a trusted key has to
    have signed. Raises NoSshKeygen, Missing, Damaged.
    """
    number = model.repository.objects.version(id_).number
    places = signatures.places(model, ref, id_) if ref is not None else []
    moved = signatures.move(model, id_, places, signers) if ref is not None else None
    found = signatures.version(model, id_, signers)
    stale = None
    if isinstance(newer_than, Timestamp):
        stale = _older(moved or found, newer_than)
    elif newer_than is not None and not history.is_ancestor(model.repository.objects, newer_than, id_):
        stale = f"{history.label(model.repository, newer_than)} is not among its ancestors"
    attestations = attestations_of.check(model, id_, signers)
    good = {attestation.type for attestation in attestations if attestation.status == GOOD}
    lacking = tuple(type_ for type_ in attested if type_uri(type_) not in good)
    text = ref.text if ref is not None else None
    return Verified(model.key, id_, number, text, found, moved, stale, attestations, lacking)


def _older(verdict: Verdict, than: Timestamp) -> str | None:
    """Return the reason if the newest good signature is older; None if not, or if there is none."""
    newest = verdict.newest
    if newest is None or newest.seconds >= than.seconds:
        return None
    return f"its newest signature by a trusted key is of {newest.utc()}, before {than.utc()}"
