"""`mvc verify --oms`: whether a folder is as the signature of OpenSSF Model Signing in it says, by a public key."""

from __future__ import annotations

from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.repository.signatures import oms_folder
from mvc.repository.signatures.oms import FILE
from mvc.repository.signatures.oms_folder import Differences, PublicKey
from mvc.repository.signatures.verify import GOOD, MISMATCH, UNTRUSTED


@dataclass(frozen=True, slots=True)
class VerifiedFolder(Document):
    """The verdict on a folder: good; untrusted if another key signed it; mismatch if it is not what was signed.

    `changed`, `missing` and `extra` are the paths that differ, `ignored` those of files that the signature does not cover.
    `version` is the version that mvc exported, as the signer says.
    """

    KEYS = keys(
        "directory signature status version files changed=differences.changed missing=differences.missing "
        "extra=differences.extra ignored=differences.ignored"
    )

    directory: Path
    signature: Path
    status: str
    version: str | None
    files: int
    differences: Differences

    @property
    def exit_code(self) -> int:
        """0 if it is good, 14 for a mismatch, 1 for another key."""
        return {GOOD: 0, MISMATCH: errors.Damaged.exit_code}.get(self.status, errors.Answer.exit_code)


def verify_folder(directory: Path, key: Path, *, signature: Path | None = None) -> VerifiedFolder:
    """Verify the files of a folder by the public key in a PEM file; `signature` is model.sig in the folder by default.

    Raises NoSuchFile, BadOmsSignature, NoPublicKey, MissingPackage, UnreadablePath.
    """
    if not directory.exists():
        raise errors.NoSuchFile(path=directory)
    public, place = PublicKey(key), signature if signature is not None else directory / FILE
    bundle = oms_folder.bundle(place)
    none = Differences((), (), (), ())
    if bundle.hint and bundle.hint != public.hint:
        return VerifiedFolder(directory, place, UNTRUSTED, None, 0, none)
    if not oms_folder.is_signed(bundle, public):
        return VerifiedFolder(directory, place, MISMATCH, None, 0, none)
    signed = oms_folder.statement(place, bundle.payload)
    found = oms_folder.compare(directory, signed, place)
    status = MISMATCH if found.changed or found.missing or found.extra else GOOD
    return VerifiedFolder(directory, place, status, signed.version, len(signed.files), found)
