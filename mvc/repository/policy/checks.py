"""The checks of a rule: what keeps a candidate, or a move, from following it, and the command that repairs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mvc import errors, lazy
from mvc.model.ids import VersionId
from mvc.model.paths import escape_name
from mvc.plural import count, first
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.policy.candidate import ABSENT, Candidate
from mvc.scan.policy.rule import Rule
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS, RefEntry, RefName

if TYPE_CHECKING:
    from mvc.readiness import evaluation, subject
    from mvc.repository.repository import Repository
    from mvc.repository.signatures import trust, verify
    from mvc.scan import allow
    from mvc.scan.policy import licenses
    from mvc.storage.records.annotations.signatures import SignedMove
else:
    allow = lazy.Module("mvc.scan.allow")
    evaluation = lazy.Module("mvc.readiness.evaluation")
    licenses = lazy.Module("mvc.scan.policy.licenses")
    subject = lazy.Module("mvc.readiness.subject")
    trust = lazy.Module("mvc.repository.signatures.trust")
    verify = lazy.Module("mvc.repository.signatures.verify")

_SHOWN = 5
_AUTOMATIC = ("", "alias: rolled back", "push")
_IMPORT = "import: "
"""The reasons of moves for which none was given, and the beginning of those of imported tags."""
_WHO = "\0"
"""The place in a hint for the principals whose signatures are missing."""
_KINDS = {"branch": HEADS, "tag": TAGS, "alias": ALIASES}


class Breach(NamedTuple):
    """A key of a rule that is not followed: why, and what repairs it.

    With `is_absent`, it is not known whether it is followed, since bytes are not here.
    """

    rule: Rule
    key: str
    reason: str
    fix: str
    is_absent: bool = False

    @property
    def line(self) -> str:
        """The breach in one line."""
        return f"{self.key}: {self.reason} ({self.rule.at(self.key)})"


def content(rule: Rule, candidate: Candidate) -> Iterator[Breach]:
    """Yield the breaches that follow from the values and files of a candidate."""
    yield from _formats(rule, candidate)
    yield from _scan(rule, candidate)
    yield from _sizes(rule, candidate)
    yield from _license(rule, candidate)


def readiness(rule: Rule, candidate: Candidate) -> Iterator[Breach]:
    """Yield the uses that a candidate is not ready for."""
    for use in rule.ready_for:
        looked_into = subject.Subject(candidate.manifest, candidate.tree, candidate.contents)
        try:
            found = evaluation.evaluate(looked_into, use)
        except errors.UnknownUse as error:
            yield Breach(rule, "ready-for", error.message.rstrip("."), "Correct the use in the policy.")
            continue
        reasons = dict.fromkeys(each.verdict.why for each in found.blockers)
        if not found.ready:
            at = f" {candidate.id[:10]}" if candidate.id is not None else ""
            reason = f"{candidate.called} is not ready for {use}: {first([*reasons], _SHOWN)}"
            yield Breach(rule, "ready-for", reason, f"`mvc check{at} --for {use}` shows what is missing.")


def _formats(rule: Rule, candidate: Candidate) -> Iterator[Breach]:
    if rule.formats is None:
        return
    wrong = {path: name for path, name in candidate.formats.items() if name not in rule.formats}
    absent = [path for path, name in wrong.items() if name == ABSENT.name]
    listed = first([f"{escape_name(path)} is {name}" for path, name in wrong.items() if path not in absent], _SHOWN)
    if listed:
        fix = f"Convert it to {' or '.join(rule.formats)}, or stop tracking it with `mvc rm --cached FILE`."
        yield Breach(rule, "formats", f"{listed}, not {' or '.join(rule.formats)}", fix)
    if absent:
        reason = (
            f"the bytes are not here, so their format is not known: {first(list(map(escape_name, absent)), _SHOWN)}"
        )
        yield Breach(rule, "formats", reason, _fetched(candidate))


def _scan(rule: Rule, candidate: Candidate) -> Iterator[Breach]:
    """Yield a breach for files with a worse verdict, and one for those whose bytes are not here. Raises Missing, Damaged.

    Only classes that the rule's own file allows count as such, so that everybody gets the same answer.
    """
    if rule.scan is None:
        return
    at = f" {candidate.id[:10]}" if candidate.id is not None else ""
    reports = {path: allow.allowed(found, rule.classes) for path, found in candidate.reports.items() if found}
    worse = [(path, report) for path, report in reports.items() if report.verdict > rule.scan]
    worse.sort(key=lambda pair: -pair[1].verdict)
    if worse:
        listed = [f"{escape_name(path)} is {report.verdict.word}" for path, report in worse]
        fix = f"`mvc scan --explain{at}` says why; save weights as safetensors or a state dict."
        yield Breach(rule, "scan", f"{first(listed, _SHOWN)}, worse than {rule.scan.word}", fix)
    absent = [path for path, found in candidate.reports.items() if found is None]
    if absent and at:
        reason = f"not scanned: {first(list(map(escape_name, absent)), _SHOWN)}"
        yield Breach(rule, "scan", reason, _fetched(candidate), is_absent=True)


def _fetched(candidate: Candidate) -> str:
    at = candidate.id[:10] if candidate.id is not None else "REV"
    return f"Fetch the bytes: `mvc switch {at}`, or `mvc export {at} FOLDER`."


def _sizes(rule: Rule, candidate: Candidate) -> Iterator[Breach]:
    limit = rule.max_file
    large = [] if limit is None else [entry for entry in candidate.tree.entries if entry.size > limit]
    if large:
        listed = first([f"{escape_name(entry.path)} has {entry.size:,} bytes" for entry in large], _SHOWN)
        yield Breach(
            rule, "max-file", f"{listed}, more than {limit:,}", "Stop tracking it with `mvc rm --cached FILE`."
        )
    size = sum(entry.size for entry in candidate.tree.entries)
    if rule.max_version is not None and size > rule.max_version:
        reason = f"the files have {size:,} bytes together, more than {rule.max_version:,}"
        yield Breach(rule, "max-version", reason, "Stop tracking files with `mvc rm --cached FILE`.")


def _license(rule: Rule, candidate: Candidate) -> Iterator[Breach]:
    """Yield the breaches of the license."""
    if rule.allow is None and not rule.deny:
        return
    own = str(candidate.manifest.model.get("license") or "")
    fix = "Set the right one with `mvc set model.license=LICENSE`, and commit it."
    allowed = f"allowed: {', '.join(rule.allow or ())}"
    if not own:
        if rule.allow is not None:
            yield Breach(rule, "licenses.allow", f"model.license is not set; {allowed}", fix)
    elif not licenses.is_permitted(own, None, rule.deny):
        yield Breach(rule, "licenses.deny", f"model.license is {escape_name(own)}, which is denied", fix)
    elif not licenses.is_permitted(own, rule.allow, rule.deny):
        yield Breach(rule, "licenses.allow", f"model.license is {escape_name(own)}; {allowed}", fix)


def signatures(rule: Rule, model: Model, candidate: Candidate) -> Iterator[Breach]:
    """Yield a breach unless enough of the principals signed the candidate, and none of its signatures is false.

    Raises BadSetting, NoSignersFile, NoSshKeygen, Missing.
    """
    if not rule.signed_by:
        return
    if candidate.id is None:
        fix = "Commit it on a branch without the rule, sign it with `mvc sign`, and move the ref to it then."
        yield Breach(rule, "signed-by", f"{candidate.called} has no signature yet", fix)
        return
    at = candidate.id[:10]
    hint = f"{_WHO} can sign it with `mvc sign {at}`; fetch signatures of others with `mvc fetch`."
    if candidate.offered:
        hint = f"Ask {_WHO} to sign it, with `mvc sign {at}` and `mvc push`."
    yield from _signed(rule, model, candidate.id, candidate.called, hint)


def move_signatures(
    rule: Rule, model: Model, candidate: Candidate, name: str, moves: Sequence[SignedMove]
) -> Iterator[Breach]:
    """Yield a breach unless enough of the principals signed a move of a tag or an alias to the candidate. Raises as `signatures`."""
    if not rule.signed_by or candidate.id is None:
        return
    hint = f"Ask {_WHO} to sign the move, with `mvc sign {name}` and `mvc push`."
    yield from _signed(rule, model, candidate.id, f"the move of {name} to {candidate.called}", hint, moves)


def _signed(
    rule: Rule, model: Model, id_: VersionId, called: str, hint: str, moves: Sequence[SignedMove] | None = None
) -> Iterator[Breach]:
    """Yield a breach unless enough of the principals signed a version, or with `moves` one of these moves to it."""
    signed: frozenset[str] = frozenset()
    others = ""
    if verify.current(model, id_) or verify.damaged(model, id_):
        trusted = trust.of(model.repository)
        places = [verify.Place(move, None) for move in moves or ()]
        found = verify.version(model, id_, trusted) if moves is None else verify.move(model, id_, places, trusted)
        if found.status == verify.MISMATCH:
            at = id_[:10]
            fix = f"`mvc verify {at}` shows it, and `mvc sign --remove NUMBER {at}` removes it."
            yield Breach(rule, "signed-by", f"a signature of {called} does not match", fix)
            return
        signed = verify.signed_by(model, id_, trusted, rule.signed_by, moves)
        others = "".join(f"; not counted: {reason}" for reason in found.reasons[:1])
        if trusted.allowed is None:
            hint = "List the keys that you trust: `mvc config --global trust.allowed-signers FILE`."
    if len(signed) < rule.signers:
        missing = [name for name in dict.fromkeys(rule.signed_by) if name not in signed]
        own = f"by {', '.join(sorted(signed))}, " if signed else ""
        reason = f"{called} has {len(signed)} of {count(rule.signers, 'signature')}: {own}none by {first(missing, _SHOWN)}{others}"
        joint = " and " if len(missing) == rule.signers - len(signed) else " or "
        yield Breach(rule, "signed-by", reason, hint.replace(_WHO, joint.join(missing[:_SHOWN])))


# --- moves of a ref


def origin(repository: Repository, rule: Rule, ref: RefName, candidate: Candidate, *, pushed: bool) -> Iterator[Breach]:
    """Yield a breach unless the ref of `from` is at the candidate; for a push, unless it ever was."""
    if rule.source is None:
        return
    kind, _, name = rule.source.partition(":")
    source = RefName(ref.model, _KINDS[kind], name)
    now = repository.refs.target(source)
    if candidate.id is not None and candidate.id == now:
        return
    if (
        pushed
        and candidate.id is not None
        and any(entry.new == candidate.id for entry in repository.refs.entries(source))
    ):
        return
    at = f"is at {history.label(repository, now)}" if now is not None else "does not exist"
    reason = f"{candidate.called} is not at {rule.source}, which {at}"
    where = candidate.id[:10] if candidate.id is not None else "REV"
    yield Breach(rule, "from", reason, f"Move it first: `{_MOVE[kind].format(name=name, where=where)}`.")


_MOVE = {"alias": "mvc alias set {name} {where}", "tag": "mvc tag {name} {where}", "branch": "mvc merge {where}"}


def roll_back(
    repository: Repository, rule: Rule, ref: RefName, tip: RefEntry | None, candidate: Candidate | None
) -> Iterator[Breach]:
    """Yield a breach for a move back, and for a deletion, after which the ref could begin anywhere.

    A branch may only be fast-forwarded. An alias may be at any version, but for those that it left behind and their
    ancestors. A tag never moves.
    """
    last = (tip.new or tip.old) if tip is not None else None
    if rule.roll_back or tip is None or last is None:
        return
    if candidate is None:
        yield Breach(rule, "roll-back", "it would be deleted", "Leave it where it is.")
    elif ref.kind == HEADS and not _descends(repository, candidate, last):
        why = f"{candidate.called} does not have {last[:10]}, the version of {ref.name}, as an ancestor"
        yield Breach(rule, "roll-back", why, f"Make a new version on top of {last[:10]}: {ref.name} only goes forward.")
    elif ref.kind == TAGS and candidate.id != last:
        why = f"{ref.name} was at {last[:10]}, and a tag never moves"
        yield Breach(rule, "roll-back", why, f"Choose another name for the tag of {candidate.called}.")
    elif ref.kind == ALIASES and candidate.id is not None and candidate.id != last:
        former = {tip.old, tip.new, *(entry.new for entry in repository.refs.entries(ref))} - {None}
        why = left_behind(repository, ref.name, candidate.id, [id_ for id_ in former if id_ is not None])
        if why:
            fix = f"Choose a version that {ref.name} was never at, and that is not an ancestor of one it was at."
            yield Breach(rule, "roll-back", why, fix)


def left_behind(repository: Repository, name: str, id_: VersionId, former: Sequence[VersionId]) -> str:
    """Return why an alias that was at `former` goes back with a move to a version, "" if it does not. Raises Damaged."""
    called = history.label(repository, id_)
    if id_ in former:
        return f"{name} was at {called} before"
    here = [each for each in former if repository.objects.has(each)]
    if id_ not in history.ancestors(repository.objects, here):
        return ""
    after = next(each for each in reversed(here) if history.is_ancestor(repository.objects, id_, each))
    return f"{called} is an ancestor of {history.label(repository, after)}, which {name} is or was at"


def _descends(repository: Repository, candidate: Candidate, last: VersionId) -> bool:
    starts = (candidate.id,) if candidate.id is not None else candidate.parents
    return any(history.is_ancestor(repository.objects, last, start) for start in starts)


def reason(rule: Rule, given: str, ref: RefName, candidate: Candidate | None, *, pushed: bool) -> Iterator[Breach]:
    """Yield a breach for a move, but not a deletion, without a reason of its own."""
    is_given = given.strip() not in _AUTOMATIC and not given.startswith(_IMPORT)
    if not rule.reason or candidate is None or is_given:
        return
    at = candidate.id[:10] if candidate.id is not None else "HEAD"
    command = f"mvc tag {ref.name} {at}" if ref.kind == TAGS else f"mvc alias set {ref.name} {at}"
    kind = "tag" if ref.kind == TAGS else "alias"
    first_step = (
        f"The message of a version is none: make it without the {kind}, then" if candidate.id is None else "Use"
    )
    then = ", then push" if pushed else ""
    yield Breach(rule, "reason", f"the move of {ref.name} has no reason", f"{first_step} `{command} -m REASON`{then}.")
