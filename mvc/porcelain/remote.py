"""`mvc remote`: which remotes there are, where, and what was last seen of them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mvc import errors
from mvc.model import names
from mvc.model.ids import FileId, VersionId
from mvc.model.version import Timestamp
from mvc.registry import connection as registry_connection
from mvc.remotes.backends import address, probe
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
class RemoteSettings:
    """A remote by its name: where it is, of which kind (file, s3, gs, az, sftp, picsellia), its other settings.

    `standing` says which host its credentials go to, and whether the person approved that; None where its settings are bad.
    """

    name: str
    url: str
    kind: str
    options: Mapping[str, str]
    standing: Standing | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the result as `--json` prints it."""
        trusted = {"trust": self.standing.to_json()} if self.standing is not None else {}
        return {"name": self.name, "url": self.url, "kind": self.kind, "options": dict(self.options), **trusted}


@dataclass(frozen=True, slots=True)
class RegistryState:
    """A registry that lets in: the organization's name there, where the platform is, and how many models are seen."""

    organization: str
    host: str
    models: int

    def to_json(self) -> dict[str, Any]:
        """Return the result as `--json` prints it."""
        return {"organization": self.organization, "host": self.host, "models": self.models}


@dataclass(frozen=True, slots=True)
class SeenRef:
    """A name on a remote as it was last seen: where it stood, and when that was noted."""

    ref: RefName
    version: VersionId
    at: Timestamp

    def to_json(self) -> dict[str, Any]:
        """Return the result as `--json` prints it."""
        return {"model": self.ref.model, "ref": self.ref.text, "id": self.version, "seen": self.at.utc()}


def remotes(repository: Repository) -> list[RemoteSettings]:
    """All remotes, by name; raises BadConfig, BadRemoteUrl."""
    return [remote(repository, name) for name in sorted(repository.config.remotes())]


def remote(repository: Repository, name: str) -> RemoteSettings:
    """One remote; raises NoSuchRemote, BadRemoteUrl."""
    where, options = _settings(repository, name)
    standing = None
    with contextlib.suppress(errors.BadSetting):
        standing = trust.standing(repository, name, where, options)
    return RemoteSettings(name, where.text, where.scheme, options, standing)


def _settings(repository: Repository, name: str) -> tuple[Address, dict[str, str]]:
    """The address and the other settings of a remote; raises NoSuchRemote, BadRemoteUrl."""
    options = dict(connection.settings_of(repository, name))
    return address.parse(options.pop("url"), repository.root), options


@writes
def add(
    repository: Repository, name: str, url: str, *, base: Path, options: Mapping[str, str] | None = None
) -> RemoteSettings:
    """Add a remote, and approve the host that was typed; a relative `url` is below `base`.

    Raises RemoteExists, BadRefName, BadRemoteUrl, BadSetting.
    """
    _check_name(name)
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
    """Change the address of a remote and the settings in `options`, and approve the host that these name.

    What was not typed is not approved. Raises NoSuchRemote, BadRemoteUrl, BadSetting.
    """
    known = connection.settings_of(repository, name)
    where = address.parse(url, base)
    options_of_kind.check(where.kind, options or {})
    trust.approve_typed(repository, where, options or {})
    with repository.locked():
        repository.config.set_remote(name, {**known, **(options or {}), "url": where.text})
    return remote(repository, name)


def approve(repository: Repository, name: str, *, insecure: bool = False) -> RemoteSettings:
    """Approve the host that a remote's credentials go to, and what its settings choose among them, in the person's settings.

    `insecure` accepts plain http there. Raises NoSuchRemote, BadRemoteUrl, BadSetting.
    """
    where, options = _settings(repository, name)
    options_of_kind.check(where.kind, options)
    trust.approve(repository, where, options, insecure=insecure)
    return remote(repository, name)


def withdraw(repository: Repository, name: str) -> RemoteSettings:
    """Withdraw the approval of the host that a remote's credentials go to, for its kind of remotes.

    Raises NoSuchRemote, BadRemoteUrl, BadSetting.
    """
    where, options = _settings(repository, name)
    trust.withdraw(repository, where, options)
    return remote(repository, name)


@writes
def remove(repository: Repository, name: str, actor: Actor, *, force: bool = False) -> RemoteSettings:
    """Forget a remote, and what was seen of it; the logs of that stay. Raises NoSuchRemote.

    Raises StillPromised when files that versions need are only there, unless `force` says that this is known.
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
    """Give a remote another name, with what was seen of it. Raises NoSuchRemote, RemoteExists, BadRefName."""
    _check_name(new)
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
    """The files that versions here need, whose bytes are not here, and that no other remote of this repository promised."""
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
    """The files of all versions that are reachable without what was seen of a remote."""
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
    """Have nothing be seen of a remote any more; the logs stay. Under the lock."""
    for ref in _own(repository, name):
        tip = repository.refs.tip(ref)
        if tip is not None and (tip.new is not None or tip.seen is not None):
            repository.refs.append(ref, tip, None, actor.move("remote: removed"))


def seen_refs(repository: Repository, name: str) -> list[SeenRef]:
    """What the names on a remote stood for when they were last seen."""
    found = []
    for own in _own(repository, name):
        tip = repository.refs.tip(own)
        if tip is not None and tip.new is not None:
            ref = RefName(own.model, own.kind.rpartition("/")[2], own.name)
            found.append(SeenRef(ref, tip.new, tip.move.at))
    return sorted(found, key=lambda each: each.ref)


def check(repository: Repository, name: str, actor: Actor, *, full: bool = False, now: float | None = None) -> Verdict:
    """Try a remote out: whether it can be read, written and listed, and creates a name once; `full`: also under a race.

    `now` is this machine's time, in seconds since 1970. Raises NotExclusive, RemoteUnreachable, RemoteDenied, NotARemote.
    """
    with connection.open_remote(repository, name) as there:
        with contextlib.suppress(errors.NoRemoteYet):
            presence.check(repository, there)
        verdict = probe.probe(there.backend, actor.nonce(), full=full, now=now)
    if verdict.failures:
        raise errors.NotExclusive(remote=there.backend.where, failures="; ".join(verdict.failures))
    return verdict


def check_registry(repository: Repository, name: str, token: str | Mapping[str, str] | None) -> RegistryState:
    """Try a registry out: whether `token`, or the one in that environment, lets in, and to which organization. Raises as `mvc.registry.connection.registry`.

    Nothing is made there. Besides: RegistryUnreachable, RegistryDenied, RegistryLacks, RegistryFault.
    """
    with registry_connection.registry(repository, name, token) as registry:
        return RegistryState(registry.organization, registry.host, len(registry.models()))


def is_registry(repository: Repository, name: str) -> bool:
    """Whether a remote is a registry, and no store; raises NoSuchRemote."""
    return connection.is_registry(connection.settings_of(repository, name))


def _own(repository: Repository, name: str) -> list[RefName]:
    """The logs of what was seen of a remote."""
    return [
        own
        for model in repository.refs.models()
        for kind in refnames.KINDS
        for own in repository.refs.all(model, RefName(model, kind, "x").tracking_ref(name).kind)
    ]


def _check_name(name: str) -> None:
    names.check_ref_name(name)
    if "/" in name or name in refnames.KINDS:
        raise errors.BadRefName(
            name=name, reason="a remote's name has no slash, and is none of heads, tags and aliases"
        )
