"""The gate through which branches, tags and aliases move, and versions leave: the rules of both policy.toml decide.

    policy.toml beside .mvc ─┐
                             ├─► rules on the event ─► breaches ─► PolicyRefused, and nothing was written
    policy.toml of the user ─┘                     └─ none ─────► the move

Every ref entry passes it under the lock, just before it is created; a command that stores something first asks it before
that. Both files are read each time. All rules of both apply, so the stricter one wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from mvc import errors, lazy
from mvc.model.ids import VersionId
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.policy import files, override, refusal
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS, RefEntry, RefName

if TYPE_CHECKING:
    from mvc.repository.policy import candidate as candidates
    from mvc.repository.policy import checks, hooks, stand_in
    from mvc.repository.policy.candidate import Candidate
    from mvc.repository.policy.checks import Breach
    from mvc.repository.policy.hooks import Hooks, MovedRef
    from mvc.repository.repository import Repository
    from mvc.scan.policy import parse, rule
    from mvc.scan.policy.rule import Rule
    from mvc.storage.records.journal import RefStep
else:
    candidates = lazy.Module("mvc.repository.policy.candidate")
    checks = lazy.Module("mvc.repository.policy.checks")
    hooks = lazy.Module("mvc.repository.policy.hooks")
    parse = lazy.Module("mvc.scan.policy.parse")
    rule = lazy.Module("mvc.scan.policy.rule")
    stand_in = lazy.Module("mvc.repository.policy.stand_in")

NAME = files.NAME
KINDS = {HEADS: "branch", TAGS: "tag", ALIASES: "alias"}
"""The kinds of refs that rules are about, each with its word in events."""
NEW_VERSION = "new version"
"""The reason of a move of a branch whose version is not made yet."""


class Move(NamedTuple):
    """A move of a ref from `tip` to a version, None for its deletion; `remote` is where, "" for here."""

    ref: RefName
    tip: RefEntry | None
    new: VersionId | Candidate | None
    reason: str
    remote: str = ""

    @property
    def event(self) -> str:
        """The event that rules name it by, as `alias:prod`."""
        return f"{KINDS[self.ref.kind]}:{self.ref.name}"


class Gate:
    """The gate of one repository."""

    def __init__(self, repository: Repository) -> None:
        """Judge moves in `repository`; the user's own policy is beside their settings."""
        self._repository = repository

    def rules(self) -> tuple[Rule, ...]:
        """Return the rules of both files, those of the repository first. Raises BadPolicy."""
        return tuple(each for shown, data in files.of(self._repository) for each in parse.parse(data, shown))

    def entry(self, ref: RefName, entry: RefEntry) -> RefEntry:
        """Return a ref entry that may be created, with a note in its reason if rules were passed; else raise.

        The caller holds the lock. Raises PolicyRefused, BadPolicy.
        """
        if ref.kind not in KINDS:
            return entry
        tip = self._repository.refs.tip(ref)
        note = self.check([Move(ref, tip, entry.new, entry.move.reason)])
        return _with_note(entry, note)

    def steps(self, steps: Sequence[RefStep]) -> tuple[RefStep, ...]:
        """Return the ref entries of one change of the working tree, as `entry`; all of them are judged before one is made."""
        refs = [step for step in steps if step.name.kind in KINDS]
        tip = self._repository.refs.tip
        note = self.check([Move(s.name, tip(s.name), s.entry.new, s.entry.move.reason) for s in refs])
        return tuple(step._replace(entry=_with_note(step.entry, note)) if step in refs else step for step in steps)

    def check(self, moves: Sequence[Move]) -> str:
        """Raise PolicyRefused unless all moves follow the rules; return the note on rules that were passed, or "".

        The user's hook is asked when the rules let them pass. Raises HookRefused, and as `judge`.
        """
        note = self.judge(moves)
        self.ask_move(moves)
        return note

    def judge(self, moves: Sequence[Move]) -> str:
        """Raise PolicyRefused and return as `check`, without hooks.

        Raises BadPolicy, Missing and Damaged for a version that cannot be read, and for signatures BadSetting,
        NoSignersFile and NoSshKeygen.
        """
        rules = self.rules()
        return self._judge([found for move in moves for found in self._move(rules, move)]) if rules else ""

    def sent(self, event: str, model: str, versions: Iterable[VersionId]) -> str:
        """Raise PolicyRefused unless versions may go to where the event says, as `push:origin`; return as `check`."""
        rules = [each for each in self.rules() if each.is_on(event)]
        if not rules:
            return ""
        found = []
        for id_ in versions:
            candidate = candidates.stored(self._repository, id_)
            broken = [breach for each in rules for breach in checks.content(each, candidate)]
            if event.startswith(f"{rule.PUBLISH}:"):  # of a push, the tip's count: they cover its ancestors
                broken += [breach for each in rules for breach in self._signatures(each, model, candidate)]
            found += [(f"{event} of {model}, {candidate.called}", breach) for breach in broken]
        return self._judge(found)

    def made(self, model: str, candidate: Candidate) -> None:
        """Raise PolicyRefused unless a version that is not the tip of a branch may be made."""
        self._judge([(f"a new version of {model}", breach) for breach in self.content(rule.COMMIT, model, candidate)])

    def content(self, event: str, model: str, candidate: Candidate) -> list[Breach]:
        """Return the breaches of a candidate that do not depend on a ref. Raises as `check`."""
        rules = [each for each in self.rules() if each.is_on(event)]
        return [
            breach
            for each in rules
            for breach in (*_content(each, candidate), *self._signatures(each, model, candidate))
        ]

    def breaches(self, move: Move) -> list[Breach]:
        """Return the breaches of a move, also of rules that are passed. Raises as `check`."""
        return [breach for _, breach in self._move(self.rules(), move)]

    # --- hooks of the user

    def hooks(self, *names: str) -> Hooks | None:
        """Return the user's hooks if one of these is set, else None. Raises BadSetting."""
        settings = self._repository.config
        return (
            hooks.Hooks(self._repository) if any(settings.get(f"hooks.{name}") is not None for name in names) else None
        )

    def ask_move(self, moves: Sequence[Move]) -> None:
        """Raise HookRefused unless the hook before moves, if there is one, lets refs move."""
        asked = self.hooks("pre-move")
        if asked is not None:
            asked.move([_moved(move) for move in moves if not _is_still(move)])

    def ask_push(self, remote: str, model: str, moves: Sequence[Move], versions: Sequence[VersionId]) -> None:
        """Raise HookRefused unless the hook before pushes, if there is one, lets versions be sent and refs moved."""
        asked = self.hooks("pre-push")
        if asked is not None:
            asked.push(remote, model, [_moved(move) for move in moves], versions)

    # --- inside

    def _move(self, rules: Sequence[Rule], move: Move) -> Iterator[tuple[str, Breach]]:
        """Yield the breaches of a move, each after what it is about; also of an entry that leaves the ref where it is."""
        events = [move.event, *([f"{rule.PUSH}:{move.remote}"] if move.remote else [])]
        about = [each for each in rules if any(each.is_on(event) for event in events)]
        made = [each for each in rules if each.is_on(rule.COMMIT)] if _makes(move) else []
        if _creates(move):
            yield from ((_named(move), breach) for breach in stand_in.breaches(rules, move.event))
        if not about and not made:
            return
        candidate, what = self._candidate(move.new), _named(move)
        for each in about:
            yield from ((what, breach) for breach in self._about_ref(each, move, candidate))
            yield from ((what, breach) for breach in (_content(each, candidate) if candidate is not None else ()))
        for version in self._made(move, candidate) if made else ():
            label = f"{version.called} of {move.ref.model}"
            yield from ((label, breach) for each in made for breach in _content(each, version))

    def _about_ref(self, each: Rule, move: Move, candidate: Candidate | None) -> Iterator[Breach]:
        repository = self._repository
        yield from checks.roll_back(repository, each, move.ref, move.tip, candidate)
        yield from checks.reason(each, move.reason, move.ref, candidate, pushed=bool(move.remote))
        if candidate is not None:
            yield from checks.origin(repository, each, move.ref, candidate, pushed=bool(move.remote))
            yield from self._signatures(each, move.ref.model, candidate)

    def _signatures(self, each: Rule, model: str, candidate: Candidate) -> Iterator[Breach]:
        return checks.signatures(each, Model(self._repository, model), candidate)

    def _candidate(self, new: VersionId | Candidate | None) -> Candidate | None:
        return candidates.stored(self._repository, new) if isinstance(new, str) else new

    def _made(self, move: Move, candidate: Candidate | None) -> Iterator[Candidate]:
        """Yield the versions that a move makes, or makes reachable for the first time here."""
        if candidate is None or candidate.id is None:
            yield from [candidate] if candidate is not None else []
            return
        tips = history.tips(Model(self._repository, move.ref.model))
        for id_, _ in history.walk(self._repository.objects, [candidate.id], exclude=tips):
            yield candidate if id_ == candidate.id else candidates.stored(self._repository, id_)

    def _judge(self, found: Sequence[tuple[str, Breach]]) -> str:
        """Raise PolicyRefused for breaches of rules that are not passed; return the note on those that are."""
        why = self._repository.force_policy
        refused = [(what, breach) for what, breach in found if not refusal.is_passed(breach, why)]
        if refused:
            breaches = [breach for _, breach in refused]
            what = " and ".join(dict.fromkeys(what for what, _ in refused))
            error = errors.PolicyUndecided if all(breach.is_absent for breach in breaches) else errors.PolicyRefused
            raise error(what=what, findings=refusal.listed(breaches), fix=refusal.next_step(breaches, why))
        return override.note([breach for _, breach in found], why)


def check(repository: Repository, moves: Sequence[Move]) -> str:
    """Raise PolicyRefused unless all moves follow the rules; return as `Gate.check`."""
    return Gate(repository).check(moves)


def check_new(
    repository: Repository,
    planned: Callable[[], Candidate],
    branch: RefName,
    tags: Sequence[str] = (),
    aliases: Sequence[str] = (),
    *,
    is_tip: bool = True,
) -> None:
    """Raise PolicyRefused unless the version that `planned` returns may be made, and these refs may be at it; HookRefused.

    To be called before anything is stored. `is_tip` is False for a version that the branch gets below its new tip.
    """
    gate = Gate(repository)
    asked = gate.hooks("pre-commit", "pre-move")
    if not gate.rules() and asked is None:
        return
    candidate = planned()
    moves = _moves(repository, candidate, branch, tags, aliases) if is_tip else []
    if is_tip:
        gate.judge(moves)
    else:
        gate.made(branch.model, candidate)
    if asked is not None:
        asked.commit(branch.model, branch.name, candidate, tags, aliases)
    gate.ask_move(moves)


def _moves(
    repository: Repository, candidate: Candidate, branch: RefName, tags: Sequence[str], aliases: Sequence[str]
) -> list[Move]:
    refs = [RefName(branch.model, kind, name) for kind, each in ((TAGS, tags), (ALIASES, aliases)) for name in each]
    moves = [Move(ref, repository.refs.tip(ref), candidate, "") for ref in refs]
    return [Move(branch, repository.refs.tip(branch), candidate, NEW_VERSION), *moves]


def sent(repository: Repository, event: str, model: str, versions: Iterable[VersionId]) -> str:
    """Raise PolicyRefused unless versions may go to where the event says; return as `Gate.check`."""
    return Gate(repository).sent(event, model, versions)


def _with_note(entry: RefEntry, note: str) -> RefEntry:
    return replace(entry, move=replace(entry.move, reason=override.noted(entry.move.reason, note))) if note else entry


def _content(each: Rule, candidate: Candidate) -> Iterator[Breach]:
    yield from checks.content(each, candidate)
    yield from checks.readiness(each, candidate)


def _makes(move: Move) -> bool:
    """Return whether a move may make versions reachable here for the first time: also that of a tag or an alias to a stash."""
    return not move.remote and move.new is not None


def _creates(move: Move) -> bool:
    return move.new is not None and (move.tip is None or move.tip.new is None)


def _is_still(move: Move) -> bool:
    """Return whether a ref stays where it is."""
    return isinstance(move.new, str) and move.tip is not None and move.tip.new == move.new


def _moved(move: Move) -> MovedRef:
    """Return a move as hooks read it."""
    tip, new = move.tip, move.new if isinstance(move.new, str) else None
    seq, old = (tip.seq + 1, tip.new) if tip is not None else (1, None)
    return hooks.MovedRef(move.ref, seq, old, new, move.new is None, move.reason, move.remote or None)


def _named(move: Move) -> str:
    where = f" on {move.remote}" if move.remote else ""
    what = f"{move.event}{where} of {move.ref.model}"
    if move.new is None:
        return f"the deletion of {what}"
    return f"{what} at {move.new[:10] if isinstance(move.new, str) else move.new.called}"
