"""`mvc verify`: whether trusted keys signed a version, and the move of a tag or an alias to it."""

from __future__ import annotations

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.repository.model import Model
from mvc.repository.signatures import verify as signatures
from mvc.repository.signatures.trust import Signers
from mvc.repository.signatures.verify import GOOD, MISMATCH, Verdict
from mvc.storage.records.reflog import RefName


@dataclass(frozen=True, slots=True)
class Verified(Document):
    """The verdict on a version, and on the newest move of `ref` to it; `move` is None without a ref.

    `status` is good only if both are.
    """

    KEYS = keys("model id number ref status version move")

    model: str
    id: VersionId
    number: int
    ref: str | None
    version: Verdict
    move: Verdict | None

    @property
    def status(self) -> str:
        """The status of the whole: a mismatch if there is one, else the first that is not good."""
        found = [each.status for each in (self.version, self.move) if each is not None]
        return MISMATCH if MISMATCH in found else next((each for each in found if each != GOOD), GOOD)

    @property
    def exit_code(self) -> int:
        """0 if it is good, 14 for a signature that does not match, 1 for unsigned and for keys that are not trusted."""
        return {GOOD: 0, MISMATCH: errors.Damaged.exit_code}.get(self.status, errors.Answer.exit_code)


def verify(model: Model, id_: VersionId, signers: Signers, *, ref: RefName | None = None) -> Verified:
    """Verify the signatures of a version, and with `ref` those of the newest move of the ref to it.

    Raises NoSshKeygen, Missing, Damaged.
    """
    number = model.repository.objects.version(id_).number
    moved = signatures.move(model, id_, signatures.places(model, ref, id_), signers) if ref is not None else None
    return Verified(
        model.key, id_, number, ref.text if ref is not None else None, signatures.version(model, id_, signers), moved
    )
