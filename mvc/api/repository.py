"""A repository as an object: models, remotes, settings, and the verbs of the whole repository."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from mvc import errors
from mvc.api.config import Config
from mvc.api.imports import Imports
from mvc.api.model import Model
from mvc.api.remote import Remote, Remotes, Span, seconds
from mvc.api.session import PathLike, Revision, Session, Who, person
from mvc.environment import Environment
from mvc.model import remote_kinds
from mvc.model.ids import VersionId
from mvc.porcelain import clone as clones
from mvc.porcelain import clone_registry, models, policy
from mvc.porcelain import init as inits
from mvc.porcelain.fsck import Report, fsck
from mvc.porcelain.fsck_repair import Repaired, repair
from mvc.porcelain.gc import GRACE, Collected, gc
from mvc.porcelain.import_ import Imported, import_model
from mvc.porcelain.open import open_repository
from mvc.porcelain.policy import PolicyRule
from mvc.registry import connection as registries
from mvc.remotes.backends import address, options, registry_address
from mvc.remotes.remote import JOBS
from mvc.repository import discovery
from mvc.repository import repository as core
from mvc.repository.repository import Actor
from mvc.site import export as pages
from mvc.site.contents import Contents
from mvc.site.documents.options import Options
from mvc.site.export import ExportedPage
from mvc.storage.progress import Progress
from mvc.storage.records import config as records
from mvc.transport import connection, fast_forward


class Repository:
    """An open repository."""

    def __init__(self, session: Session) -> None:
        """Hold the repository of `session`."""
        self._session = session

    @property
    def root(self) -> Path:
        """The folder that contains `.mvc`."""
        return self._session.repository.root

    @property
    def core(self) -> core.Repository:
        """The internal parts of the repository, for uses beyond the methods."""
        return self._session.repository

    # --- models

    def model(self, name: str | None = None) -> Model:
        """Return the model `name`, else MVC_MODEL, else the one of the opened folder, or the only one.

        Raises NoModel, WhichModel.
        """
        return Model(self._session, self._session.model(name))

    def models(self) -> list[models.ListedModel]:
        """Return the folder, branch and version of each model, by name."""
        return models.models(self._session.repository)

    def __getitem__(self, name: str) -> Model:
        return Model(self._session, name)

    def __iter__(self) -> Iterator[Model]:
        return (Model(self._session, name) for name in self._session.repository.heads.models())

    def import_model(
        self,
        url: str,
        *,
        model: str | None = None,
        tags: bool = False,
        import_additions: bool = False,
        allow_unsafe: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
        **settings: str,
    ) -> Imported:
        """Import versions from `picsellia://ORGANIZATION/MODEL[@VERSION]`; a new model gets the name `model`.

        With `tags`, a tag that one version has there becomes an alias. With `import_additions`, files that were added to a
        published version are imported as a child of it. `allow_unsafe` stores files whatever a loader would run.

        Raises BadRegistryUrl, NoToken, NotOnRegistry, ImportUnsafe, and errors of the registry.
        """
        where, repository = _model_address(url), self._session.repository
        self._session.require_network(where.text)
        options.check(remote_kinds.PICSELLIA, settings)
        who, variables = self._session.actor(actor), self._session.variables
        with registries.of_organization(repository, where.organization, settings, variables) as there:
            return import_model(
                repository,
                there,
                where.model or "",
                who,
                version=where.version,
                model=model,
                tags=tags,
                import_additions=import_additions,
                allow_unsafe=allow_unsafe,
                progress=progress,
            )

    @property
    def imports(self) -> Imports:
        """The imports of histories outside mvc, such as folders of runs."""
        return Imports(self._session)

    # --- remotes and settings

    @property
    def remotes(self) -> Remotes:
        """The remotes by name."""
        return Remotes(self._session)

    def remote(self, name: str | None = None) -> Remote:
        """Return the remote `name`, else MVC_REMOTE, origin, or the only one. Raises NoSuchRemote."""
        return Remote(self._session, self._session.remote(name))

    @property
    def config(self) -> Config:
        """The settings in effect."""
        session = self._session
        return Config(lambda: session.repository.config, lambda: session.repository)

    def policy(self) -> tuple[PolicyRule, ...]:
        """Return the rules of the policy in effect, those of the repository first. Raises BadPolicy."""
        repository = self._session.repository
        return policy.show(repository.root, repository.user_config)

    # --- care

    def fsck(self, *, read_data: bool = False, progress: Progress | None = None) -> Report:
        """Check every record, and that every version is complete; with `read_data`, rebuild every file."""
        return fsck(self._session.repository, read_data=read_data, progress=progress)

    def repair(self, remote: str, *, progress: Progress | None = None) -> Repaired:
        """Download damaged or missing data from `remote`. Raises connection errors."""
        repository = self._session.repository
        with connection.open_remote(repository, remote) as there:
            return repair(repository, there, progress)

    def export_page(
        self,
        target: PathLike,
        *,
        single: bool = False,
        force: bool = False,
        models: Iterable[str] = (),
        base_url: str | None = None,
        redact_emails: bool = False,
        deep: bool = False,
        compare: Iterable[tuple[Revision, Revision]] = (),
    ) -> ExportedPage:
        """Write the page of the repository to a folder: a new one, or an earlier export, to which only new files are added.

        With `single`, to one HTML file; with `force`, in place of the page of another repository. `models` are by default all; `base_url` is the address where it will be, and
        `compare` pairs of versions whose tensors are compared besides each with its parent, with `deep` also by how far they
        moved. Raises NotAnExport,
        OtherExport, NotWritable, Damaged.
        """
        session, keys = self._session, list(models)
        pairs = [self._pair(old, new) for old, new in compare]
        found = [session.of(key) for key in keys or session.repository.heads.models()]
        contents = Contents(session.repository, found, Options(redact_emails, base_url, deep), pairs)
        path = session.absolute(target)
        return pages.single(contents, path) if single else pages.folder(contents, path, force=force)

    def _pair(self, old: Revision, new: Revision) -> tuple[str, tuple[VersionId, VersionId]]:
        session = self._session
        key = session.model_of(session.model(None), old)
        return key, (session.resolve(key, old), session.resolve(key, new))

    def gc(
        self,
        *,
        grace: Span = GRACE,
        dry_run: bool = False,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> Collected:
        """Remove unreachable versions and files that are older than `grace` (seconds, or a timedelta)."""
        who = self._session.actor(actor)
        return gc(self._session.repository, who, grace=seconds(grace), dry_run=dry_run, progress=progress)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the path only: another process opens the repository again."""
        return open, (self._session.path,)

    def __repr__(self) -> str:
        names = ", ".join(self._session.repository.heads.models()) or "no model yet"
        return f"<Repository {self._session.path}: {names}>"

    def _ipython_key_completions_(self) -> list[str]:
        return self._session.repository.heads.models()


def open(  # noqa: A001 - mvc.open, as io.open and gzip.open
    path: PathLike = ".",
    *,
    environ: Mapping[str, str] | None = None,
    offline: bool | None = None,
    force_policy: str | None = None,
    hooks: bool = True,
) -> Repository:
    """Open the repository at or above a folder, or the remote at a URL without a clone.

    A URL has a scheme, such as `s3://bucket/models`, or `file:///srv/models` for a remote in a folder. Of `URL#MODEL`, only
    that model is read.

    The author, the settings file and tokens are read from the environment at each call, or from `environ`. `offline` is as
    MVC_OFFLINE. `force_policy` is the reason for which rules of a policy with `force = true` are passed; the log of each ref
    that is moved keeps it. Without `hooks`, the user's hooks are not run. Raises BadMessage for an empty reason,
    NoRepository, IncompleteInit, NewerFormat, BadConfig; of a remote as `clone`.
    """
    if force_policy is not None and not force_policy.strip():
        raise errors.BadMessage(reason="the reason for passing a policy is empty")
    environment = Environment.current(environ)
    text = os.fspath(path)
    where = text if "://" in text else os.path.abspath(environment.cwd / text)
    without_network = environment.offline if offline is None else offline
    if without_network and "://" in where:
        place = address.parse(address.with_model(where, environment.cwd)[0], environment.cwd)
        if not place.is_local:
            raise errors.Offline(what=where)
    opened = open_repository(
        where,
        environ=environment.variables,
        offline=without_network,
        lock_timeout=environment.lock_timeout,
        force_policy=force_policy or "",
    )
    opened.no_verify = not hooks or environment.in_hook
    return Repository(Session(opened, where, environ))


def init(
    directory: PathLike = ".",
    *,
    model: str | None = None,
    type: str | None = None,  # noqa: A002 - the key of model.toml
    framework: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Repository:
    """Create a repository in `directory`, unless one exists at or above it, and the model `model` in that folder.

    A second call changes nothing. Raises BadModelKey, TwoFolders, OtherModelHere, UnsafePath.
    """
    environment = Environment.current(environ)
    folder = Path(os.path.abspath(environment.cwd / directory))
    try:
        root = discovery.find_root(folder)
    except (errors.NoRepository, errors.IncompleteInit):
        root = None
    inits.init(
        folder,
        root=root,
        model=model,
        model_type=type,
        framework=framework,
        user_config=environment.user_config,
    )
    return open(folder, environ=environ)


def clone(
    url: str,
    directory: PathLike | None = None,
    *,
    model: str | None = None,
    meta: bool = False,
    only: tuple[str, ...] = (),
    branch: str | None = None,
    jobs: int = JOBS,
    limit: float | None = None,
    actor: Who | None = None,
    environ: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    **settings: str,
) -> Repository:
    """Clone a remote, or import a model of a registry, into a new repository; resume an interrupted clone.

    `URL#MODEL` names a model as `model` does. `meta` fetches no files, `only` those with these roles. `branch` is checked out instead of main; it may also be a tag,
    an alias or a version, at which HEAD is detached. `settings` are the remote's. Raises NotEmpty, BadRemoteUrl,
    NoRemoteYet, NoRemoteFolder, IsRepository, NotARemote, Offline, and connection errors; TakeRefused if your own policy
    refuses `branch`, or once the clone is complete, another name.
    """
    environment = Environment.current(environ)
    given = {key.replace("_", "-"): value for key, value in settings.items()}
    if registry_address.is_registry(url):
        return _clone_registry(url, directory, given, model, actor, environment, progress)
    url, named = address.with_model(url, environment.cwd)
    if named is not None and model not in (None, named):
        raise ValueError(f"the URL names the model {named}, and model= {model}")
    where = address.parse(url, environment.cwd)
    if environment.offline and not where.is_local:
        raise errors.Offline(what=where.text)
    folder = Path(os.path.abspath(environment.cwd / (directory or clones.folder_of(url))))
    done = clones.clone(
        url,
        folder,
        base=environment.cwd,
        settings=given,
        actor=_actor(actor, environment),
        user_config=environment.user_config,
        trusted_hosts=environment.trusted_hosts,
        model=model or named,
        revision=branch,
        select=fast_forward.select(only, meta=meta),
        jobs=jobs,
        limit=limit,
        progress=progress,
    )
    done.check()
    return open(folder, environ=environ)


def user_config(*, environ: Mapping[str, str] | None = None) -> Config:
    """Return the user's settings, also outside of a repository."""
    settings = records.Config(None, Environment.current(environ).user_config)
    return Config(lambda: settings)


def _clone_registry(
    url: str,
    directory: PathLike | None,
    settings: Mapping[str, str],
    key: str | None,
    actor: Who | None,
    environment: Environment,
    progress: Progress | None,
) -> Repository:
    where = _model_address(url)
    if environment.offline:
        raise errors.Offline(what=where.text)
    approvals = records.Config(None, environment.user_config).approvals(environment.trusted_hosts)
    model = where.model or ""
    folder = Path(os.path.abspath(environment.cwd / (directory or clones.folder_of(model))))
    with registries.typed_registry(where.organization, settings, environment.variables, approvals) as registry:
        clone_registry.clone_registry(
            registry,
            model,
            folder,
            actor=_actor(actor, environment),
            url=registry_address.RegistryAddress(where.organization).text,
            settings=settings,
            version=where.version,
            key=key,
            user_config=environment.user_config,
            trusted_hosts=environment.trusted_hosts,
            progress=progress,
        )
    return open(folder, environ=environment.variables)


def _model_address(url: str) -> registry_address.RegistryAddress:
    where = registry_address.parse(url)
    if where.model is None:
        raise errors.BadRegistryUrl(url=url, reason="the URL names no model")
    return where


def _actor(given: Who | None, environment: Environment) -> Actor:
    if isinstance(given, Actor):
        return given
    if given is None:
        return environment.actor(records.Config(None, environment.user_config))
    return Actor(person(given), environment.date())
