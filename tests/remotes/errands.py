"""What people do with a remote, each with how things stand before it: to be tried again and again while one thing goes wrong.

copies of `here` and `there` ─► do it, badly ─► all sound? ─► do it again ─► done, all sound, and only the rest moved?
"""

from __future__ import annotations

import contextlib
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import PackId
from mvc.model.version import Timestamp
from mvc.porcelain import clone, fetch, pull
from mvc.porcelain.fsck import fsck
from mvc.porcelain.fsck_remote import survey
from mvc.porcelain.init import make_repository
from mvc.porcelain.push import push
from mvc.remotes import compaction, download_plan
from mvc.remotes.backends import probe
from mvc.remotes.backends.backend import Backend
from mvc.remotes.backends.local import LocalBackend
from mvc.remotes.remote import Remote
from mvc.repository.model import Model
from mvc.repository.repository import Actor, Repository
from mvc.storage.packs import packformat
from mvc.storage.packs.packfile import PackFile
from mvc.storage.records.reflog import HEADS, RefName
from mvc.transport.refspec import RefUpdate
from tests.cli.shell import ANA, MODEL, START, Shell, begin
from tests.remotes.clones import MAIN, WEIGHTS, Weights, folder, push_main, remote_on
from tests.remotes.faults import Faulty

NAMES = ("first-push", "later-push", "clone", "pull")
EXPECTED = (errors.OutOfReach, errors.Damaged, errors.NotThere, errors.NoRemoteYet)
"""How a command may end while something goes wrong."""
_ACTOR = Actor(ANA, Timestamp(START + 100 * 86_400))


@dataclass(frozen=True)
class Errand:
    """`here` is a repository before, `there` a remote before.

    Of one that fetches, `whole` are the weights afterwards, and `size` is the bytes of packs that come.
    """

    name: str
    here: Path
    there: Path
    whole: bytes = b""
    size: int = 0

    @property
    def is_push(self) -> bool:
        """Whether it sends; else it fetches, and puts files into place."""
        return self.name.endswith("push")

    def begin(self, target: Path) -> Repository:
        """A repository in `target` that is as before."""
        shutil.copytree(self.here, target)
        return Repository(target)

    def plant(self, backend: Backend) -> None:
        """Have the empty `backend` be as before."""
        for each in LocalBackend(self.there).list(""):
            backend.put(each.name, self.there / each.name)

    def do(self, repository: Repository, backend: Backend) -> None:
        """Do it, or what a user is told to do when it was stopped; the connections are let go."""
        remote, models = remote_on(backend), repository.heads.models()
        try:
            if self.is_push:
                push(Model(repository, MODEL), remote, [_main(repository)], _ACTOR)
                return
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("mvc.transport.connection.open_remote", lambda *_, **__: contextlib.nullcontext(remote))
                if models:
                    pull.pull(Model(repository, models[0]), remote, _ACTOR)
                else:
                    clone.fill(repository, remote, _ACTOR)
        finally:
            backend.close()

    def is_done(self, repository: Repository, remote: Remote) -> bool:
        """Whether all is where it should be."""
        if self.is_push:
            tip = remote.refs.tip(MAIN)
            return tip is not None and tip.new == repository.refs.target(MAIN)
        weights = repository.root / WEIGHTS
        return weights.exists() and weights.read_bytes() == self.whole

    def check(self, repository: Repository, remote: Remote, *, leftovers: str | None = None) -> None:
        """Raise unless every byte is sound that it may have written: on the remote, or here.

        `leftovers`: but for a metadata pack below that folder which was cut, and which nothing needs.
        """
        if not self.is_push:
            report = fsck(repository, read_data=True)
        else:
            try:
                report = survey(repository, remote, read_data=True)
            except errors.NoRemoteYet:
                return
        assert not report.hits
        found = [each for each in report.findings if leftovers is None or not each.path.startswith(leftovers)]
        assert not found, found


@dataclass(frozen=True)
class Tried:
    """The calls while something went wrong, and those of the repeat; `sent_twice` are packs that both sent."""

    bad: list[str]
    good: list[str]
    sent_twice: list[str]


def try_twice(
    errand: Errand,
    target: Path,
    bad: Faulty,
    good: Callable[[], Backend],
    look: Backend,
    *,
    expected: tuple[type[Exception], ...] = EXPECTED,
    leftovers: bool = False,
) -> Tried:
    """Do `errand` in `target` on `bad`, then on `good`, where it must succeed and fetch only the rest; `look` sees what is there."""
    repository, remote = errand.begin(target), remote_on(look)
    before = _kept(repository)
    with contextlib.suppress(*expected):
        errand.do(repository, bad)
    errand.check(repository, remote, leftovers="meta/" if leftovers else None)
    kept, known = _kept(repository) - before, _metadata(repository)
    again = Faulty(good())
    errand.do(repository, again)
    assert errand.is_done(repository, remote)
    # What was cut is sent again under another name: a metadata pack that was cut stays, and nothing needs it.
    errand.check(repository, remote, leftovers="meta/" if leftovers else None)
    if not errand.is_push:
        assert again.read_bytes <= errand.size - kept + errand.size // 32
        assert not [call for call in again.calls if call.startswith("get meta/") and call.rpartition("/")[2] in known]
        assert not [call for call in [*bad.calls, *again.calls] if call.startswith(("put", "create", "delete"))]
    return Tried(bad.calls, again.calls, sorted(_sends(bad) & _sends(again)))


def _sends(backend: Faulty) -> set[str]:
    """Packs that were sent, or were to be."""
    return {call.removeprefix("put ") for call in backend.calls if call.startswith(("put packs/", "put meta/"))}


def _kept(repository: Repository) -> int:
    """Bytes of entries in packs that are here."""
    found = sorted((repository.root / ".mvc" / "packs").rglob("*.pack"))
    entries = (
        each
        for path in found
        for each in packformat.read_index(PackFile(repository.door, packformat.path(PackId(path.stem))))
    )
    return sum(entry.end - entry.offset for entry in entries)


def _metadata(repository: Repository) -> set[str]:
    """The names of the metadata packs that are here."""
    return {path.name for path in (repository.root / ".mvc" / "meta").rglob("*.pack")}


def _main(repository: Repository) -> RefUpdate:
    tip = repository.refs.target(MAIN)
    assert tip is not None
    return RefUpdate(MAIN, tip, "main")


# --- how things stand before ------------------------------------------------------------------------------------------


def small(patch: pytest.MonkeyPatch) -> None:
    """Have every call of an errand be made, and few of them many times.

    A remote is tried out by two threads with two names; two metadata packs are many; a fetch has a batch for each larger chunk.
    """
    patch.setattr(probe, "THREADS", 2)
    patch.setattr(probe, "NAMES", 2)
    patch.setattr(probe, "BIG", 65_536)
    patch.setattr(compaction, "MANY", 2)
    patch.setattr(download_plan, "BATCH", 8_000)


def build(top: Path, patch: pytest.MonkeyPatch) -> dict[str, Errand]:
    """All errands; what is before them is made in `top`: remotes with no version, with one and somebody's branch, and with three."""
    small(patch)
    empty, one, three = top / "empty", top / "one", top / "three"
    empty.mkdir()
    ana = begin(_made(top / "ana"), patch)
    weights = Weights(ana, random.Random(1), layers=2, width=64)
    ana.commit("one")
    push_main(_copy(ana, top / "bob", patch), folder(one))
    pulled = Errand("clone", _repository(top / "clone"), one)
    pulled.do(pulled.begin(top / "pull"), LocalBackend(one))
    weights.train()
    ana.commit("two")
    _copy(ana, top / "first-push", patch)
    weights.train()
    ana.commit("three")
    later = _copy(ana, top / "later-push", patch)
    fetch.fetch(later.repository, folder(one), _ACTOR)
    _push_branch(Shell(top / "bob", patch), one)
    shutil.copytree(one, three)
    push_main(_copy(later, top / "pushed", patch), folder(three))
    whole = (ana.folder / WEIGHTS).read_bytes()
    found = (
        Errand("first-push", top / "first-push", empty),
        Errand("later-push", top / "later-push", one),
        _measured(Errand("clone", top / "clone", three, whole), top),
        _measured(Errand("pull", top / "pull", three, whole), top),
    )
    return {each.name: each for each in found}


def _copy(of: Shell, target: Path, patch: pytest.MonkeyPatch) -> Shell:
    shutil.copytree(of.folder, target)
    return Shell(target, patch)


def _push_branch(bob: Shell, remote: Path) -> None:
    """Somebody else's branch, with a file and metadata that nobody else has."""
    bob.ok("switch", "-c", "side")
    bob.write("notes.txt", b"theirs")
    bob.ok("add", "notes.txt")
    bob.commit("theirs")
    side = RefName(MODEL, HEADS, "side")
    tip = bob.repository.refs.target(side)
    assert tip is not None
    push(Model(bob.repository, MODEL), folder(remote), [RefUpdate(side, tip, "side")], bob.actor)


def _measured(errand: Errand, top: Path) -> Errand:
    """With the bytes that it fetches when all goes well."""
    backend = Faulty(LocalBackend(errand.there))
    repository = errand.begin(top / f"{errand.name}-done")
    errand.do(repository, backend)
    assert errand.is_done(repository, remote_on(backend))
    assert sum(call.startswith("range") for call in backend.calls) > 2, "several batches, or none could be kept"
    return replace(errand, size=backend.read_bytes)


def _repository(path: Path) -> Path:
    """An empty one."""
    path.mkdir()
    make_repository(path)
    return path


def _made(path: Path) -> Path:
    path.mkdir()
    return path
