"""A model as an object, whose methods are the verbs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Unpack

from mvc.api.experiments import Experiments
from mvc.api.history import History
from mvc.api.moves import Moves
from mvc.api.refs import Aliases, Branches, Tags
from mvc.api.remote import FetchOptions, PullOptions, PushOptions, Remote
from mvc.api.search.bisect import Bisects
from mvc.api.search.semver import SemanticVersions
from mvc.api.session import Revision, Who, texts
from mvc.api.version import Version
from mvc.api.worktree import WorkingTree
from mvc.porcelain import drift, models, notes, publish, publish_hub
from mvc.porcelain import eval as evaluations
from mvc.porcelain.drift import RegistryDrift
from mvc.porcelain.eval import ListedEvaluation
from mvc.porcelain.fetch import Fetched
from mvc.porcelain.notes import ListedNote
from mvc.porcelain.publish import Published
from mvc.porcelain.publish_hub import HubPublished
from mvc.porcelain.publish_tags import publish_tags
from mvc.porcelain.pull import Pulled
from mvc.porcelain.push import Pushed
from mvc.registry.hubs import hub as hubs
from mvc.storage.progress import Progress


class Model(WorkingTree, History, Bisects, SemanticVersions, Moves):
    """One model of a repository. `model["v7"]` is a version; an unknown revision raises UnknownRevision."""

    # --- where it is

    @property
    def folder(self) -> Path:
        """The folder of the model's model.toml."""
        return self._session.repository.root / self._session.repository.head(self.name).folder

    @property
    def branch(self) -> str | None:
        """The current branch; None when HEAD is detached."""
        return self._session.repository.head(self.name).branch

    @property
    def head(self) -> Version | None:
        """The version that the working tree is based on; None before the first commit."""
        id_ = self._session.repository.current(self.name)
        return None if id_ is None else Version(self._session, self.name, id_)

    @property
    def branches(self) -> Branches:
        """The model's branches by name."""
        return Branches(self._session, self.name)

    @property
    def tags(self) -> Tags:
        """The model's tags by name."""
        return Tags(self._session, self.name)

    @property
    def aliases(self) -> Aliases:
        """The model's aliases by name."""
        return Aliases(self._session, self.name)

    @property
    def notes(self) -> list[ListedNote]:
        """The notes on all versions of the model, the newest first."""
        return notes.log(self._session.of(self.name))

    @property
    def evaluations(self) -> list[ListedEvaluation]:
        """The evaluations of all versions of the model, the newest first."""
        return evaluations.listed(self._session.of(self.name))

    def __getitem__(self, revision: Revision) -> Version:
        """Return the version that `revision` names. Raises UnknownRevision, AmbiguousRevision, NoVersionYet and the like."""
        of = self._session.model_of(self.name, revision)
        named = revision if isinstance(revision, str) else None
        return Version(self._session, of, self._session.resolve(self.name, revision), named=named)

    def rename(self, new: str, *, actor: Who | None = None) -> Model:
        """Rename the model. Raises BadModelKey, ModelExists."""
        models.rename(self._session.repository, self.name, new, self._session.actor(actor))
        return Model(self._session, new)

    # --- remotes and registries

    def push(self, *refs: str, remote: str | None = None, **options: Unpack[PushOptions]) -> Pushed:
        """Push to `remote`, else to the upstream remote; options as for `Remote.push`."""
        return self._remote(remote).push(*refs, model=self.name, **options)

    def pull(self, branch: str | None = None, *, remote: str | None = None, **options: Unpack[PullOptions]) -> Pulled:
        """Pull from `remote`, else from the upstream remote; options as for `Remote.pull`."""
        return self._remote(remote).pull(branch, model=self.name, **options)

    def fetch(self, *, remote: str | None = None, **options: Unpack[FetchOptions]) -> Fetched:
        """Fetch from `remote`, else from the upstream remote; options as for `Remote.fetch`."""
        return self._remote(remote).fetch(**options)

    def publish(
        self,
        *revisions: Revision,
        registry: str | None = None,
        name: str | None = None,
        every: bool = False,
        dry_run: bool = False,
        allow_memory: bool = False,
        require_context: bool = False,
        tags: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> Published:
        """Publish versions (default: HEAD; `every`: all reachable ones) to a registry, where the model is called `name`.

        With `every`, versions that are refused are left out: `is_whole` is False then. With `tags`, their tags and aliases
        become tags there.

        The token is read from the environment. Raises NoRegistry, NoToken, and errors of the registry.
        """
        repository, who = self._session.repository, self._session.actor(actor)
        repository.roll_forward()
        ids = (
            publish.everything(self._session.of(self.name))
            if every
            else [self._session.resolve(self.name, revision) for revision in revisions or ("HEAD",)]
        )
        with self._session.registry(registry) as there:
            done = publish.publish(
                self._session.of(self.name),
                there,
                ids,
                who,
                registry_model=name,
                dry_run=dry_run,
                allow_memory=allow_memory,
                require_context=require_context,
                keep_going=every,
                progress=progress,
            )
            return publish_tags(self._session.of(self.name), there, done) if tags else done

    def publish_to(
        self,
        url: str,
        *revisions: Revision,
        names: Iterable[str] = (),
        tags: bool = False,
        every: bool = False,
        force: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> HubPublished:
        """Publish versions (default: HEAD; `every`: all reachable ones) to a hub: `hf://`, `oci://` or `mlflow://`.

        `names` are set to the last one as tags or aliases there; with `tags`, each gets its tags and aliases. `force` moves
        what is elsewhere. Raises BadHubUrl, MissingHubExtra, HubNameTaken, HubAhead, HubChanged, HubDenied, NotForHub.
        """
        of, session = self._session.of(self.name), self._session
        ids = publish.everything(of) if every else [session.resolve(self.name, text) for text in revisions or ("HEAD",)]
        session.require_network(url)
        access = hubs.Access(session.variables, session.repository.approvals, progress)
        with hubs.connected(url, access) as hub:
            return publish_hub.publish_to_hub(
                of, hub, ids, names=texts(names), with_refs=tags, force=force, dry_run=dry_run, progress=progress
            )

    @property
    def experiments(self) -> Experiments:
        """The model's experiments on a registry."""
        return Experiments(self._session, self.name)

    def drift(
        self, registry: str | None = None, *, read_data: bool = False, progress: Progress | None = None
    ) -> RegistryDrift:
        """Compare the recorded published versions with the registry. Raises NoRegistry, NoToken."""
        with self._session.registry(registry) as there:
            return drift.drift(self._session.repository, there, self.name, read_data=read_data, progress=progress)

    # --- inside

    def _remote(self, name: str | None) -> Remote:
        return Remote(self._session, self._session.remote(name, self.name))

    def _ipython_key_completions_(self) -> list[str]:
        return ["HEAD", *self.branches, *self.tags, *self.aliases]

    def __repr__(self) -> str:
        head = self.head
        at = "no version yet" if head is None else f"v{head.number} {head.short}"
        return f"<Model {self.name} on {self.branch or 'a detached HEAD'}: {at}>"
