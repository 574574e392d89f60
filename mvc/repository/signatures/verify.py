"""Verification: whose signatures a version has, and a move of a ref to it, and whether they are trusted.

record ─► statement from the version ─► ssh-keygen: by a trusted key, for this namespace, at the time of the signature?
                                         └ no: does it match at all? ─► its status
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import NamedTuple

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.model.version import Timestamp
from mvc.repository.model import Model
from mvc.repository.signatures import ssh_keygen, sshsig
from mvc.repository.signatures.ssh_keygen import Claim
from mvc.repository.signatures.sshsig import SshSignature
from mvc.repository.signatures.statements import NAMESPACES, Signed, statement
from mvc.repository.signatures.trust import Signers
from mvc.storage.records.annotations import log
from mvc.storage.records.annotations.signatures import SSHSIG, VERSION, Signature, SignedMove
from mvc.storage.records.reflog import RefName

GOOD = "good"
UNKNOWN = "unknown"
EXPIRED = "expired"
EARLY = "not-yet-valid"
REVOKED = "revoked"
NAMESPACE = "namespace"
FORMAT = "format"
MISMATCH = "mismatch"
DAMAGED = "damaged"
UNSIGNED = "unsigned"
UNTRUSTED = "untrusted"
STATUSES = {
    GOOD: "by a trusted key",
    UNKNOWN: "the key is not among the allowed signers",
    EXPIRED: "the key was no longer valid at the time of the signature",
    EARLY: "the key was not valid yet at the time of the signature",
    REVOKED: "the key was revoked",
    NAMESPACE: "the key is not trusted for this kind of statement",
    FORMAT: "this mvc does not know its format",
    MISMATCH: "it is not a signature of this version or move",
    DAMAGED: "its record is damaged",
}
"""Each status of a signature, and its meaning."""
FALSE = (MISMATCH, DAMAGED)
"""Statuses that are a sign of damage, or of an attack."""
_DECISIVE = (MISMATCH, DAMAGED, GOOD, REVOKED, EXPIRED, EARLY, NAMESPACE, UNKNOWN, FORMAT)
"""Statuses of signatures, the one that decides first."""


@dataclass(frozen=True, slots=True)
class CheckedSignature(Document):
    """A signature and its status, one of STATUSES; `principal` is the name that the allowed signers have for its key.

    `by` and `time` are what the signer says. `ref` is the ref that was moved, on `remote` or here. `reason` is what ssh-keygen
    says.
    """

    KEYS = keys("number status principal key what ref remote by time reason")

    number: int
    status: str
    principal: str | None
    key: str
    what: str
    ref: str | None
    by: str
    time: Timestamp | None
    reason: str
    remote: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict(Document):
    """The signatures of a version or of a move, and what they amount to: good, unsigned, untrusted or mismatch."""

    KEYS = keys("status signatures")

    status: str
    signatures: tuple[CheckedSignature, ...]

    @property
    def decisive(self) -> CheckedSignature | None:
        """The signature that the verdict follows from, and of several like it the newest; None for none."""
        return min(reversed(self.signatures), key=lambda each: _DECISIVE.index(each.status), default=None)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why signatures do not count, each reason once, with what ssh-keygen says."""
        ignored = {STATUSES[each.status]: each.reason for each in self.signatures if each.status != GOOD}
        return tuple(f"{meaning} ({reason})" if reason else meaning for meaning, reason in ignored.items())

    @property
    def newest(self) -> Timestamp | None:
        """The time that the newest good signature states; None for none."""
        times = [each.time for each in self.signatures if each.status == GOOD and each.time is not None]
        return max(times, key=lambda time: time.seconds, default=None)

    @classmethod
    def of(cls, signatures: Iterable[CheckedSignature]) -> Verdict:
        """Return the verdict: one that does not match outweighs all others, and one good signature is enough otherwise."""
        found = tuple(signatures)
        statuses = {each.status for each in found}
        if statuses & {*FALSE}:
            return cls(MISMATCH, found)
        return cls(GOOD if GOOD in statuses else UNTRUSTED if found else UNSIGNED, found)


def version(model: Model, id_: VersionId, signers: Signers) -> Verdict:
    """Verify the signatures of a version. Raises Missing, NoSshKeygen."""
    records = [each for each in current(model, id_) if each.what == VERSION]
    return Verdict.of([*_checked(model, records, signers), *damaged(model, id_)])


def signed_by(
    model: Model,
    id_: VersionId,
    signers: Signers,
    principals: Sequence[str],
    moves: Sequence[SignedMove] | None = None,
) -> frozenset[str]:
    """Return the principals that signed a version, or with `moves` one of these moves to it, each with a key of their own.

    A key that is trusted for several of them counts for one, so the answer is a largest assignment of keys to principals.
    A record that does not match is nobody's. Raises Missing, NoSshKeygen.
    """
    trusted: dict[str, set[str]] = {}
    for record in current(model, id_):
        is_asked = record.what == VERSION if moves is None else record.move in moves
        if not is_asked or record.format != SSHSIG:
            continue
        with contextlib.suppress(ValueError):
            claim = _claim(model, record)
            names = {name for name in principals if ssh_keygen.verify(signers, name, claim).ok}
            trusted.setdefault(record.key, set()).update(names)
    return frozenset(_assigned(trusted))


def move(model: Model, id_: VersionId, places: Sequence[Place], signers: Signers) -> Verdict:
    """Verify the signatures of the newest moves of a ref to a version, here or on remotes: one has to be good.

    A signature of another move is none of these. Raises Missing, NoSshKeygen.
    """
    remotes = {place.move: place.remote for place in reversed(places)}
    checked = [
        replace(check(model, record, signers), remote=remotes[record.move])
        for record in current(model, id_)
        if record.move in remotes
    ]
    return Verdict.of([*checked, *damaged(model, id_)])


class Place(NamedTuple):
    """The newest entry of a ref's log, on a remote, or here (None)."""

    move: SignedMove
    remote: str | None


def places(model: Model, ref: RefName, id_: VersionId) -> list[Place]:
    """Return the newest entry of a ref's log, here and on each remote where it is at the same version. Raises Damaged."""
    refs = model.repository.refs
    found: list[Place] = []
    tip = refs.tip(ref)
    if tip is not None and tip.new == id_:
        found.append(Place(SignedMove(ref.model, ref.text, tip.seq, refs.identified(ref, tip.seq)[1]), None))
    for kind in refs.kinds(model.key):
        if kind.startswith("remotes/") and kind.endswith(f"/{ref.kind}"):
            seen = refs.tip(RefName(model.key, kind, ref.name))
            if seen is not None and seen.new == id_ and seen.seen is not None:
                remote = kind.removeprefix("remotes/").removesuffix(f"/{ref.kind}")
                found.append(Place(SignedMove(ref.model, ref.text, *seen.seen), remote))
    return found


def current(model: Model, id_: VersionId) -> list[Signature]:
    """Return the intact signatures of a version and of moves to it that were not removed, oldest first."""
    return log.current(model.repository.signatures.entries(model.key, id_))


def damaged(model: Model, id_: VersionId) -> list[CheckedSignature]:
    """Return the damaged records of a version, of which nobody knows what they signed."""
    faults = model.repository.signatures.faults(model.key, id_)
    return [
        CheckedSignature(seq, DAMAGED, None, "", "", None, "", None, str(error.fields["reason"]))
        for seq, error in sorted(faults.items())
    ]


def check(model: Model, record: Signature, signers: Signers) -> CheckedSignature:
    """Return a signature with its status. Raises Missing, NoSshKeygen."""
    answer, principal, reason = status(model, record, signers)
    ref = record.move.ref if record.move is not None else None
    return CheckedSignature(record.seq, answer, principal, record.key, record.what, ref, record.by, record.at, reason)


def is_match(model: Model, record: Signed) -> bool:
    """Return whether a record has a signature of its statement, by whatever key. Raises NoSshKeygen."""
    try:
        return ssh_keygen.matches(_claim(model, record))
    except (ValueError, errors.Damaged):
        return False


def _checked(model: Model, records: Iterable[Signature], signers: Signers) -> list[CheckedSignature]:
    return [check(model, record, signers) for record in records]


def _parsed(record: Signed) -> SshSignature:
    signature = sshsig.of_base64(record.signature)
    if signature.fingerprint != record.key or signature.namespace != NAMESPACES[record.what]:
        raise ValueError("its key or its namespace is another one")
    return signature


def _claim(model: Model, record: Signed) -> Claim:
    """Return what a record claims: its signature, and the statement that it has to be of. Raises ValueError, Missing."""
    return Claim(_parsed(record), NAMESPACES[record.what], statement(model.repository, record), record.at.seconds)


def status(model: Model, record: Signed, signers: Signers) -> tuple[str, str | None, str]:
    """Return the status of a signature, the name of its key, and the reason."""
    if record.format != SSHSIG:
        return FORMAT, None, record.format
    try:
        claim = _claim(model, record)
    except ValueError as error:
        return MISMATCH, None, str(error)
    names = _names(signers, claim)
    reasons: list[str] = []
    for name in names:
        done = ssh_keygen.verify(signers, name, claim)
        if done.ok:
            return GOOD, name, ""
        reasons.append(done.reason)
    if not ssh_keygen.matches(claim):
        return MISMATCH, None, ""
    if signers.revoked is not None:
        without = replace(signers, revoked=None)
        for name in names:
            if ssh_keygen.verify(without, name, claim).ok:
                return REVOKED, name, f"in {signers.revoked.path}"
    for name, reason in zip(names, reasons, strict=True):
        if (known := _known(reason)) is not None:
            return known, name, reason
    return UNKNOWN, None, next((reason for reason in reasons if _is_about_line(reason, signers)), "")


def _known(reason: str) -> str | None:
    """Return the status that a message of ssh-keygen means."""
    if "not yet valid" in reason:
        return EARLY
    if "expired" in reason:
        return EXPIRED
    return NAMESPACE if "namespace" in reason and "permitted" in reason else None


def _is_about_line(reason: str, signers: Signers) -> bool:
    """Return whether ssh-keygen names a line of the allowed signers, which it cannot use, such as `FILE:3: bad options`."""
    return signers.allowed is not None and reason.startswith(f"{signers.allowed.path}:")


def _names(signers: Signers, claim: Claim) -> list[str]:
    """Return the names under which the signers may have a key; each is verified by ssh-keygen.

    Its own search ends at the first line of a key, and a key may have a line for each namespace.
    """
    if signers.allowed is None:
        return []
    lines = signers.allowed.text().splitlines()
    key = claim.signature.key_text
    fields = [line.split()[0] for line in lines if key in line.split() and not line.startswith("#")]
    found = [name for field in fields for name in field.strip('"').split(",") if name and not name.startswith("!")]
    return list(dict.fromkeys(found)) or ssh_keygen.principals(signers, claim)


def _assigned(trusted: Mapping[str, AbstractSet[str]]) -> dict[str, str]:
    """Return a largest assignment, principal to key, in which each key has one of its principals (augmenting paths)."""
    key_of: dict[str, str] = {}

    def assign(key: str, tried: set[str]) -> bool:
        for name in sorted(trusted[key] - tried):
            tried.add(name)
            if name not in key_of or assign(key_of[name], tried):
                key_of[name] = key
                return True
        return False

    for key in sorted(trusted):
        assign(key, set())
    return key_of
