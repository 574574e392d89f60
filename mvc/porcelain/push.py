"""`mvc push`: upload versions, then update the remote's refs.

ref updates ─► intent ─► remote's tips ─► fast-forward? ─► upload ─► next ref entries ─► remote-tracking refs
                                          └─ behind, and --rebase: replay on the remote's and repeat
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Collection, Sequence
from dataclasses import replace

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import FileId, VersionId
from mvc.model.version import Version
from mvc.porcelain import fetch
from mvc.porcelain.heal import Healed, heal
from mvc.porcelain.sign import ListedSignature
from mvc.registry import place_sync
from mvc.remotes import remote as remotes
from mvc.remotes import upload_plan
from mvc.remotes.backends import probe
from mvc.remotes.inventory import Inventory
from mvc.remotes.push_session import PushSession
from mvc.remotes.remote import Remote
from mvc.remotes.upload_plan import DroppedFiles, Fresh
from mvc.repository import history, refnames
from mvc.repository.model import Model
from mvc.repository.policy import gate, override, take
from mvc.repository.replay import Target
from mvc.repository.repository import Actor, Repository, writes
from mvc.repository.signatures import pushed_moves
from mvc.repository.signatures.pushed_moves import Signing
from mvc.storage.progress import Progress
from mvc.storage.records.promised import Dropped
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS, Move, RefEntry, RefName
from mvc.transport import annotation_sync, expiry_sync, presence, promises, promisor, rebase, tracking
from mvc.transport.rebase import Rebased
from mvc.transport.refspec import RefUpdate

TRIES = 20
"""Rebases in one push, at most, by default."""
_FETCH = "Rebase yours onto them and push with `mvc push --rebase`, or get them first with `mvc fetch`."
_REVIVE = "Push with --revive to upload its bytes again, from a repository that has them."
_UNRELATED = "Push yours to a branch of another name."


@dataclass(frozen=True, slots=True)
class PushedRef(Document):
    """The result of one ref update, with Git's flag.

    ` ` fast-forward, `*` new, `-` deleted, `+` forced, `=` up to date, `!` rejected.
    """

    KEYS = keys("ref=ref.text flag old new reason")

    ref: RefName
    flag: str
    old: VersionId | None
    new: VersionId | None
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Pushed(Document):
    """The result of each ref update; the versions and bytes sent, and the bytes of changed files that the remote had already.

    `done` is False after a dry run; `rebased` counts the tries after the first, `rebases` has the result of each rebase;
    `repaired` is the repair of the remote, if one was made; `notes`, `evaluations`, `signatures` and `attestations` count what is
    new of them there, `encoded_again` the chunks whose encoding here the remote does not support. `signed` are the signatures of moves
    on the remote.
    """

    KEYS = keys(
        "remote refs versions bytes_sent=sent bytes_skipped=skipped done rebased rebases repaired notes evaluations "
        "encoded_again signatures attestations signed"
    )
    OPTIONAL = ("repaired",)

    remote: str
    model: str
    refs: tuple[PushedRef, ...]
    versions: int = 0
    sent: int = 0
    skipped: int = 0
    done: bool = True
    rebased: int = 0
    rebases: tuple[Rebased, ...] = ()
    repaired: Healed | None = None
    notes: int = 0
    evaluations: int = 0
    encoded_again: int = 0
    signatures: int = 0
    attestations: int = 0
    signed: tuple[ListedSignature, ...] = ()

    @property
    def rejected(self) -> tuple[PushedRef, ...]:
        """The rejected ref updates."""
        return tuple(ref for ref in self.refs if ref.flag == "!")


@writes
def push(
    model: Model,
    remote: Remote,
    requests: Sequence[RefUpdate],
    actor: Actor,
    *,
    lease: bool = False,
    tries: int = 0,
    repair: bool = False,
    set_upstream: bool = False,
    revive: bool = False,
    signing: Signing | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Pushed:
    """Update refs of `model` on `remote`; with `lease`, also non-fast-forward if nobody else has moved them.

    With `tries`, local versions are replayed on a branch that somebody else has moved, and pushed again, at most so
    often. `repair` first uploads again what the remote has lost; `set_upstream` sets each pushed branch's upstream;
    `revive` uploads the bytes of tips again that were dropped on the remote; `signing` signs moves there.
    Raises PushRejected if the only update is rejected (of several, each has its own result), Unrelated, CannotRebase,
    RebaseConflicts, TakeRefused, InTheWay, RemoteBusy, PushUncertain, NotSigned, FilesElsewhere, and as fetching does.
    """
    if dry_run:
        return _Push(model.repository, model.key, remote, actor, lease=lease, revive=revive).dry_run(requests)
    if not repair:  # which changes the remote, whatever becomes of the push
        _Push(model.repository, model.key, remote, actor, lease=lease, revive=revive).check(requests)
    repaired = _repaired(model.repository, remote, actor, progress) if repair else None
    _trust(model.repository, remote, actor)
    done = _Push(model.repository, model.key, remote, actor, lease=lease, revive=revive).run(requests, progress)
    while done.rebased < tries and (behind := _behind(requests, done)):
        remote.pause(done.rebased + 1)
        fetched = fetch.fetch(model.repository, remote, actor, models=[model.key])
        if refused := [each for each in fetched.refused if each.ref in {request.ref for request in behind}]:
            raise take.error(refused)
        ready, done = _rebase_all(model, remote, behind, actor, done, progress)
        done = _joined(
            done, _Push(model.repository, model.key, remote, actor, lease=lease, revive=revive).run(ready, progress)
        )
    if not done.rejected:
        place_sync.send(model, remote, actor)
        if signing is not None:
            moved = {each.ref: each.new for each in done.refs}
            made = pushed_moves.sign(model, remote.name, moved, signing, actor)
            done = replace(done, signed=tuple(map(ListedSignature.of_made, made)))
        sent = annotation_sync.send(model, remote)
        done = replace(
            done,
            notes=sent.notes,
            evaluations=sent.evaluations,
            signatures=sent.signatures,
            attestations=sent.attestations,
        )
    if done.rejected and len(done.refs) == 1:
        only = done.refs[0]
        raise errors.PushRejected(
            ref=only.ref.name, model=model.key, remote=remote.name, reason=only.reason, hint=only.hint
        )
    if set_upstream:
        _follow(model.repository, done)
    return replace(done, repaired=repaired)


def _repaired(repository: Repository, remote: Remote, actor: Actor, progress: Progress | None) -> Healed | None:
    """Repair the remote; return None if it does not exist yet."""
    try:
        return heal(repository, remote, actor, progress)
    except errors.NoRemoteYet:
        return None


def _behind(requests: Sequence[RefUpdate], done: Pushed) -> list[RefUpdate]:
    """Return the updates of local branches that were rejected since somebody else has pushed first."""
    rejected = {ref.ref for ref in done.rejected if ref.hint == _FETCH}
    return [request for request in requests if request.ref in rejected and request.local is not None]


def _rebase_all(
    model: Model, remote: Remote, behind: Sequence[RefUpdate], actor: Actor, done: Pushed, progress: Progress | None
) -> tuple[list[RefUpdate], Pushed]:
    """Return the updates of the rebased branches, and the result so far; of several, one that cannot be is rejected.

    Raises the error of an only branch.
    """
    ready: list[RefUpdate] = []
    rebases = list(done.rebases)
    refs = {ref.ref: ref for ref in done.refs}
    for request in behind:
        try:
            update, rebased = _rebased(model, remote, request, actor, progress)
        except (errors.RefRejected, errors.WouldOverwrite) as error:
            if len(refs) == 1:
                raise
            reason = " ".join(error.message.split()).rstrip(".")
            refs[request.ref] = replace(refs[request.ref], reason=reason, hint=error.hint)
            continue
        ready.append(update)
        rebases += [rebased] if rebased is not None else []
    return ready, replace(done, refs=tuple(refs.values()), rebases=tuple(rebases), rebased=done.rebased + 1)


def _joined(before: Pushed, after: Pushed) -> Pushed:
    """Return the result of a push and of another try of some of its updates."""
    return replace(
        before,
        refs=tuple({ref.ref: ref for ref in (*before.refs, *after.refs)}.values()),
        versions=before.versions + after.versions,
        sent=before.sent + after.sent,
        skipped=before.skipped + after.skipped,
        encoded_again=before.encoded_again + after.encoded_again,
    )


def _trust(repository: Repository, remote: Remote, actor: Actor) -> None:
    """Create the remote if it does not exist, after probing it; probe it once for each repository.

    Raises NotARemote, NotExclusive; RemoteVanished for one that existed before.
    """
    with contextlib.suppress(errors.NoRemoteYet):
        presence.check(repository, remote)
    known = presence.is_probed(repository, remote)
    if not known:
        probe.ensure(remote.backend, actor.nonce())
    remotes.begin(remote.backend)
    if not known:
        presence.record_probe(repository, remote)


def _rebased(
    model: Model, remote: Remote, request: RefUpdate, actor: Actor, progress: Progress | None
) -> tuple[RefUpdate, Rebased | None]:
    """Return the same update for the replayed versions, and the rebase; None where the remote's tip is an ancestor."""
    assert request.local is not None  # noqa: S101 - only branches are behind
    onto, own = model.repository.refs.target(request.ref.tracking_ref(remote.name)), _local(model, request.local)
    if onto is None or history.is_ancestor(model.repository.objects, onto, own):
        return replace(request, new=own), None
    target = Target(request.local, onto, f"{remote.name}/{request.ref.name}")
    done = rebase.rebase(model, target, actor, verb="push", remote=remote, progress=progress)
    return replace(request, new=done.new), done


def _local(model: Model, branch: str) -> VersionId:
    target = model.target(HEADS, branch)
    if target is None:
        raise errors.NoVersionYet(model=model.key)
    return target


def _follow(repository: Repository, done: Pushed) -> None:
    """Set each pushed branch's upstream to the branch of its name on that remote."""
    for ref in done.refs:
        if ref.ref.kind == HEADS and ref.flag != "!":
            repository.config.set_upstream(done.model, ref.ref.name, done.remote, ref.ref.name)


class _Push:
    """One attempt."""

    def __init__(
        self, repository: Repository, model: str, remote: Remote, actor: Actor, *, lease: bool, revive: bool
    ) -> None:
        self._repository = repository
        self._model = model
        self._remote = remote
        self._actor = actor
        self._lease = lease
        self._revive = revive
        self._dropped = Dropped(())

    def dry_run(self, requests: Sequence[RefUpdate]) -> Pushed:
        """Return what a push would do."""
        is_new, refs, fresh = self._planned(requests)
        if is_new:
            return Pushed(self._remote.name, self._model, refs, len(fresh), done=False)
        there = Inventory(self._repository, self._remote.backend, self._remote.jobs)
        todo = upload_plan.plan(self._repository, there, fresh, dropped=DroppedFiles(doubted=set(self._dropped.files)))
        return Pushed(
            self._remote.name,
            self._model,
            refs,
            len(fresh),
            todo.size,
            todo.skipped,
            done=False,
            encoded_again=todo.encoded_again,
        )

    def check(self, requests: Sequence[RefUpdate]) -> None:
        """Raise the refusal of a rule or a hook before the push writes on the remote: not even its record or an intent."""
        own = gate.Gate(self._repository)
        if own.rules() or own.hooks("pre-push", "pre-move") is not None:
            self._planned(requests)

    def _planned(self, requests: Sequence[RefUpdate]) -> tuple[bool, tuple[PushedRef, ...], Fresh]:
        """Return whether the remote is new, the results of the updates, and the versions to send, which rules let pass."""
        try:
            presence.check(self._repository, self._remote)
        except errors.NoRemoteYet:
            refs = tuple(PushedRef(each.ref, "*", None, each.new) for each in requests if each.new is not None)
            fresh = self._fresh(refs, {})
            self._check_policy(refs, {}, fresh)
            return True, refs, fresh
        self._dropped = Dropped(expiry_sync.read(self._repository, self._remote))
        tips = self._tips(requests)
        refs = tuple(self._judge(request, tips[request.ref]) for request in requests)
        fresh = self._fresh(refs, tips)
        self._check_policy([each for each in refs if each.flag not in "=!"], tips, fresh)
        return False, refs, fresh

    def run(self, requests: Sequence[RefUpdate], progress: Progress | None) -> Pushed:
        """Push every update that is not rejected."""
        move, remote = self._actor.move("push"), self._remote
        with PushSession(self._repository, remote.backend, move, remote.pause, remote.jobs) as sending:
            self._dropped = Dropped(expiry_sync.read(self._repository, remote))
            tips = self._tips(requests)
            judged = [self._judge(request, tips[request.ref]) for request in requests]
            todo = [each for each in judged if each.flag not in "=!"]
            fresh = self._fresh(todo, tips)
            passed = self._check_policy(todo, tips, fresh)
            before = [tip for tip in tips.values() if tip is not None]
            revived = self._revived(todo)
            sending.revived = tuple(revived)
            fresh = list({**dict(fresh), **revived}.items())
            if todo:
                self._repository.note(self._model)
                self._send(sending, fresh, before, progress)
                sending.record_revived()
                if revived:
                    expiry_sync.read(self._repository, remote)
            for each in judged:
                if each.flag == "=":  # an interrupted push may have moved it before it was durable
                    remote.backend.settle(each.ref.folder)
            alone = len(todo) == 1
            moved = [
                self._move(each, tips[each.ref], passed, alone=alone) if each in todo else (each, tips[each.ref])
                for each in judged
            ]
            if todo:
                sending.resend(fresh, before)
        refs = tuple(each for each, _ in moved)
        self._note({each.ref: entry for each, entry in moved if each.flag != "!"})
        counts = (len(fresh), sending.sent, sending.skipped)
        return Pushed(remote.name, self._model, refs, *counts, encoded_again=sending.encoded_again)

    def _send(self, sending: PushSession, fresh: Fresh, before: list[RefEntry], progress: Progress | None) -> None:
        """Send what the remote lacks; files that are promised by another remote are fetched first."""
        try:
            sending.send(fresh, before, progress)
        except errors.FilesElsewhere as error:
            files = {FileId(file): self._path(file, VersionId(id_)) for file, id_ in error.lost.items()}
            dropped = expiry_sync.local_records(self._repository, self._uses(fresh, files))
            if dropped is not None:
                for record, versions in dropped.items():
                    sending.drop(versions, expiry_sync.cause(record))
                expiry_sync.read(self._repository, self._remote)
                sending.send(fresh, before, progress)
                return
            if not all(map(self._repository.promised.recorded, files)):
                raise
            promisor.fetch_files(self._repository, files, progress, connected=self._remote)
            sending.send(fresh, before, progress)

    def _uses(self, fresh: Fresh, files: Collection[FileId]) -> list[tuple[FileId, VersionId]]:
        """Return each of `files` with each version of `fresh` that uses it."""
        trees = ((id_, self._repository.objects.tree(version.tree)) for id_, version in fresh)
        return [(entry.file, id_) for id_, tree in trees for entry in tree.entries if entry.file in files]

    def _path(self, file: str, id_: VersionId) -> str:
        entries = promises.entries_of(self._repository, id_)
        return next((entry.path for entry in entries if entry.file == file), file[:10])

    def _tips(self, requests: Sequence[RefUpdate]) -> dict[RefName, RefEntry | None]:
        """Return the remote's tips.

        For a new ref, a tag or an alias, also the branches seen before, so that what they reach is not sent again.
        """
        wanted = {request.ref: request.new for request in requests}
        tips = {ref: self._tip(ref) for ref in wanted}
        targets = {ref: tip.new if tip is not None else None for ref, tip in tips.items()}
        if any(old is None or (ref.kind != HEADS and old != wanted[ref]) for ref, old in targets.items()):
            refs = self._repository.refs
            kind = RefName(self._model, HEADS, "x").tracking_ref(self._remote.name).kind
            others = [RefName(self._model, HEADS, ref.name) for ref in refs.all(self._model, kind)]
            tips.update({ref: self._tip(ref) for ref in others if ref not in tips})
        return tips

    def _tip(self, ref: RefName) -> RefEntry | None:
        return self._remote.refs.tip(ref, tracking.last(self._repository, self._remote.name, ref))

    def _judge(self, request: RefUpdate, tip: RefEntry | None) -> PushedRef:
        """Return the result of an update, by the remote's tip."""
        old, new = tip.new if tip is not None else None, request.new
        if old == new:
            return PushedRef(request.ref, "=", old, new)
        if new is not None and new in self._dropped.versions and not self._revive:
            reason = f"the bytes of {history.label(self._repository, new)} were dropped there"
            return PushedRef(request.ref, "!", old, new, reason, _REVIVE)
        if old is None:
            return self._judge_new(request)
        if new is None or self._lease or request.ref.kind not in (HEADS, TAGS):
            return self._judge_lease(request, tip, old)
        if request.ref.kind == TAGS:
            reason = f"the tag is at {old[:10]} there, and tags never move"
            return PushedRef(request.ref, "!", old, new, reason, "Create the tag under another name, and push that.")
        if not self._repository.objects.has(old):
            reason = f"it has versions that you do not have (newest: {self._about(tip)})"
            return PushedRef(request.ref, "!", old, new, reason, _FETCH)
        if not history.is_ancestor(self._repository.objects, old, new):
            reason = f"your branch lacks its newest versions (newest: {self._about(tip)})"
            if not history.merge_bases(self._repository.objects, old, new):
                return PushedRef(request.ref, "!", old, new, "it has an unrelated history", _UNRELATED)
            return PushedRef(request.ref, "!", old, new, reason, _FETCH)
        return PushedRef(request.ref, " ", old, new)

    def _judge_new(self, request: RefUpdate) -> PushedRef:
        """Return whether the name of a new ref is free there: for readers, two kinds of refs of one name are ambiguous."""
        for kind, word in refnames.KINDS.items():
            other = replace(request.ref, kind=kind)
            tip = self._tip(other) if other != request.ref else None
            if tip is not None and tip.new is not None:
                command = f"mvc push {shlex.quote(self._remote.name)} :{other.text}"
                reason = f"the {word} {other.name} is there, and branches, tags and aliases share one namespace"
                hint = f"Push to another name, or run `mvc fetch` and delete the {word} there first: `{command}`."
                return PushedRef(request.ref, "!", None, request.new, reason, hint)
        return PushedRef(request.ref, "*", None, request.new)

    def _judge_lease(self, request: RefUpdate, tip: RefEntry | None, old: VersionId) -> PushedRef:
        """Return whether the ref has not moved since it was last seen, not even back and forth."""
        last = tracking.last(self._repository, self._remote.name, request.ref)
        if tip is None or last != (tip.seq, tip.id):
            reason = f"it was moved since your last fetch, to {self._about(tip)}"
            hint = "Run `mvc fetch` and review what changed, then push again."
            if request.ref.kind == ALIASES:
                see, take = f"mvc show {old[:10]}", f"mvc alias set {request.ref.name} {old[:10]}"
                hint = f"Run `mvc fetch`, see theirs with `{see}`, take it with `{take}`, or push again."
            return PushedRef(request.ref, "!", old, request.new, reason, hint)
        flag = "-" if request.new is None else "+" if request.ref.kind == HEADS else " "
        return PushedRef(request.ref, flag, old, request.new)

    def _revived(self, refs: Sequence[PushedRef]) -> dict[VersionId, Version]:
        """Return the versions of `refs` whose bytes were dropped on the remote."""
        ids = {ref.new for ref in refs if ref.new is not None and ref.new in self._dropped.versions}
        return {id_: self._repository.objects.version(id_) for id_ in sorted(ids)}

    @staticmethod
    def _about(tip: RefEntry | None) -> str:
        return f"{tip.new[:10]} by {tip.move.by}" if tip is not None and tip.new else "nothing"

    def _fresh(self, refs: Sequence[PushedRef], tips: dict[RefName, RefEntry | None]) -> Fresh:
        """Return the versions that the remote's refs do not reach, parents first."""
        objects = self._repository.objects
        known = [tip.new for tip in tips.values() if tip is not None and tip.new and objects.has(tip.new)]
        wanted = [each.new for each in refs if each.new is not None and each.flag not in "=!"]
        fresh = list(history.walk(objects, wanted, exclude=known))[::-1] if wanted else []
        for _, version in fresh:
            self._check_whole(version)
        return fresh

    def _check_whole(self, version: Version) -> None:
        absent = set(version.parents) - set(self._repository.objects.parents(version))
        if absent:
            raise errors.HistoryAbsent(version=f"v{version.number}", parent=min(absent)[:10])

    def _check_policy(self, refs: Sequence[PushedRef], tips: dict[RefName, RefEntry | None], fresh: Fresh) -> str:
        """Raise PolicyRefused before anything is sent; return the note on rules that are passed for versions to send."""
        moves = [self._moved(each, tips.get(each.ref)) for each in refs]
        gate.check(self._repository, moves)
        sent = [id_ for id_, _ in fresh]
        passed = gate.sent(self._repository, f"push:{self._remote.name}", self._model, sent)
        if moves:
            gate.Gate(self._repository).ask_push(self._remote.name, self._model, moves, sent)
        return passed

    def _moved(self, each: PushedRef, tip: RefEntry | None) -> gate.Move:
        return gate.Move(each.ref, tip, each.new, self._reason(each).reason, self._remote.name)

    def _move(
        self, each: PushedRef, tip: RefEntry | None, passed: str, *, alone: bool
    ) -> tuple[PushedRef, RefEntry | None]:
        """Move one ref on the remote. Raises RefDenied if the store forbids the only move; of several, one is rejected.

        `passed` is the note on rules that were passed for the versions that were sent.
        """
        own = gate.check(self._repository, [self._moved(each, tip)])  # again: the policy may have changed meanwhile
        move = self._reason(each)
        for note in dict.fromkeys((own, passed if each.new is not None else "")):
            move = replace(move, reason=override.noted(move.reason, note))
        try:
            entry = self._remote.refs.move(each.ref, tip, each.new, move)
        except errors.RefMoved as error:
            reason = f"{error.fields['by']} moved it first ({error.fields['reason']})"
            return replace(each, flag="!", reason=reason, hint=_FETCH), None
        except errors.RemoteDenied as error:
            denied = errors.RefDenied(
                remote=self._remote.name, ref=each.ref.text, model=self._model, reason=error.fields["reason"]
            )
            if alone:
                raise denied from error
            return replace(each, flag="!", reason=denied.message.rstrip("."), hint=denied.hint), None
        self._repository.record_move(each.ref, entry, self._remote.name)
        return each, entry

    def _reason(self, pushed: PushedRef) -> Move:
        """Return the move for the remote's log: of a tag or alias, with who set it here and why; the time is that of the push."""
        move = self._actor.move("push")
        own = self._repository.refs.tip(pushed.ref) if pushed.ref.kind in (TAGS, ALIASES) else None
        if own is None or own.new != pushed.new:
            return move
        return replace(move, by=own.move.by, reason=own.move.reason)

    def _note(self, entries: dict[RefName, RefEntry | None]) -> None:
        """Move the remote-tracking refs."""
        with self._repository.locked():
            for ref, entry in entries.items():
                if entry is not None:
                    tracking.record(self._repository, self._remote.name, ref, entry, self._actor, "push")
