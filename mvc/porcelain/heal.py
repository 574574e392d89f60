"""`mvc fsck --remote NAME --repair`, `mvc push --repair`: send again what a remote has lost or damaged.

every byte of the remote is read ─► damaged versions, files and chunks ─► local copies are sent in new packs ─► hints
                                                                       └► without a local copy: reported
lost ref entries ─► kept here since a push saw them ─► created again

Only new objects are created, so a key that may neither delete nor overwrite suffices.
"""

from __future__ import annotations

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.porcelain import fsck_remote
from mvc.porcelain.fsck import Report
from mvc.porcelain.fsck_remote import Survey
from mvc.remotes import remote as remotes
from mvc.remotes.push_session import PushSession
from mvc.remotes.remote import Remote
from mvc.remotes.upload_plan import Fresh
from mvc.repository import history
from mvc.repository.repository import Actor, Repository
from mvc.storage.packs import packformat
from mvc.storage.progress import Progress
from mvc.storage.records.reflog import RefName, Seen
from mvc.transport import presence, tracking

ROUNDS = 4
"""Rounds of repair, at most: a metadata pack that is sent again may name further damaged packs."""


@dataclass(frozen=True, slots=True)
class Healed(Document):
    """The remote's findings before and after, and the bytes sent."""

    KEYS = keys("before after bytes_sent=sent")

    before: Report
    after: Report
    sent: int


def heal(repository: Repository, remote: Remote, actor: Actor, progress: Progress | None = None) -> Healed:
    """Repair `remote` with the content of this repository; whatever cannot be repaired stays in the report.

    Raises as connecting does, RemoteBusy, and Damaged for packs that are damaged here.
    """
    _restore_format(repository, remote)
    with PushSession(repository, remote.backend, actor.move("repair"), remote.pause, remote.jobs) as sending:
        found = first = fsck_remote.examine(repository, remote, read_data=True, progress=progress)
        for _ in range(ROUNDS):
            if not found.report.findings:
                break
            entries = _restore_entries(repository, remote)
            before = sending.sent
            sending.replace(_versions(repository, found), found.inventory, list(found.tips.values()), found.damaged)
            left = found.report.findings
            found = fsck_remote.examine(repository, remote, read_data=True, whole=found.whole, progress=progress)
            if sending.sent == before and not entries and found.report.findings == left:
                break
    return Healed(first.report, found.report, sending.sent)


def _restore_format(repository: Repository, remote: Remote) -> None:
    """Create the lost format record of a remote, if it still has a ref entry that was seen before.

    Raises RemoteRewritten if it has none.
    """
    try:
        presence.check(repository, remote)
    except errors.FormatLost:
        if not any(_has(remote, ref, last) for ref, last in tracking.all_refs(repository, remote.name)):
            reason = "its file `format` and all known ref entries are gone"
            raise errors.RemoteRewritten(remote=remote.backend.where, reason=reason) from None
        remotes.mark(remote.backend)


def _has(remote: Remote, ref: RefName, last: Seen) -> bool:
    """Return whether the remote still has the entry that was last seen."""
    try:
        entry = remote.refs.entry(ref, last.seq)
    except errors.Damaged:
        return False
    return entry is not None and entry.id == last.entry


def _versions(repository: Repository, found: Survey) -> Fresh:
    """Return the versions that the remote's refs reach and that are here, with their trees."""
    objects = repository.objects
    tips = [tip.new for tip in found.tips.values() if tip.new is not None]
    here = history.reachable(tips, lambda id_: objects.version(id_) if objects.has(id_) else None)
    return [(id_, version) for id_, version in here.items() if objects.has(version.tree)]


def _restore_entries(repository: Repository, remote: Remote) -> int:
    """Create lost ref entries again if their bytes are here and the next entry names them; return how many."""
    known = dict(repository.metapacks.others(packformat.REF_ENTRY))
    newest = dict(tracking.all_refs(repository, remote.name))
    numbers = remote.refs.numbers()
    for ref, last in newest.items():
        numbers[ref] = max(numbers.get(ref, 0), last.seq)
    return sum(_restore_log(remote, ref, seq, newest.get(ref), known) for ref, seq in numbers.items())


def _restore_log(remote: Remote, ref: RefName, newest: int, last: Seen | None, known: dict[str, bytes]) -> int:
    count = 0
    prev = None
    for seq in range(newest, 0, -1):
        expected = last.entry if last is not None and last.seq == seq else prev
        try:
            entry = remote.refs.entry(ref, seq)
        except errors.Damaged:
            prev = None
            continue
        lost = known.get(expected or "") if entry is None else None
        if lost is not None:
            remote.backend.create(ref.path(seq), lost)
            entry = remote.refs.entry(ref, seq)
            count += 1
        prev = entry.prev if entry is not None else None
    return count
