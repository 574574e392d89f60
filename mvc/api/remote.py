"""The remotes of a repository as objects: shared stores, and registries."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, TypedDict, Unpack

from mvc.api.session import Revision, Session, Who
from mvc.porcelain import remote as porcelain
from mvc.porcelain.fetch import Fetched, fetch
from mvc.porcelain.fsck import Report
from mvc.porcelain.fsck_remote import ALL, survey
from mvc.porcelain.gc_remote import REMOTE_GRACE, CollectedThere, gc_remote
from mvc.porcelain.heal import Healed, heal
from mvc.porcelain.prune import Pruned
from mvc.porcelain.prune_remote import prune_remote
from mvc.porcelain.pull import Pulled, pull
from mvc.porcelain.push import TRIES, Pushed, push
from mvc.porcelain.remote import RegistryState, RemoteSettings, SeenRef, Upgraded
from mvc.porcelain.remote_policy import StorePolicy, store_policy
from mvc.remotes import remote as remotes
from mvc.remotes.backends.probe import Verdict
from mvc.remotes.remote import JOBS
from mvc.repository.retention.rules import Best, Rules
from mvc.repository.signatures import pushed_moves
from mvc.storage.progress import Progress
from mvc.transport import connection, fast_forward, refspec


class PruneRules(TypedDict, total=False):
    """The rules of a prune, as `Model.prune` takes them."""

    keep_last: int | None
    keep_within: Span | None
    keep_tagged: bool
    keep_aliased: bool
    keep_best: Mapping[str, int] | None
    keep_roles: Iterable[str]
    roles: Iterable[str]


def rules_of(given: PruneRules) -> Rules:
    """Return the rules that keyword arguments say."""
    within = given.get("keep_within")
    return Rules(
        given.get("keep_last"),
        None if within is None else seconds(within),
        given.get("keep_tagged", False),
        given.get("keep_aliased", False),
        tuple(Best.parse(f"{key}={most}") for key, most in (given.get("keep_best") or {}).items()),
        tuple(given.get("roles", ())),
        tuple(given.get("keep_roles", ())),
    )


class PushOptions(TypedDict, total=False):
    """The options of `Remote.push`."""

    all_branches: bool
    tags: bool
    delete: bool
    set_upstream: bool
    force_with_lease: bool
    rebase: bool | int
    repair: bool
    revive: bool
    signed: bool | None
    dry_run: bool
    jobs: int
    limit: float | None
    actor: Who | None
    progress: Progress | None


class PullOptions(TypedDict, total=False):
    """The options of `Remote.pull`."""

    rebase: bool
    only: Iterable[str]
    meta: bool
    jobs: int
    limit: float | None
    actor: Who | None
    progress: Progress | None


class FetchOptions(TypedDict, total=False):
    """The options of `Remote.fetch`."""

    prune: bool
    jobs: int
    limit: float | None
    actor: Who | None


Span = float | timedelta
"""Seconds, or a `timedelta`."""


def seconds(span: Span) -> float:
    """Return a duration in seconds."""
    return span.total_seconds() if isinstance(span, timedelta) else span


class Remote:
    """One remote, by its name in the repository."""

    def __init__(self, session: Session, name: str) -> None:
        """Hold the remote `name`. Raises NoSuchRemote."""
        self._session = session
        self.name = name
        connection.settings_of(session.repository, name)

    @property
    def settings(self) -> RemoteSettings:
        """The remote's URL, kind and settings, and True if its host is approved."""
        return porcelain.remote(self._session.repository, self.name)

    @property
    def url(self) -> str:
        """The remote's URL."""
        return self.settings.url

    @property
    def seen(self) -> list[SeenRef]:
        """The remote-tracking refs: the versions of the remote's refs at the last fetch."""
        return porcelain.seen_refs(self._session.repository, self.name)

    # --- versions

    def push(
        self,
        *refs: str,
        model: str | None = None,
        all_branches: bool = False,
        tags: bool = False,
        delete: bool = False,
        set_upstream: bool = False,
        force_with_lease: bool = False,
        rebase: bool | int = False,
        repair: bool = False,
        revive: bool = False,
        signed: bool | None = None,
        dry_run: bool = False,
        jobs: int = JOBS,
        limit: float | None = None,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> Pushed:
        """Upload versions and update the remote's refs: `main`, `main:release`, `:old`; by default the current branch.

        `rebase` replays your versions on the remote branch after a rejection and pushes again (a number: at most so many
        times); `repair` first replaces missing or damaged data on the remote, `revive` uploads bytes again that were
        dropped there. `signed` signs the moves of tags and aliases there
        with sign.key; by default, those whose moves are signed here. Rejected refs are in `rejected` of the result. `limit` is in bytes per second. Raises NoSuchName, NotThere, Detached, with `rebase` also Unrelated,
        CannotRebase, RebaseConflicts, InTheWay, and connection errors.
        """
        if not dry_run:
            self._session.repository.roll_forward()
        name, who = self._session.model(model), self._session.actor(actor)
        updates = refspec.updates(
            self._session.of(name), self.name, refs, branches=all_branches, tags=tags, delete=delete
        )
        tries = (TRIES if rebase else 0) if isinstance(rebase, bool) else rebase
        pushed = [] if dry_run else [each.ref for each in updates if each.new is not None]
        signing = pushed_moves.signing(self._session.of(name), pushed, self._session.keys, signed=signed)
        with self._reached(jobs, limit) as there:
            return push(
                self._session.of(name),
                there,
                updates,
                who,
                lease=force_with_lease,
                tries=tries,
                repair=repair,
                revive=revive,
                set_upstream=set_upstream,
                signing=signing,
                dry_run=dry_run,
                progress=progress,
            )

    def fetch(
        self, *, prune: bool = False, jobs: int = JOBS, limit: float | None = None, actor: Who | None = None
    ) -> Fetched:
        """Fetch refs and metadata of the models; `prune` deletes remote-tracking refs that the remote no longer has.

        Raises TakeRefused if rules refuse a ref, which stays where it is, after the others were taken.
        """
        with self._reached(jobs, limit) as there:
            done = fetch(self._session.repository, there, self._session.actor(actor), prune=prune)
        done.check()
        return done

    def pull(
        self,
        branch: str | None = None,
        *,
        model: str | None = None,
        rebase: bool = False,
        only: Iterable[str] = (),
        meta: bool = False,
        jobs: int = JOBS,
        limit: float | None = None,
        actor: Who | None = None,
        progress: Progress | None = None,
    ) -> Pulled:
        """Fetch, and fast-forward the current branch and its files to `branch` of the remote, or to its upstream.

        `rebase` replays your versions on the remote branch if both diverged. Raises Detached, NotThere, Diverged unless
        `rebase`, Unrelated, CannotRebase, RebaseConflicts, InTheWay; TakeRefused if rules refuse the branch, or, at the end,
        another ref.
        """
        name, who = self._session.model(model), self._session.actor(actor)
        with self._reached(jobs, limit) as there:
            done = pull(
                self._session.of(name),
                there,
                who,
                theirs=branch,
                rebasing=rebase,
                select=fast_forward.select(only, meta=meta),
                progress=progress,
            )
        done.fetched.check()
        return done

    # --- care

    def fsck(
        self, *, read_data: bool = False, subset: tuple[int, int] | None = None, progress: Progress | None = None
    ) -> Report:
        """Check the remote; `read_data` reads its packs too, `subset` (2, 5) the second of five parts of them."""
        read = read_data or subset is not None
        with self._reached(JOBS, None) as there:
            return survey(self._session.repository, there, read_data=read, subset=subset or ALL, progress=progress)

    def repair(self, *, actor: Who | None = None, progress: Progress | None = None) -> Healed:
        """Replace missing or damaged data on the remote with the repository's; this reads the whole remote."""
        with self._reached(JOBS, None) as there:
            return heal(self._session.repository, there, self._session.actor(actor), progress)

    def prune(
        self,
        *revisions: Revision,
        model: str | None = None,
        dry_run: bool = False,
        actor: Who | None = None,
        **rules: Unpack[PruneRules],
    ) -> Pruned:
        """Drop the bytes of versions on the remote, as `Model.prune` does here; `gc` then removes them.

        Raises NoRule, NothingToPrune, AlwaysKept, and connection errors.
        """
        name, who = self._session.model(model), self._session.actor(actor)
        named = [self._session.resolve(name, revision) for revision in revisions]
        chosen = rules_of(rules)
        if not named:
            chosen = chosen.filled(Rules.of_settings(self._session.repository.config))
        with self._reached(JOBS, None) as there:
            return prune_remote(self._session.of(name), there, chosen, who, named=named, dry_run=dry_run)

    def gc(
        self,
        *,
        grace: Span = REMOTE_GRACE,
        drop_intents_older_than: Span | None = None,
        dry_run: bool = False,
        actor: Who | None = None,
    ) -> CollectedThere:
        """Remove unreachable packs on the remote that are older than `grace`."""
        abandoned = None if drop_intents_older_than is None else seconds(drop_intents_older_than)
        who = self._session.actor(actor)
        with self._reached(JOBS, None) as there:
            return gc_remote(
                self._session.repository, there, who, grace=seconds(grace), abandoned=abandoned, dry_run=dry_run
            )

    def check(self, *, full: bool = False, actor: Who | None = None) -> Verdict | RegistryState:
        """Test reads, writes, listings and create-if-absent on the remote; on a registry, test the token."""
        repository = self._session.repository
        if porcelain.is_registry(repository, self.name):
            self._session.require_network(self.name)
            return porcelain.check_registry(repository, self.name, self._session.variables)
        return porcelain.check(repository, self.name, self._session.actor(actor), full=full, now=time.time())

    def upgrade(self) -> Upgraded:
        """Let the remote take every encoding of this mvc; an older one that lacks one then refuses it."""
        return porcelain.upgrade(self._session.repository, self.name)

    # --- settings

    def set_url(self, url: str, **options: str) -> RemoteSettings:
        """Change the URL; `options` are settings such as `region`. The new host is approved for credentials."""
        base = self._session.environment.cwd
        return porcelain.set_url(self._session.repository, self.name, url, base=base, options=_options(options))

    def trust(self, *, insecure: bool = False) -> RemoteSettings:
        """Approve sending credentials to the remote's host; `insecure` accepts plain http."""
        return porcelain.approve(self._session.repository, self.name, insecure=insecure)

    def distrust(self) -> RemoteSettings:
        """Stop sending credentials to the remote's host."""
        return porcelain.withdraw(self._session.repository, self.name)

    def policy(
        self,
        *protect: str,
        form: str | None = None,
        roles: Iterable[str] = (),
        pushers: Iterable[str] = (),
    ) -> StorePolicy:
        """Return the permissions by which only `roles` move the refs in `protect`, such as `alias:prod`, on this remote.

        Without refs, those of rules with `signed-by` or `from`. `form` is s3, gcs, azure or unix, by default that of the
        remote. Changes nothing. Raises OtherStore, BadProtection, NothingToProtect, BadPrincipal, TooManyProtected, BadPolicy.
        """
        return store_policy(
            self._session.repository, self.name, form, protect=protect, roles=tuple(roles), pushers=tuple(pushers)
        )

    def rename(self, new: str, *, actor: Who | None = None) -> Remote:
        """Rename the remote. Raises RemoteExists, BadRefName."""
        porcelain.rename(self._session.repository, self.name, new, self._session.actor(actor))
        return Remote(self._session, new)

    def remove(self, *, force: bool = False, actor: Who | None = None) -> RemoteSettings:
        """Remove the remote from the settings; the remote itself does not change. Raises StillPromised unless `force`."""
        return porcelain.remove(self._session.repository, self.name, self._session.actor(actor), force=force)

    def _reached(self, jobs: int, limit: float | None) -> AbstractContextManager[remotes.Remote]:
        return connection.open_remote(self._session.repository, self.name, jobs=jobs, limit=limit)

    def __repr__(self) -> str:
        return f"<Remote {self.name} {self.url}>"


class Remotes(Mapping[str, Remote]):
    """The remotes of a repository, by name."""

    def __init__(self, session: Session) -> None:
        """Hold the remotes of a repository."""
        self._session = session

    def add(self, name: str, url: str, **options: str) -> Remote:
        """Add a remote, and approve its host; `options` are settings such as `region`. Raises RemoteExists, BadRemoteUrl."""
        base = self._session.environment.cwd
        porcelain.add(self._session.repository, name, url, base=base, options=_options(options))
        return Remote(self._session, name)

    def all(self) -> list[RemoteSettings]:
        """Return the settings of each remote."""
        return porcelain.remotes(self._session.repository)

    def __getitem__(self, name: str) -> Remote:
        return Remote(self._session, name)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._session.repository.config.remotes()))

    def __len__(self) -> int:
        return len(self._session.repository.config.remotes())

    def __contains__(self, name: object) -> bool:
        return name in self._session.repository.config.remotes()

    def get(self, name: str, default: Any = None) -> Any:
        """Return the remote `name`, else `default`."""
        return self[name] if name in self else default  # noqa: SIM401 - this is `get`

    def _ipython_key_completions_(self) -> list[str]:
        return [*self]

    def __repr__(self) -> str:
        return f"<Remotes: {', '.join(self) or 'none'}>"


def _options(given: Mapping[str, str]) -> dict[str, str]:
    """Return settings in the store's spelling: `key_file` is `key-file`."""
    return {key.replace("_", "-"): value for key, value in given.items()}
