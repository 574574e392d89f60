"""The branches, tags and aliases of a model, each kind as a mapping from names to versions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from mvc import errors
from mvc.api.session import Revision, Session, Who
from mvc.api.version import Version
from mvc.model.ids import VersionId
from mvc.porcelain import alias, branch, tag
from mvc.porcelain.alias import Alias
from mvc.porcelain.branch import Branch
from mvc.porcelain.reflog import Reflog
from mvc.porcelain.tag import Tag
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS, RefName


class Refs(Mapping[str, Version]):
    """Names of one kind; a name that is not there raises NoSuchName."""

    kind: str
    called: str

    def __init__(self, session: Session, model: str) -> None:
        """Hold the names of `model`."""
        self._session = session
        self._model = model

    @abstractmethod
    def all(self) -> Any:
        """Return all of them, each with what is known of it."""

    def __getitem__(self, name: str) -> Version:
        id_ = self._target(name)
        if id_ is None:
            raise errors.NoSuchName(kind=self.called, name=name, model=self._model)
        return Version(self._session, self._model, id_)

    def __iter__(self) -> Iterator[str]:
        return iter(self._session.repository.refs.names(self._model, self.kind))

    def __len__(self) -> int:
        return len(self._session.repository.refs.names(self._model, self.kind))

    def __contains__(self, name: object) -> bool:
        return name in self._session.repository.refs.names(self._model, self.kind)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the version that `name` stands for, else `default`."""
        return self[name] if name in self else default  # noqa: SIM401 - this is `get`

    def _target(self, name: str) -> VersionId | None:
        return self._session.repository.refs.target(RefName(self._model, self.kind, name)) if name in self else None

    def _resolve(self, revision: Revision) -> VersionId:
        return self._session.resolve(self._model, revision)

    def _ipython_key_completions_(self) -> list[str]:
        return [*self]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._model}: {', '.join(self) or 'none'}>"


class Branches(Refs):
    """Names that move with commits."""

    kind, called = HEADS, "branch"

    def all(self) -> branch.Branches:
        """Return all of them, and which one is current."""
        return branch.branches(self._session.of(self._model))

    def create(self, name: str, revision: Revision = "HEAD", *, actor: Who | None = None) -> Branch:
        """Create the branch `name` at `revision`. Raises BranchExists, BadRefName, NameTaken, CaseTwin."""
        target = self._resolve(revision)
        return branch.create(self._session.of(self._model), name, target, self._session.actor(actor))

    def rename(self, old: str, new: str, *, actor: Who | None = None) -> Branch:
        """Rename a branch. Raises NoSuchName, BranchExists, BadRefName, NameTaken, CaseTwin."""
        return branch.rename(self._session.of(self._model), old, new, self._session.actor(actor))

    def delete(self, name: str, *, force: bool = False, actor: Who | None = None) -> Branch:
        """Delete a branch, with `force` also an unmerged one. Raises NoSuchName, CurrentBranch, UnmergedBranch."""
        who = self._session.actor(actor)
        return branch.delete(self._session.of(self._model), name, who, force=force)


class Tags(Refs):
    """Names that never move."""

    kind, called = TAGS, "tag"

    def all(self) -> list[Tag]:
        """Return all of them, with who set each, when and why."""
        return tag.tags(self._session.of(self._model))

    def create(
        self, name: str, revision: Revision = "HEAD", *, message: str | None = None, actor: Who | None = None
    ) -> Tag:
        """Create the tag `name` at `revision`. Raises TagExists, BadRefName, NameTaken, CaseTwin."""
        target, who = self._resolve(revision), self._session.actor(actor)
        return tag.create(self._session.of(self._model), name, target, who, message=message)

    def delete(self, name: str, *, actor: Who | None = None) -> Version:
        """Delete a tag, and return the version that it stood for. Raises NoSuchName."""
        id_ = tag.delete(self._session.of(self._model), name, self._session.actor(actor))
        return Version(self._session, self._model, id_)


class Aliases(Refs):
    """Names that are moved on purpose, and remember every move."""

    kind, called = ALIASES, "alias"

    def all(self) -> list[Alias]:
        """Return all of them, with who moved each, when and why."""
        return alias.aliases(self._session.of(self._model))

    def set(
        self,
        name: str,
        revision: Revision = "HEAD",
        *,
        message: str | None = None,
        force: bool = False,
        actor: Who | None = None,
    ) -> Alias:
        """Move the alias `name` to `revision`; `force` accepts a version that is not ready. Raises NotReady, RefMoved."""
        target, who = self._resolve(revision), self._session.actor(actor)
        return alias.assign(self._session.of(self._model), name, target, who, reason=message, force=force)

    def log(self, name: str) -> Reflog:
        """Return every move of an alias, the newest first, also of one that was removed. Raises NoSuchName."""
        return alias.log(self._session.of(self._model), name)

    def rollback(self, name: str, *, message: str | None = None, actor: Who | None = None) -> Alias:
        """Move an alias back to where it stood before its last move. Raises NoSuchName, NothingBefore, RefMoved."""
        who = self._session.actor(actor)
        return alias.rollback(self._session.of(self._model), name, who, reason=message)

    def delete(self, name: str, *, actor: Who | None = None) -> Version:
        """Remove an alias, its log kept, and return the version that it stood for. Raises NoSuchName."""
        id_ = alias.remove(self._session.of(self._model), name, self._session.actor(actor))
        return Version(self._session, self._model, id_)
