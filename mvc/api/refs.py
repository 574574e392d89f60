"""The branches, tags and aliases of a model, each kind as a mapping from names to versions."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mvc import errors
from mvc.api.session import Identified, PathLike, Revision, Session, When, Who, texts
from mvc.api.version import Version
from mvc.model.ids import VersionId
from mvc.porcelain import alias, alias_publish, branch, sign, tag, verify
from mvc.porcelain.alias import Alias
from mvc.porcelain.alias_publish import PublishedAlias, RemovedAlias
from mvc.porcelain.branch import Branch
from mvc.porcelain.reflog import Reflog
from mvc.porcelain.sign import Signed
from mvc.porcelain.tag import Tag
from mvc.porcelain.verify import Verified
from mvc.storage.progress import Progress
from mvc.storage.records.reflog import ALIASES, HEADS, TAGS, RefName


class Refs(Mapping[str, Version]):
    """The refs of one kind by name; an unknown name raises NoSuchName."""

    kind: str
    called: str

    def __init__(self, session: Session, model: str) -> None:
        """Hold the refs of `model`."""
        self._session = session
        self._model = model

    @abstractmethod
    def all(self) -> Any:
        """Return all refs with their details."""

    def __getitem__(self, name: str) -> Version:
        id_ = self._target(name)
        if id_ is None:
            repository = self._session.repository
            if (refused := repository.refused.get(RefName(self._model, self.kind, name))) is not None:
                raise refused
            raise errors.NoSuchName(kind=self.called, name=name, model=self._model)
        return Version(self._session, self._model, id_, named=f"{self.kind}/{name}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._session.repository.refs.names(self._model, self.kind))

    def __len__(self) -> int:
        return len(self._session.repository.refs.names(self._model, self.kind))

    def __contains__(self, name: object) -> bool:
        return name in self._session.repository.refs.names(self._model, self.kind)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the version that `name` points to, else `default`."""
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
    """The branches of a model, which move with commits."""

    kind, called = HEADS, "branch"

    def all(
        self,
        *,
        remotes: bool = False,
        patterns: Sequence[str] = (),
        merged: Revision | None = None,
        contains: Revision | None = None,
    ) -> branch.Branches:
        """Return all branches, and the current one; with `remotes`, also those of remotes.

        `merged` selects branches that this version reaches, `contains` those that reach it.
        """
        merged_id, contains_id = (None if one is None else self._resolve(one) for one in (merged, contains))
        chosen = branch.Selection(True, remotes, tuple(patterns), merged_id, contains=contains_id)
        return branch.branches(self._session.of(self._model), chosen)

    def set_upstream(self, name: str, upstream: str) -> Branch:
        """Set the upstream of the branch `name` to `upstream`, as `origin/main`. Raises NoSuchName."""
        return branch.set_upstream(self._session.of(self._model), name, upstream)

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


class SignedRefs(Refs):
    """Refs whose moves can be signed: tags and aliases."""

    def sign(self, name: str, *, key: PathLike | None = None, renew: bool = False, actor: Who | None = None) -> Signed:
        """Sign the newest move of the ref `name`, here and on remotes, and its version.

        `key` is the file of an SSH key, by default that of the setting sign.key. Raises NoSuchName, NoSigningKey,
        NotSshKey, SigningFailed, NoSshKeygen.
        """
        model, id_, who = self._session.of(self._model), self[name].id, self._session.actor(actor)
        path = self._session.keys.key(None if key is None else os.fspath(key))
        return sign.sign(model, id_, path, who, refs=[model.ref(self.kind, name)], renew=renew)

    def verify(
        self,
        name: str,
        *,
        signers: PathLike | None = None,
        newer_than: When | Identified | None = None,
        attested: Iterable[str] = (),
    ) -> Verified:
        """Verify the signatures of the newest move of the ref `name` and of its version, as `Version.verify`."""
        model, id_ = self._session.of(self._model), self[name].id
        trusted = self._session.keys.signers(None if signers is None else os.fspath(signers))
        bound = self._session.bound(model, newer_than)
        ref = model.ref(self.kind, name)
        return verify.verify(model, id_, trusted, ref=ref, newer_than=bound, attested=texts(attested))


class Tags(SignedRefs):
    """The tags of a model, which never move."""

    kind, called = TAGS, "tag"

    def all(self) -> list[Tag]:
        """Return all tags, each with its author, time and message."""
        return tag.tags(self._session.of(self._model))

    def create(
        self, name: str, revision: Revision = "HEAD", *, message: str | None = None, actor: Who | None = None
    ) -> Tag:
        """Create the tag `name` at `revision`. Raises TagExists, BadRefName, NameTaken, CaseTwin."""
        target, who = self._resolve(revision), self._session.actor(actor)
        return tag.create(self._session.of(self._model), name, target, who, message=message)

    def create_next(
        self, revision: Revision = "HEAD", *, message: str | None = None, actor: Who | None = None
    ) -> tag.Tag:
        """Create the tag of the semantic version that follows the newest one among the ancestors of `revision`.

        Raises NoSemverTag, NothingSince, TagExists.
        """
        target, who = self._resolve(revision), self._session.actor(actor)
        return tag.create_next(self._session.of(self._model), target, who, message=message)[0]

    def delete(self, name: str, *, actor: Who | None = None) -> Version:
        """Delete a tag, and return the version that it pointed to. Raises NoSuchName."""
        id_ = tag.delete(self._session.of(self._model), name, self._session.actor(actor))
        return Version(self._session, self._model, id_)


class Aliases(SignedRefs):
    """The aliases of a model, which are moved explicitly and log every move."""

    kind, called = ALIASES, "alias"

    def all(self) -> list[Alias]:
        """Return all aliases, each with the author, time and message of its last move."""
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

    def publish(
        self,
        name: str,
        revision: Revision | None = None,
        *,
        registry: str | None = None,
        rename: bool = False,
        message: str | None = None,
        force: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> PublishedAlias:
        """Move the alias `name` to `revision`, or leave it where it is, and set it as a tag on the registry.

        The version is published if necessary, and the one that had the tag loses it. With `rename`, the version there also
        gets the name of the alias, and the previous one its own name back. Raises NotReady unless `force`, CannotRename,
        and as `Model.publish`.
        """
        session, who = self._session, self._session.actor(actor)
        target = self._resolve(name if revision is None else revision)
        with session.registry(registry) as connected:
            return alias_publish.assign(
                session.of(self._model),
                name,
                target,
                connected,
                who,
                reason=message,
                force=force,
                rename=rename,
                progress=progress,
            )

    def unpublish(self, name: str, *, registry: str | None = None, actor: Who | None = None) -> RemovedAlias:
        """Delete an alias, its tag on the registry, and the name of the version there if it has its name."""
        who = self._session.actor(actor)
        with self._session.registry(registry) as connected:
            return alias_publish.remove(self._session.of(self._model), name, connected, who)

    def log(self, name: str) -> Reflog:
        """Return every move of an alias, newest first, also of a deleted one. Raises NoSuchName."""
        return alias.log(self._session.of(self._model), name)

    def rollback(self, name: str, *, message: str | None = None, actor: Who | None = None) -> Alias:
        """Move an alias back to its position before the last move. Raises NoSuchName, NothingBefore, RefMoved."""
        who = self._session.actor(actor)
        return alias.rollback(self._session.of(self._model), name, who, reason=message)

    def delete(self, name: str, *, actor: Who | None = None) -> Version:
        """Delete an alias but not its log; return the version that it pointed to. Raises NoSuchName."""
        id_ = alias.remove(self._session.of(self._model), name, self._session.actor(actor))
        return Version(self._session, self._model, id_)
