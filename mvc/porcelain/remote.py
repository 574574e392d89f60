"""`mvc remote`: the configured remotes and their remote-tracking refs."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mvc import errors
from mvc.deferred import dataclass
from mvc.model.document import Document, keys
from mvc.model.ids import FileId, VersionId
from mvc.model.version import Timestamp
from mvc.registry import connection as registry_connection
from mvc.remotes import remote as remote_format
from mvc.remotes.backends import address, probe, registry_address
from mvc.remotes.backends import options as options_of_kind
from mvc.remotes.backends.address import Address
from mvc.remotes.backends.probe import Verdict
from mvc.repository import history, refnames
from mvc.repository.repository import Actor, Repository, writes
from mvc.storage.records.promised import PROMISED, State
from mvc.storage.records.reflog import RefName
from mvc.transport import connection, presence, trust
from mvc.transport.trust import Standing


@dataclass(frozen=True, slots=True)
class RemoteSettings(Document):
    """A remote by name: its URL, its kind (file, s3, gs, az, sftp, picsellia), and other settings.

    `standing` is the host that receives its credentials, and its approval; None if the settings are invalid.
    """

    KEYS = keys("name url kind options trust=standing")
    OPTIONAL = ("trust",)

    name: str
    url: str
    kind: str
    options: Mapping[str, str]
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class RegistryState(Document):
    """A registry that accepted the token: its organization, URL and number of visible models."""

    organization: str
    host: str
    models: int


@dataclass(frozen=True, slots=True)
class SeenRef(Document):
    """A remote-tracking ref: the version, and when it was recorded."""

    KEYS = keys("model=ref.model ref=ref.text id=version time=at")

    ref: RefName
    version: VersionId
    at: Timestamp


@dataclass(frozen=True, slots=True)
class Upgraded(Document):
    """A remote with the features that its readers must support, and those of them that are `new`."""

    KEYS = keys("name features new")

    name: str
    features: tuple[str, ...]
    new: tuple[str, ...]


_OLDER = (
    "it supports only the encodings of an older mvc, so a push encodes newer ones again; "
    "once everybody has this mvc, run `mvc remote upgrade {name}`"
)


def remotes(repository: Repository) -> list[RemoteSettings]:
    """Return all remotes by name; raise BadConfig, BadRemoteUrl."""
    return [remote(repository, name) for name in sorted(repository.config.remotes())]


def remote(repository: Repository, name: str) -> RemoteSettings:
    """Return one remote; raise NoSuchRemote, BadRemoteUrl."""
    where, options = _settings(repository, name)
    standing = None
    with contextlib.suppress(errors.BadSetting):
        standing = trust.standing(repository, name, where, options)
    return RemoteSettings(name, where.text, where.scheme, options, standing)


def _settings(repository: Repository, name: str) -> tuple[Address, dict[str, str]]:
    """Return the URL and other settings of a remote; raise NoSuchRemote, BadRemoteUrl."""
    options = dict(connection.settings_of(repository, name))
    return address.parse(options.pop("url"), repository.root), options


@writes
def add(
    repository: Repository, name: str, url: str, *, base: Path, options: Mapping[str, str] | None = None
) -> RemoteSettings:
    """Add a remote and approve its host; a relative `url` is resolved against `base`.

    Raises RemoteExists, RemoteHidesRef, BadRefName, BadRemoteUrl, BadSetting.
    """
    refnames.check_remote(repository, name)
    if name in repository.config.remotes():
        raise errors.RemoteExists(name=name)
    where = address.parse(url, base)
    options_of_kind.check(where.kind, options or {})
    trust.approve_typed(repository, where, options or {})
    with repository.locked():
        repository.config.set_remote(name, {"url": where.text, **(options or {})})
    return remote(repository, name)


@writes
def set_url(
    repository: Repository, name: str, url: str, *, base: Path, options: Mapping[str, str] | None = None
) -> RemoteSettings:
    """Change the URL of a remote and the settings in `options`, and approve the host they name.

    Settings that are not given are not approved. Raises NoSuchRemote, BadRemoteUrl, BadSetting.
    """
    known = connection.settings_of(repository, name)
    where = address.parse(url, base)
    options_of_kind.check(where.kind, options or {})
    trust.approve_typed(repository, where, options or {})
    with repository.locked():
        repository.config.set_remote(name, {**known, **(options or {}), "url": where.text})
    return remote(repository, name)


def approve(repository: Repository, name: str, *, insecure: bool = False) -> RemoteSettings:
    """Approve the host that receives a remote's credentials, and the settings that select them.

    `insecure` allows plain http. Raises NoSuchRemote, BadRemoteUrl, BadSetting.
    """
    where, options = _settings(repository, name)
    options_of_kind.check(where.kind, options)
    trust.approve(repository, where, options, insecure=insecure)
    return remote(repository, name)


def withdraw(repository: Repository, name: str) -> RemoteSettings:
    """Withdraw the approval of the host that receives a remote's credentials, for this kind of remotes.

    Raises NoSuchRemote, BadRemoteUrl, BadSetting.
    """
    where, options = _settings(repository, name)
    trust.withdraw(repository, where, options)
    return remote(repository, name)


@writes
def remove(repository: Repository, name: str, actor: Actor, *, force: bool = False) -> RemoteSettings:
    """Remove a remote and its remote-tracking refs, but not their logs; raise NoSuchRemote.

    Raises StillPromised if it holds the only copy of files that versions need, unless `force`.
    """
    gone = remote(repository, name)
    promised = [] if force else _only_there(repository, name)
    if promised:
        raise errors.StillPromised(name=name, count=len(promised))
    with repository.locked():
        _forget(repository, name, actor)
        repository.config.set_remote(name, None)
    presence.forget(repository, gone.url)
    return gone


@writes
def rename(repository: Repository, old: str, new: str, actor: Actor) -> RemoteSettings:
    """Rename a remote and its remote-tracking refs; raise NoSuchRemote, RemoteExists, RemoteHidesRef, BadRefName."""
    refnames.check_remote(repository, new)
    settings = connection.settings_of(repository, old)
    if new in repository.config.remotes():
        raise errors.RemoteExists(name=new)
    with repository.locked():
        for ref in _own(repository, old):
            tip = repository.refs.tip(ref)
            if tip is not None and tip.seen is not None:
                target = RefName(ref.model, ref.kind.rpartition("/")[2], ref.name).tracking_ref(new)
                repository.refs.append(
                    target, repository.refs.tip(target), tip.new, actor.move(f"remote: was {old}"), tip.seen
                )
        repository.config.rename_remote(old, new, settings)
        files = [file for file in repository.promised.all_promised() if old in repository.promised.promisors(file)]
        if files:
            repository.promised.add(PROMISED, files, reason=new, by=str(actor.person), at=actor.at)
        _forget(repository, old, actor)
    return remote(repository, new)


def _only_there(repository: Repository, name: str) -> list[FileId]:
    """Return the files that local versions need, that are not here, and that no other remote promised."""
    promised, others = repository.promised, repository.config.remotes().keys() - {name}
    if name not in {each for file in promised.all_promised() for each in promised.promisors(file)}:
        return []
    return [
        file
        for file in _needed(repository, name)
        if promised.state(file) is State.PROMISED
        and name in promised.promisors(file)
        and others.isdisjoint(promised.promisors(file))
    ]


def _needed(repository: Repository, without: str) -> dict[FileId, None]:
    """Return the files of all versions reachable without the refs of one remote."""
    refs, objects = repository.refs, repository.objects
    tips = [repository.current(model) for model in repository.heads.models()]
    tips += [
        refs.target(ref)
        for model in refs.models()
        for kind in refs.kinds(model)
        if not kind.startswith(f"remotes/{without}/")
        for ref in refs.all(model, kind)
    ]
    versions = history.walk(objects, [tip for tip in tips if tip is not None])
    return {
        file: None
        for _, version in versions
        for file in (version.model_toml, *(entry.file for entry in objects.tree(version.tree).entries))
    }


def _forget(repository: Repository, name: str, actor: Actor) -> None:
    """Delete the remote-tracking refs of a remote, but not their logs. Requires the lock."""
    for ref in _own(repository, name):
        tip = repository.refs.tip(ref)
        if tip is not None and (tip.new is not None or tip.seen is not None):
            repository.refs.append(ref, tip, None, actor.move("remote: removed"))


def seen_refs(repository: Repository, name: str) -> list[SeenRef]:
    """Return the remote-tracking refs of a remote."""
    found = []
    for own in _own(repository, name):
        tip = repository.refs.tip(own)
        if tip is not None and tip.new is not None:
            ref = RefName(own.model, own.kind.rpartition("/")[2], own.name)
            found.append(SeenRef(ref, tip.new, tip.move.at))
    return sorted(found, key=lambda each: each.ref)


def check(repository: Repository, name: str, actor: Actor, *, full: bool = False, now: float | None = None) -> Verdict:
    """Probe a remote: read, write, list, and create-if-absent; `full`: also with concurrent writers.

    Warns if it supports only the encodings of an older mvc. `now` is this machine's time, in seconds since 1970. Raises
    NotExclusive, RemoteUnreachable, RemoteDenied, NotARemote.
    """
    with connection.open_remote(repository, name) as there:
        supported = frozenset(remote_format.FEATURES)
        with contextlib.suppress(errors.NoRemoteYet):
            presence.check(repository, there)
            supported = remote_format.features(there.backend)
        verdict = probe.probe(there.backend, actor.nonce(), full=full, now=now)
    if verdict.failures:
        raise errors.NotExclusive(remote=there.backend.where, failures="; ".join(verdict.failures))
    if supported == set(remote_format.FEATURES):
        return verdict
    return replace(verdict, others=(_OLDER.format(name=shlex.quote(name)),))


def upgrade(repository: Repository, name: str) -> Upgraded:
    """Let a remote take every encoding of this mvc; older ones that lack one then refuse the remote.

    Raises RemoteDenied for a key that may neither overwrite nor delete, NoRemoteYet, RemoteUnreachable, NotARemote, UnknownFeature.
    """
    with connection.open_remote(repository, name) as there:
        presence.check(repository, there)
        new = remote_format.upgrade(there.backend, repository.door)
    return Upgraded(name, tuple(remote_format.FEATURES), tuple(sorted(new)))


def check_registry(repository: Repository, name: str, token: str | Mapping[str, str] | None) -> RegistryState:
    """Check whether a registry accepts `token`, by default the one in the environment, and can store files.

    Creates nothing there. Raises RegistryUnreachable, RegistryDenied, RegistryLacks, RegistryFault, NoConnector, and as
    `mvc.registry.connection.registry` does.
    """
    with registry_connection.registry(repository, name, token) as registry:
        state = RegistryState(registry.organization, registry.host, len(registry.models()))
        registry.check_storage()
        return state


def is_registry(repository: Repository, name: str) -> bool:
    """Return whether a remote is a registry rather than a store, or `name` the address of one; raise NoSuchRemote."""
    return registry_address.is_registry(name) or connection.is_registry(connection.settings_of(repository, name))


def _own(repository: Repository, name: str) -> list[RefName]:
    """Return the remote-tracking logs of a remote."""
    return [
        own
        for model in repository.refs.models()
        for kind in refnames.KINDS
        for own in repository.refs.all(model, RefName(model, kind, "x").tracking_ref(name).kind)
    ]
