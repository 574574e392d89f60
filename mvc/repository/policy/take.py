"""The reader's gate: whether the rules on `take:…` of both policy.toml let this client take a name from another store.

    entry on the remote ─► rules on take:alias:prod ─► version signed · move signed · never back · files ─► it is taken
                                                                                     └► RefusedRef: the name stays

The writer's gate can be passed by another program. This one runs where the name is used: before a remote-tracking ref
moves, and again before a command uses the files of a name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from mvc import errors, lazy
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.repository import history, revisions
from mvc.repository.model import Model
from mvc.repository.policy import gate, override, refusal
from mvc.scan.policy.rule import TAKE
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS, RefName

if TYPE_CHECKING:
    from mvc.repository.policy import candidate as candidates
    from mvc.repository.policy import checks
    from mvc.repository.policy.candidate import Candidate
    from mvc.repository.policy.checks import Breach
    from mvc.repository.repository import Repository
    from mvc.repository.signatures import verify
    from mvc.scan.policy.rule import Rule
    from mvc.storage.records.annotations.signatures import SignedMove
else:
    candidates = lazy.Module("mvc.repository.policy.candidate")
    checks = lazy.Module("mvc.repository.policy.checks")
    verify = lazy.Module("mvc.repository.signatures.verify")

_NOTHING = "Nothing was changed."


class Offer(NamedTuple):
    """A name as another store has it: `new` is its version, None if it was deleted there.

    `moves` are the entries that moved it there, of which one has to be signed; `last` is where it was when it was taken
    last, and `earlier` returns what it was at before, oldest first. `store` is how messages call the other store, "" for
    the repository itself. `taken` is true if it was taken before, just as it is.
    """

    ref: RefName
    new: VersionId | None
    moves: tuple[SignedMove, ...] = ()
    last: VersionId | None = None
    earlier: Callable[[], Sequence[VersionId]] = tuple
    store: str = ""
    taken: bool = False

    @property
    def event(self) -> str:
        """The event that rules name it by, as `take:alias:prod`."""
        return f"{TAKE}:{gate.KINDS[self.ref.kind]}:{self.ref.name}"


@dataclass(frozen=True, slots=True)
class RefusedRef(Document):
    """A ref that was not taken: where it stays (`old`), where another store has it (`new`), the rules, and the repair.

    `what` describes it in messages; `lines` are the rules, each above its repair, and `step` follows them.
    """

    KEYS = keys("model=ref.model ref=ref.text old new rules fix")

    ref: RefName
    old: VersionId | None
    new: VersionId | None
    rules: tuple[str, ...]
    fix: str
    what: str
    store: str = ""
    lines: str = ""
    step: str = ""

    @property
    def outcome(self) -> str:
        """The sentence about where the name is now."""
        if not self.store:
            return _NOTHING
        name = f"The {gate.KINDS[self.ref.kind]} {self.store}/{self.ref.name}"
        return f"{name} stays at {self.old[:10]}." if self.old is not None else f"{name} was not taken."


class Judged(NamedTuple):
    """The refusal of an offer, None for none; `note` names the rules that were passed, "" for none."""

    refused: RefusedRef | None
    note: str


TAKEN = Judged(None, "")
"""The judgement of an offer that is taken."""


class Reader:
    """The gate of one repository, for names of other stores and for its own ones."""

    def __init__(self, repository: Repository, source: Repository | None = None) -> None:
        """Read the rules of `repository`; `source` has the versions and signatures, by default the same. Raises BadPolicy."""
        self._repository = repository
        self._source = source or repository
        self._known: dict[tuple[int, str, VersionId], list[Breach]] = {}
        """The breaches of versions by the number of a rule, the model and the version: many names may be at one version."""
        self._rules = [each for each in gate.Gate(repository).rules() if any(_is_take(on) for on in each.on)]

    @property
    def has_rules(self) -> bool:
        """True if there are rules on `take:`."""
        return bool(self._rules)

    def is_about(self, offer: Offer) -> bool:
        """Return whether a rule is about the name."""
        return any(each.is_on(offer.event) for each in self._rules) or bool(self._displaced(offer))

    def reads_log(self, offer: Offer) -> bool:
        """Return whether a rule asks for what the name was at earlier."""
        return any(each.is_on(offer.event) and not each.roll_back for each in self._rules)

    def breaches(self, offer: Offer) -> list[Breach]:
        """Return the breaches of an offer, also of rules that are passed.

        Raises Missing and Damaged for a version that cannot be read, and BadSetting, NoSignersFile, NoSshKeygen.
        """
        about = [each for each in self._rules if each.is_on(offer.event)]
        displaced = [self._stand_in(each, offer) for each in self._displaced(offer)]
        if not about:
            return displaced
        candidate = candidates.offered(self._source, offer.new) if offer.new is not None else None
        return [*displaced, *(breach for each in about for breach in self._about(each, offer, candidate))]

    def judge(self, offer: Offer) -> Judged:
        """Judge an offer. Raises as `breaches`."""
        found, why = self.breaches(offer), self._repository.force_policy
        refused = [each for each in found if not refusal.is_passed(each, why)]
        if not refused:
            return Judged(None, override.note(found, why))
        step = refusal.next_step(refused, why)
        fix = " ".join([*dict.fromkeys(each.fix for each in refused), *([step] if step != refusal.AGAIN else [])])
        rules = tuple(dict.fromkeys(each.line for each in refused))
        what, lines = self._named(offer), refusal.listed(refused)
        return Judged(RefusedRef(offer.ref, offer.last, offer.new, rules, fix, what, offer.store, lines, step), "")

    def refused(self, offers: Sequence[Offer]) -> list[RefusedRef]:
        """Return the offers that are refused. Raises as `breaches`."""
        return [judged.refused for offer in offers if (judged := self.judge(offer)).refused is not None]

    # --- inside

    def _displaced(self, offer: Offer) -> list[Rule]:
        """Return the rules on a ref of another kind with the name, which this one would take the place of: a branch `prod`."""
        if offer.new is None or any(offer.event in each.on for each in self._rules):
            return []
        others = {f"{TAKE}:{kind}:{offer.ref.name}" for kind in gate.KINDS.values()}
        return [each for each in self._rules if others & {*each.on} and not each.is_on(offer.event)]

    def _stand_in(self, rule: Rule, offer: Offer) -> Breach:
        kind = gate.KINDS[offer.ref.kind]
        reason = (
            f"the rule is for another kind of ref named {offer.ref.name}, which a {kind} of that name would replace"
        )
        fix = f"Rename the {kind}, or add {offer.event} to {rule.at('on')}."
        return checks.Breach(rule, "on", reason, fix)

    def _about(self, rule: Rule, offer: Offer, candidate: Candidate | None) -> Iterator[Breach]:
        yield from self._back(rule, offer)
        if candidate is None:
            return
        yield from self._of_version(rule, offer.ref.model, candidate)
        if offer.ref.kind in (TAGS, ALIASES):
            model = Model(self._source, offer.ref.model)
            yield from checks.move_signatures(rule, model, candidate, offer.ref.name, offer.moves)

    def _of_version(self, rule: Rule, model: str, candidate: Candidate) -> list[Breach]:
        """Return the breaches that follow from the version alone."""
        assert candidate.id is not None  # noqa: S101 - an offered version is stored
        key = (self._rules.index(rule), model, candidate.id)
        if key not in self._known:
            ask = f"Ask for a version that follows the rule, or change {rule.file}."
            content = [breach._replace(fix=ask) for breach in checks.content(rule, candidate)]
            self._known[key] = [*content, *checks.signatures(rule, Model(self._source, model), candidate)]
        return self._known[key]

    def _back(self, rule: Rule, offer: Offer) -> Iterator[Breach]:
        """Yield a breach for a name that goes back or was deleted, a tag that moves, a branch that is not fast-forwarded."""
        if rule.roll_back:
            return
        reason = "it was deleted"
        if offer.new is not None:
            try:
                reason = self._move_back(offer, offer.new)
            except (errors.Damaged, errors.Missing) as error:
                reason = f"what it was at before cannot be read: {error.message.rstrip('.')}"
        if reason:
            fix = f"Ask who moved it. If it may go back, change {rule.at('roll-back')}, for this time."
            yield checks.Breach(rule, "roll-back", reason, fix)

    def _move_back(self, offer: Offer, new: VersionId) -> str:
        """Return why a move is one back, "" for none. Raises Damaged, Missing."""
        objects, called = self._source.objects, history.label(self._source, new)
        if offer.ref.kind == HEADS:
            last = offer.last
            forward = last is None or history.is_ancestor(objects, last, new)
            return (
                ""
                if forward
                else f"{called} does not have {str(last)[:10]}, the version of {offer.ref.name}, as an ancestor"
            )
        former = [*offer.earlier(), *([offer.last] if offer.last is not None else [])]
        while former and former[-1] == new:
            former.pop()
        if offer.ref.kind == TAGS:
            return f"the tag was at {former[-1][:10]}, and a tag never moves" if former else ""
        return checks.left_behind(self._source, offer.ref.name, new, list(dict.fromkeys(former)))

    def _named(self, offer: Offer) -> str:
        where = f" on {offer.store}" if offer.store else ""
        what = f"{gate.KINDS[offer.ref.kind]}:{offer.ref.name} of {offer.ref.model}{where}"
        if offer.new is None:
            return f"the deletion of {what}"
        return f"{what} at {history.label(self._source, offer.new)}"


def error(refused: Sequence[RefusedRef], outcome: str | None = None) -> errors.TakeRefused:
    """Return the error for refused names; `outcome` is the sentence about where they are now."""
    return errors.TakeRefused(
        what=" and ".join(dict.fromkeys(each.what for each in refused)),
        findings="\n".join(dict.fromkeys(each.lines for each in refused)),
        outcome=outcome or " ".join(dict.fromkeys(each.outcome for each in refused)),
        fix=" ".join(dict.fromkeys(each.step for each in refused)),
    )


# --- names of the repository itself, just before their files are used


def resolve(model: Model, text: str) -> VersionId:
    """Return the version that a revision names, whose files are about to be used.

    Raises TakeRefused if a name in it may not be taken, and as `revisions.resolve` and `Reader.breaches`.
    """
    id_ = revisions.resolve(model, text)
    check(model, text)
    return id_


def check(model: Model, text: str) -> None:
    """Raise TakeRefused if a name in a revision may not be taken; numbers and ids are no names."""
    reader = Reader(model.repository)
    if reader.has_rules:
        _check(model, reader, revisions.named_refs(model, text))


def check_ref(model: Model, ref: RefName) -> None:
    """Raise TakeRefused if a ref of the repository, also a remote-tracking one, may not be taken."""
    reader = Reader(model.repository)
    if reader.has_rules:
        _check(model, reader, [ref])


def _check(model: Model, reader: Reader, refs: Sequence[RefName]) -> None:
    refused = reader.refused([offer for ref in refs for offer in _own(model.repository, ref)])
    if refused:
        raise error(refused)


def _own(repository: Repository, ref: RefName) -> Iterator[Offer]:
    """Yield a ref of the repository as offers: a branch as the remote-tracking ones that are at its version.

    Where there are none, its last versions were made here.
    """
    target = repository.refs.target(ref)
    if target is None:
        return
    if ref.kind == HEADS:
        for kind in repository.refs.kinds(ref.model):
            if kind.startswith("remotes/") and kind.endswith(f"/{HEADS}"):
                found = repository.refs.targets(ref.model, kind)
                yield from (
                    Offer(replace(seen, kind=HEADS), target, (), target) for seen in found if found[seen] == target
                )
        return
    plain = replace(ref, kind=ref.kind.rpartition("/")[2])
    places = verify.places(Model(repository, ref.model), plain, target) if plain.kind in (TAGS, ALIASES) else ()
    yield Offer(plain, target, tuple(each.move for each in places), target)


def _is_take(pattern: str) -> bool:
    return pattern.startswith(f"{TAKE}:")
