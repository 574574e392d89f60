"""A session: an open repository and its environment, which resolve names, texts and defaults for the verbs."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

from mvc import errors
from mvc.environment import Environment
from mvc.images.registries import Registries
from mvc.model.ids import FileId, VersionId
from mvc.model.manifest import Manifest
from mvc.model.version import Code, Person, Timestamp
from mvc.porcelain import cat, check_online, verify
from mvc.registry import connection as registry_connection
from mvc.registry.protocol import Registry
from mvc.repository import discovery, revisions
from mvc.repository.model import Model
from mvc.repository.policy import take
from mvc.repository.repository import Actor, Repository
from mvc.repository.signatures.trust import Keys
from mvc.storage.disk.outside import discard_folder
from mvc.storage.disk.primitives import STORE
from mvc.transport import connection


@runtime_checkable
class Identified(Protocol):
    """A version of some repository."""

    @property
    def id(self) -> VersionId:
        """The version's id."""


Who = Actor | Person | str
"""An author with a time, or a person or `Name <e-mail>`, who acts now."""
When = Timestamp | datetime | str
"""A moment: RFC 3339 as text, or a `datetime`."""
Revision = str | Identified
"""A revision: a text such as `v7`, `prod`, `HEAD~1`, or a version."""
PathLike = str | os.PathLike[str]
_Stamp = tuple[int, int, int]
_WATCHED = ("config.toml", "meta", "packs", "promised", "absent", "expired")
"""Paths in the store that an open repository caches."""
CodeOf = Callable[[Sequence[str]], Code | None]


class Session:
    """One open repository. The environment is read at each call, unless `variables` were given."""

    def __init__(self, repository: Repository, path: str, variables: Mapping[str, str] | None = None) -> None:
        """Hold the `repository` that was opened by `path`, a folder or a URL."""
        self._variables = variables
        self._repository = repository
        repository.operator = lambda: self.environment.operator(repository.config)
        repository.user_cache = self.environment.user_cache
        self._read = self._stamps()
        self.path = path
        self._copies: dict[FileId, Path] = {}

    @property
    def environment(self) -> Environment:
        """The current folder and variables of this process."""
        return Environment.current(self._variables)

    @property
    def variables(self) -> Mapping[str, str]:
        """The current environment variables."""
        return self.environment.variables

    @property
    def repository(self) -> Repository:
        """The parts of the repository, read again if it changed since the last call: a session may last for days."""
        stamps = self._stamps()
        if stamps != self._read:
            self._repository.read_again()
            self._read = stamps
        return self._repository

    def of(self, name: str) -> Model:
        """Return the model `name` as a parameter of the verbs."""
        return Model(self.repository, name)

    def _stamps(self) -> list[_Stamp | None]:
        """Return timestamps by which changes of the store and the settings are detected."""
        own, store = self.environment.user_config, self._repository.root / STORE
        return [_stamp(own) if own is not None else None, *(_stamp(store / name) for name in _WATCHED)]

    # --- author, time, code

    def actor(self, given: Who | None) -> Actor:
        """Return the author and time of an action, by default as on the command line. Raises BadAuthor, BadDate."""
        if isinstance(given, Actor):
            return given
        if given is None:
            return self.environment.actor(self.repository.config)
        return Actor(person(given), self.environment.date())

    def bound(self, of: Model, given: When | Identified | None) -> Timestamp | VersionId | None:
        """Return a time or a version, of a text the date that it is, else the version. Raises UnknownRevision and the like."""
        if isinstance(given, str):
            return verify.bound(of, given, self.environment.now())
        return given.id if isinstance(given, Identified) else self.moment(given)

    def moment(self, given: When | None) -> Timestamp | None:
        """Return a time; without a time zone, it is local. Raises BadDate."""
        if given is None or isinstance(given, Timestamp):
            return given
        if isinstance(given, datetime):
            return Timestamp.of(given if given.tzinfo else given.astimezone())
        return Timestamp.parse(given, offset=self.environment.now().offset)

    @property
    def keys(self) -> Keys:
        """The settings of keys."""
        return self.environment.keys(self.repository.config, self.repository.root)

    def code(self, given: Code | bool) -> CodeOf:  # noqa: FBT001 - True asks Git, as `code=True` reads
        """Return the source of the training code's commit: `given`, Git in the current folder (True), or none."""
        if isinstance(given, Code):
            return lambda _: given
        if not given:
            return lambda _: None
        return lambda own: self.environment.code(self.repository.root, own)

    def registries(self) -> Registries | None:
        """Return the registries of images, with docker's own logins; None offline."""
        return None if self.repository.offline else Registries(self.variables)

    # --- version, model, remote

    def model(self, name: str | None) -> str:
        """Return the model `name`, else MVC_MODEL, else the one of the folder that was opened, or the only one."""
        path = self.repository.root if "://" in self.path else Path(self.path)
        return discovery.find_model(self.repository, path, name or self.variables.get("MVC_MODEL"))

    def resolve(self, model: str, revision: Revision) -> VersionId:
        """Resolve `revision` for `model`. Raises UnknownRevision and the like."""
        text = revision if isinstance(revision, str) else revision.id
        return revisions.resolve(Model(self.repository, model), text)

    def take(self, model: str, revision: Revision) -> VersionId:
        """Resolve a `revision` whose files are about to be used. Raises TakeRefused, UnknownRevision and the like."""
        return take.resolve(Model(self.repository, model), revision if isinstance(revision, str) else revision.id)

    def model_of(self, model: str, revision: Revision) -> str:
        """Return the model in `revision` (`MODEL@REV`), else `model`."""
        return revisions.model_of(Model(self.repository, model), revision) if isinstance(revision, str) else model

    def remote(self, name: str | None, model: str | None = None) -> str:
        """Return the remote `name`, else MVC_REMOTE, the upstream remote, origin, or the only one."""
        return name or self.variables.get("MVC_REMOTE") or connection.default_remote(self.repository, model)

    def require_network(self, what: str) -> None:
        """Raise Offline if remotes and registries must not be contacted."""
        if self.repository.offline:
            raise errors.Offline(what=what)

    def registry(self, name: str | None) -> AbstractContextManager[Registry]:
        """Connect to the registry `name`, else to the default one. Raises NoRegistry, NoToken, Offline and the like."""
        repository, variables = self.repository, self.variables
        chosen = name or registry_connection.default_registry(repository, variables)
        self.require_network(chosen)
        return registry_connection.registry(repository, chosen, variables)

    def online(self, datasets: Sequence[str], registry: str | None) -> Callable[[Manifest], check_online.Asked]:
        """Return what asks registries for the readiness of a manifest. Raises Offline."""
        self.require_network(registry or "The registry")
        return partial(check_online.Asked, lambda: self.registry(registry), Registries(self.variables), datasets)

    # --- files

    def absolute(self, path: PathLike) -> Path:
        """Return `path` as an absolute path."""
        return Path(os.path.abspath(self.environment.cwd / path))

    def below(self, model: str) -> str:
        """Return the current folder relative to that of `model`; "" if it is the same, or outside."""
        top = os.path.realpath(self.repository.root / self.repository.head(model).folder)
        here = os.path.realpath(self.environment.cwd)
        return here[len(top) :].strip("/") if here.startswith(top.rstrip("/") + "/") else ""

    def copy(self, content: cat.Content) -> Path:
        """Return the path of a temporary file with that content, which is deleted with the repository object."""
        id_ = content.file
        assert id_ is not None  # noqa: S101 - a file of a tree has one
        known = self._copies.get(id_)
        if known is None or not known.is_file():
            folder = Path(tempfile.mkdtemp(prefix="mvc-"))
            weakref.finalize(self, discard_folder, folder)
            known = folder / Path(content.path).name
            cat.save(content, known)
            self._copies[id_] = known
        return known


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def person(given: Person | str) -> Person:
    """Return a person; parse a text as `Name <e-mail>`. Raises BadAuthor."""
    return Person.parse(given) if isinstance(given, str) else given


def texts(given: Iterable[str]) -> tuple[str, ...]:
    """Return a list of names; a single text is one name."""
    return (given,) if isinstance(given, str) else tuple(given)
