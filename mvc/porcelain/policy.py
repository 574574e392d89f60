"""`mvc policy`: the rules of policy.toml in effect, and what they say about a version."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import VersionId
from mvc.repository import history
from mvc.repository.model import Model
from mvc.repository.policy import candidate as candidates
from mvc.repository.policy import files
from mvc.repository.policy.candidate import Candidate
from mvc.repository.policy.checks import Breach
from mvc.repository.policy.gate import KINDS, Gate, Move
from mvc.repository.policy.take import Offer, Reader
from mvc.repository.signatures import verify
from mvc.repository.worktree import snapshot
from mvc.scan.policy import parse
from mvc.scan.policy.parse import EVENTS, described, is_event
from mvc.scan.policy.rule import COMMIT, TAKE, Rule
from mvc.scan.verdict import Verdict
from mvc.storage.records.reflog import HEADS, RefName

_KIND_OF = {word: kind for kind, word in KINDS.items()}


@dataclass(frozen=True, slots=True)
class PolicyRule(Document):
    """A rule in effect: its file and line, the events it is on, and what it requires, by its keys."""

    KEYS = keys("file line on requires force")

    file: str
    line: int
    on: tuple[str, ...]
    requires: dict[str, Any]
    force: bool


@dataclass(frozen=True, slots=True)
class PolicyScan(Document):
    """The table `[scan]` of one file: the least verdict that a commit refuses (None if unset), and the classes it allows."""

    KEYS = keys("file line level=word allow")

    file: str
    line: int
    level: Verdict | None
    allow: tuple[str, ...]

    @property
    def word(self) -> str | None:
        """The level in one word."""
        return None if self.level is None else self.level.word


@dataclass(frozen=True, slots=True)
class OwnPolicy(Document):
    """The policy.toml of the user: its path, None without a file of settings to be beside; and whether it exists."""

    KEYS = keys("path exists")

    path: str | None
    exists: bool


@dataclass(frozen=True, slots=True)
class PolicyBreach(Document):
    """A key of a rule that a version, or a move to it, does not follow: where the key is, why, and what repairs that."""

    KEYS = keys("event key file line reason fix force")

    event: str
    key: str
    file: str
    line: int
    reason: str
    fix: str
    force: bool


@dataclass(frozen=True, slots=True)
class PolicyChecked(Document):
    """The breaches of a version, or of the working tree (`id` None), for each of the `events`; `rules` counts those on them."""

    KEYS = keys("model id number events ok rules breaches")

    model: str
    id: VersionId | None
    number: int | None
    events: tuple[str, ...]
    rules: int
    breaches: tuple[PolicyBreach, ...]

    @property
    def ok(self) -> bool:
        """True if nothing is refused."""
        return not self.breaches


def show(root: Path | None, user_config: Path | None) -> tuple[PolicyRule, ...]:
    """Return the rules in effect for the repository at `root`, first its own; None for none, as for a clone. Raises BadPolicy."""
    rules = [rule for shown, data in files.read(root, user_config) for rule in parse.parse(data, shown)]
    return tuple(PolicyRule(each.file, each.line, each.on, described(each), each.force) for each in rules)


def own_file(user_config: Path | None) -> OwnPolicy:
    """Return where the user's own policy.toml is looked for."""
    path = files.of_user(user_config)
    return OwnPolicy(str(path), exists=path.exists()) if path is not None else OwnPolicy(None, exists=False)


def scan_tables(root: Path | None, user_config: Path | None) -> tuple[PolicyScan, ...]:
    """Return the tables `[scan]` in effect that set something, that of the repository first. Raises BadPolicy."""
    tables = [parse.settings(data, shown) for shown, data in files.read(root, user_config)]
    found = [table for table in tables if table.allow or table.level is not None]
    return tuple(PolicyScan(table.file, table.line, table.level, table.allow) for table in found)


def check(model: Model, id_: VersionId | None, events: Sequence[str], *, reason: str | None = None) -> PolicyChecked:
    """Check a version, or the working tree as `mvc commit` would record it, for `events` such as `alias:prod`.

    Without events, for the current branch. A move is taken to have the `reason`, None for any. Nothing is moved or stored.
    Raises BadEvent, BadPolicy, and the errors of reading the version or model.toml.
    """
    repository = model.repository
    gate, rules = Gate(repository), Gate(repository).rules()
    asked = tuple(dict.fromkeys(events)) or _default(model)
    candidate = candidates.stored(repository, id_) if id_ is not None else _working(model)
    found = [(event, each) for event in asked for each in _breaches(gate, model, event, candidate, reason)]
    number = repository.objects.version(id_).number if id_ is not None else None
    rows = tuple(_row(event, breach) for event, breach in dict.fromkeys(found))
    about = sum(any(each.is_on(event) for event in asked) for each in rules)
    return PolicyChecked(model.key, id_, number, asked, about, rows)


def _default(model: Model) -> tuple[str, ...]:
    branch = model.head.branch
    return (COMMIT, f"branch:{branch}") if branch is not None else (COMMIT,)


def _breaches(gate: Gate, model: Model, event: str, candidate: Candidate, reason: str | None) -> list[Breach]:
    kind, _, name = event.partition(":")
    if kind in _KIND_OF and name:
        ref = RefName(model.key, _KIND_OF[kind], name)
        new = candidate.id if candidate.id is not None else candidate
        return gate.breaches(Move(ref, model.repository.refs.tip(ref), new, "any" if reason is None else reason))
    if not is_event(event):
        raise errors.BadEvent(event=event, known=", ".join(EVENTS))
    if kind == TAKE and candidate.id is not None:
        word, _, own = name.partition(":")
        ref = RefName(model.key, _KIND_OF[word], own)
        moves = [each.move for each in verify.places(model, ref, candidate.id)] if ref.kind != HEADS else []
        return Reader(model.repository).breaches(Offer(ref, candidate.id, tuple(moves)))
    return gate.content(event, model.key, candidate)


def _working(model: Model) -> Candidate:
    """Return the working tree as a version. Raises the errors of reading model.toml, and of tracked files."""
    repository, folder = model.repository, model.folder
    base = history.snapshot(repository, model.current, model.key)
    found = snapshot.take(
        repository, model.key, folder, base.tree if base else None, identify=lambda _: snapshot.UNREAD
    )
    parents = (model.current,) if model.current is not None else ()
    tree = snapshot.unread(found.files, found.elsewhere)
    return candidates.working(repository, folder, found.snapshot.manifest, tree, parents)


def _row(event: str, breach: Breach) -> PolicyBreach:
    rule: Rule = breach.rule
    line = (rule.lines or {}).get(breach.key, rule.line)
    return PolicyBreach(event, breach.key, rule.file, line, breach.reason, breach.fix, rule.force)
