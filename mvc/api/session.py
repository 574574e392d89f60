"""An open repository and the environment of its calls: turns names, texts and defaults into what the verbs take."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from mvc import errors
from mvc.environment import Environment
from mvc.images.registries import Registries
from mvc.model.ids import FileId, VersionId
from mvc.model.version import Code, Person, Timestamp
from mvc.porcelain import cat
from mvc.repository import discovery, revisions
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.disk.outside import discard_folder
from mvc.storage.disk.primitives import STORE
from mvc.transport import connection


class Identified(Protocol):
    """A version of some repository."""

    @property
    def id(self) -> VersionId:
        """Its id."""


Who = Actor | Person | str
"""Who acts: with a time, or as a person or `Name <e-mail>`, now."""
When = Timestamp | datetime | str
"""A moment: RFC 3339 as text, or a `datetime`."""
Revision = str | Identified
"""What names a version: a text such as `v7`, `prod`, `HEAD~1`, or a version."""
PathLike = str | os.PathLike[str]
_Stamp = tuple[int, int, int]
_WATCHED = ("config.toml", "meta", "packs", "promised", "absent", "expired")
"""What an open repository holds in memory, by its place in the store."""
CodeOf = Callable[[Sequence[str]], Code | None]


class Session:
    """One open repository. The environment is asked at each call, unless `variables` were given for all of them."""

    def __init__(self, repository: Repository, path: str, variables: Mapping[str, str] | None = None) -> None:
        """Hold the `repository` that `path`, a folder or a URL, opened."""
        self._variables = variables
        self._repository = repository
        self._read = self._stamps()
        self.path = path
        self._copies: dict[FileId, Path] = {}

    @property
    def environment(self) -> Environment:
        """Folder and variables of this process, now."""
        return Environment.current(self._variables)

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variables, now."""
        return self.environment.variables

    @property
    def repository(self) -> Repository:
        """The parts of the repository, read again when it was changed since the last call: a session may last for days."""
        stamps = self._stamps()
        if stamps != self._read:
            self._repository.read_again()
            self._read = stamps
        return self._repository

    def of(self, name: str) -> Model:
        """Return the model `name`, as the verbs take it."""
        return Model(self.repository, name)

    def _stamps(self) -> list[_Stamp | None]:
        """What shows that the store, its settings or the person's own were written."""
        own, store = self.environment.user_config, self._repository.root / STORE
        return [_stamp(own) if own is not None else None, *(_stamp(store / name) for name in _WATCHED)]

    # --- who, when, from which code

    def actor(self, given: Who | None) -> Actor:
        """Return who acts, and when; found as the command line finds it unless given. Raises BadAuthor, BadDate."""
        if isinstance(given, Actor):
            return given
        if given is None:
            return self.environment.actor(self.repository.config)
        return Actor(person(given), self.environment.date())

    def moment(self, given: When | None) -> Timestamp | None:
        """Return a moment; one without a time zone is on the local clock. Raises BadDate."""
        if given is None or isinstance(given, Timestamp):
            return given
        if isinstance(given, datetime):
            return Timestamp.of(given if given.tzinfo else given.astimezone())
        return Timestamp.parse(given, offset=self.environment.now().offset)

    def code(self, given: Code | bool) -> CodeOf:  # noqa: FBT001 - True asks Git, as `code=True` reads
        """Return how the training code's commit is found: `given`, by Git in the current folder (True), or not at all."""
        if isinstance(given, Code):
            return lambda _: given
        if not given:
            return lambda _: None
        return lambda own: self.environment.code(self.repository.root, own)

    def registries(self) -> Registries | None:
        """Return the registries of images, with docker's own logins; None offline."""
        return None if self.repository.offline else Registries(self.variables)

    # --- which version, model, remote

    def model(self, name: str | None) -> str:
        """Return the model `name`, else MVC_MODEL, else the one of the folder that was opened, or the only one."""
        path = self.repository.root if "://" in self.path else Path(self.path)
        return discovery.find_model(self.repository, path, name or self.variables.get("MVC_MODEL"))

    def resolve(self, model: str, revision: Revision) -> VersionId:
        """Return the version that `revision` names, seen from `model`. Raises UnknownRevision and the like."""
        text = revision if isinstance(revision, str) else revision.id
        return revisions.resolve(Model(self.repository, model), text)

    def model_of(self, model: str, revision: Revision) -> str:
        """Return the model of which `revision` speaks: that of `MODEL@REV`, else `model`."""
        return revisions.model_of(Model(self.repository, model), revision) if isinstance(revision, str) else model

    def remote(self, name: str | None, model: str | None = None) -> str:
        """Return the remote `name`, else MVC_REMOTE, the one that the branch follows, origin, or the only one."""
        return name or self.variables.get("MVC_REMOTE") or connection.default_remote(self.repository, model)

    def require_network(self, what: str) -> None:
        """Raise Offline when remotes and registries are not to be asked."""
        if self.repository.offline:
            raise errors.Offline(what=what)

    # --- files

    def absolute(self, path: PathLike) -> Path:
        """Return `path`, seen from the current folder of the process."""
        return Path(os.path.abspath(self.environment.cwd / path))

    def below(self, model: str) -> str:
        """Return the current folder as seen from that of `model`; "" when it is that, or is outside."""
        top = os.path.realpath(self.repository.root / self.repository.head(model).folder)
        here = os.path.realpath(self.environment.cwd)
        return here[len(top) :].strip("/") if here.startswith(top.rstrip("/") + "/") else ""

    def copy(self, content: cat.Content) -> Path:
        """Return a file with that content, which lasts as long as the repository is open."""
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
    """Return a person; a text is `Name <e-mail>`. Raises BadAuthor."""
    return Person.parse(given) if isinstance(given, str) else given
