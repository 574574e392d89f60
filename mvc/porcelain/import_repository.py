"""`mvc import` of a model of another mvc repository: its versions with their ids, its refs, notes and evaluations.

PATH of a repository   its store is read
URL or folder          a temporary clone without files beside this repository's store; files are fetched when they are read
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.ids import FileId, VersionId
from mvc.model.tree import TreeEntry
from mvc.model.version import Person, Version
from mvc.porcelain import clone
from mvc.remotes.backends import address
from mvc.remotes.remote import Remote
from mvc.repository import history
from mvc.repository.imports.request import Request
from mvc.repository.imports.source import AliasMove, Sink, SourceFile, SourceHistory, Step, VersionObjects
from mvc.repository.model import Model
from mvc.repository.parts import DIRECTORY, LOCK_TIMEOUT, MAIN
from mvc.repository.policy import take
from mvc.repository.policy.take import Offer, Reader
from mvc.repository.repository import Repository
from mvc.repository.signatures import verify
from mvc.repository.upstream import ORIGIN
from mvc.repository.worktree import model_file
from mvc.storage.disk import outside
from mvc.storage.records import promised
from mvc.storage.records.annotations.signatures import SignedMove
from mvc.storage.records.config import TRUSTED_HOSTS, user_file
from mvc.storage.records.promised import State
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS, RefEntry, RefName
from mvc.transport import connection, fast_forward, promisor, trust

STATE = ".import.mvc-tmp"
"""The folder of a temporary clone, in the repository's root; its suffix keeps it from being tracked."""


@contextlib.contextmanager
def opened(request: Request) -> Iterator[SourceHistory]:
    """Yield the history of `PLACE#MODEL`, by default of the only model. Raises NotThere, SeveralModels, TakeRefused, and as `clone`."""
    place, model = address.with_model(request.places[0], request.repository.root)
    if "://" not in place and (Path(place) / DIRECTORY).is_dir():
        source = _Source(_local(request, Path(place)), place)
        yield _checked(request, source, model or "")
        return
    with _cloned(request, place, model) as repository, connection.open_remote(repository, ORIGIN) as remote:
        yield _checked(request, _Source(repository, place, remote), model or "")


def _checked(request: Request, source: _Source, model: str) -> SourceHistory:
    """Return the history of a model. Raises TakeRefused if rules of the importing repository refuse one of its names."""
    history = source.history(model, request.branch)
    refused = Reader(request.repository, source.repository).refused(source.offers(history))
    if refused:
        raise take.error(refused, "Nothing was imported.")
    return history


def _local(request: Request, root: Path) -> Repository:
    return Repository(root, user_config=user_file(request.environ), offline=True)


@contextlib.contextmanager
def _cloned(request: Request, url: str, model: str | None) -> Iterator[Repository]:
    """Yield a clone of a remote without files, which is removed at the end."""
    where = address.parse(url, request.repository.root)
    if request.repository.offline and not where.is_local:
        raise errors.Offline(what=where.text)
    own, trusted = user_file(request.environ), request.environ.get(TRUSTED_HOSTS, "")
    with outside.held_folder(request.repository.root / STATE, LOCK_TIMEOUT) as state:
        folder = state / "clone"
        outside.discard_folder(folder)  # of an import that was killed
        try:
            done = clone.clone(
                where.text,
                folder,
                base=request.repository.root,
                actor=request.actor,
                settings=request.settings,
                user_config=own,
                trusted_hosts=trusted,
                remember=False,
                model=model,
                select=fast_forward.nothing,
                unborn=True,
                force_policy=request.repository.force_policy,
            )
            done.check()
            repository = Repository(folder, user_config=own, trusted_hosts=trusted)
            trust.approve_typed(repository, where, request.settings, keep=False)
            yield repository
        finally:
            outside.remove_folder(state)


@dataclass(frozen=True, slots=True)
class _Source:
    """The repository of a source, at `place`; that of a remote is a clone, with an open connection."""

    repository: Repository
    place: str
    remote: Remote | None = None

    def history(self, key: str, branch: str | None) -> SourceHistory:
        """Return the history of a model, or only of one `branch`. Raises NotThere, SeveralModels."""
        model = Model(self.repository, key or self._only())
        branches = self._targets(model, HEADS)
        if branch is not None:
            branches = {name: target for name, target in branches.items() if name == branch}
        if not branches:
            models = self._models()
            is_known = branch is not None or model.key in models  # one whose branches were all deleted has tags at most
            known = ", ".join(self._targets(model, HEADS) if is_known else models) or "none"
            what = f"branch {branch}" if branch else f"branch of {model.key}" if is_known else f"model {model.key}"
            raise errors.NotThere(remote=self.place, what=what, known=known)
        logs = {} if branch is not None else self._alias_logs(model)
        tags = {} if branch is not None else self._targets(model, TAGS)
        moved = [entry.new for entries in logs.values() for entry in entries if entry.new is not None]
        objects = self.repository.objects
        tips = [*branches.values(), *tags.values(), *(id_ for id_ in moved if objects.has(id_))]
        versions = list(history.walk(objects, tips))[::-1]
        return SourceHistory(
            f"{self.place if '://' in self.place else os.path.basename(self.place)}#{model.key}",
            model.key,
            [self._step(id_, version) for id_, version in versions],
            dict(sorted(branches.items(), key=lambda item: item[0] != self._first(model))),
            tags,
            list(_moves(logs)),
            expired=promised.expiries(self.repository.door),
            annotations={
                kind: {id_: logs.entries(model.key, id_) for id_ in model.annotated(kind)}
                for kind, logs in self.repository.annotations.items()
            },
        )

    # --- refs

    def offers(self, history: SourceHistory) -> list[Offer]:
        """Return the names of a history as offers to the reader's gate: an alias, as its last move left it."""
        model = Model(self.repository, history.model)
        moved: dict[str, list[VersionId]] = {}
        targets: dict[str, VersionId | None] = {}
        for move in history.aliases:
            targets[move.alias] = VersionId(move.key) if move.key is not None else None
            moved.setdefault(move.alias, []).extend([VersionId(move.key)] if move.key is not None else [])
        named = [(HEADS, name, VersionId(key)) for name, key in history.branches.items()]
        named += [(TAGS, name, VersionId(key)) for name, key in history.tags.items()]
        named += [(ALIASES, name, id_) for name, id_ in targets.items() if id_ is not None]
        return [
            Offer(ref, id_, self._signed_moves(ref, id_), None, partial(list, moved.get(name, ())), self.place)
            for kind, name, id_ in named
            for ref in [model.ref(kind, name)]
        ]

    def _signed_moves(self, ref: RefName, id_: VersionId) -> tuple[SignedMove, ...]:
        model = Model(self.repository, ref.model)
        return tuple(each.move for each in verify.places(model, ref, id_)) if ref.kind != HEADS else ()

    def _models(self) -> list[str]:
        return self.repository.heads.models()

    def _only(self) -> str:
        models = self._models()
        if len(models) != 1:
            example = f"{self.place}#{models[0] if models else 'MODEL'}"
            raise errors.SeveralModels(remote=self.place, known=", ".join(models) or "none", source=example)
        return models[0]

    def _first(self, model: Model) -> str:
        """Return the branch that comes first: the one that is checked out there."""
        head = self.repository.heads.get(model.key)
        return (head.branch if head is not None else None) or MAIN

    def _targets(self, model: Model, kind: str) -> dict[str, VersionId]:
        """Return the refs of a kind with their versions; of a remote, by the remote-tracking refs."""
        refs = self.repository.refs
        found = {}
        for name in {ref.name for ref in refs.all(model.key, self._kind(kind))}:
            target = refs.target(RefName(model.key, self._kind(kind), name))
            if target is not None:
                found[name] = target
        return dict(sorted(found.items()))

    def _kind(self, kind: str) -> str:
        return kind if self.remote is None else RefName("x", kind, "x").tracking_ref(ORIGIN).kind

    def _alias_logs(self, model: Model) -> Mapping[str, list[RefEntry]]:
        """Return the entries of each alias, deleted ones included."""
        refs = self.repository.refs
        if self.remote is None:
            return {ref.name: refs.entries(ref) for ref in refs.all(model.key, ALIASES)}
        numbers = {ref: last for ref, last in self.remote.refs.numbers(model.key).items() if ref.kind == ALIASES}
        read = self.remote.refs.at
        return {ref.name: [read(ref, seq) for seq in range(1, last + 1)] for ref, last in numbers.items()}

    # --- versions

    def _step(self, id_: VersionId, version: Version) -> Step:
        objects = self.repository.objects
        tree = objects.tree(version.tree)
        toml = TreeEntry(model_file.NAME, model_file.NAME, 0, version.model_toml)
        states = {entry.path: self.repository.promised.state(entry.file) for entry in (toml, *tree.entries)}
        absent = (State.MISSING,) if self.remote is not None else (State.MISSING, State.PROMISED)
        there = [entry for entry in tree.entries if states[entry.path] is not State.EXPIRED]
        missing = tuple(path for path, state in states.items() if state in absent)
        return Step(
            id_,
            version.parents,
            tuple(self._file(entry) for entry in there),
            version.message,
            version.author,
            version.time,
            missing=missing,
            objects=None
            if missing
            else VersionObjects(version, objects.manifest(version.manifest), tree, self._small(toml)),
        )

    def _small(self, toml: TreeEntry) -> bytes:
        self._fetch(toml)
        return self.repository.extract.small(toml.file)

    def _file(self, entry: TreeEntry) -> SourceFile:
        return SourceFile(
            entry.path,
            entry.role,
            self._content(entry),
            entry.size,
            executable=entry.exec,
            remote=self.remote is not None,
        )

    def _content(self, entry: TreeEntry) -> Callable[[Sink], object]:
        def write(sink: Sink) -> None:
            self._fetch(entry)
            for block in self.repository.extract.stream(entry.file):
                sink(bytes(block))

        return write

    def _fetch(self, entry: TreeEntry) -> None:
        """Fetch a file of a remote."""
        if self.remote is not None:
            promisor.fetch_files(self.repository, {FileId(entry.file): entry.path}, connected=self.remote)


def _moves(logs: Mapping[str, list[RefEntry]]) -> Iterator[AliasMove]:
    for name, entries in sorted(logs.items()):
        for entry in entries:
            yield AliasMove(name, entry.new, _person(entry.move.by), entry.move.at, entry.move.reason)


def _person(text: str) -> Person:
    try:
        return Person.parse(text)
    except errors.BadAuthor:
        return Person(text, "")
