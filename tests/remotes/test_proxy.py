"""Between a client and a real server: whatever request goes wrong, the remote is sound and the same again sends only the rest."""

from __future__ import annotations

import contextlib
import functools
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.porcelain import clone, pull
from mvc.porcelain.init import make_repository
from mvc.porcelain.push import Request, push
from mvc.porcelain.survey import survey
from mvc.remotes import address, connect
from mvc.remotes.backend import Backend
from mvc.remotes.remote import Remote
from mvc.remotes.retry import RetryingBackend
from mvc.repository.repository import Repository
from mvc.storage.reflog import HEADS, TAGS, RefName
from tests.cli.shell import MODEL, Shell
from tests.remotes.clones import MAIN, WEIGHTS, ana, push_main, remote_on
from tests.servers import proxy
from tests.servers.cloud import Cloud
from tests.servers.proxy import AFTER, Fault, HttpProxy
from tests.servers.sshd import Sshd

_POINTS = 3
"""Requests of which one goes wrong, for each fault, unless `--deep` asks for all."""
_CUTS = 8
"""Points at which a connection by SSH is cut; with `--deep` ten times as many."""


class Place:
    """An empty place on S3, reached through the proxy or not."""

    def __init__(self, through: HttpProxy, cloud: Cloud) -> None:
        self._through = through
        self._cloud = cloud
        self._url = cloud.place()

    def backend(self) -> Backend:
        """Through the proxy, which is told nothing."""
        return self._connect({"endpoint": self._through.url})

    def straight(self) -> Remote:
        """As a remote, by the server itself."""
        return remote_on(self._connect(self._cloud.options))

    def _connect(self, options: dict[str, str]) -> Backend:
        return connect.connect(address.parse(self._url, Path("/")), options)


@pytest.fixture
def places(
    clouds: Callable[[str], Cloud], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[HttpProxy, Callable[[], Place]]]:
    """A proxy in front of S3, and what gives new places there."""
    cloud = clouds("s3")
    for name, value in cloud.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("mvc.remotes.s3._READ_TIMEOUT", 0.4)
    with proxy.http_proxy(int(cloud.options["endpoint"].rpartition(":")[2])) as through:
        yield through, lambda: Place(through, cloud)


def _patient(backend: Backend, waited: list[float] | None = None) -> Remote:
    return remote_on(RetryingBackend(backend, (waited if waited is not None else []).append))


def _packs(through: HttpProxy) -> Counter[str]:
    """How often each pack was sent to the server."""
    sends = (re.search(r"/packs/\w+/(\w+)$", each.path) for each in through.heard if each.method == "PUT")
    return Counter(each[1] for each in sends if each)


def _check(shell: Shell, remote: Remote) -> None:
    """Raise unless the remote is sound, or nothing yet."""
    with contextlib.suppress(errors.NoRemoteYet):
        report = survey(shell.repository, remote, read_data=True)
        assert not report.hits
        assert not report.findings


def _points(count: int, rng: random.Random, *, deep: bool) -> list[int]:
    return list(range(1, count + 1)) if deep else sorted(rng.sample(range(1, count + 1), _POINTS))


def _trusted(monkeypatch: Any, *, deep: bool) -> None:
    """Have the remote not be tried out first: of the requests for that there are many, and others matter more."""
    if not deep:
        monkeypatch.setattr("mvc.porcelain.push._trust", lambda *_: None)


class _Rewound:
    """A repository that can be as it was."""

    def __init__(self, shell: Shell, aside: Path) -> None:
        self._shell = shell
        self._aside = aside
        shutil.copytree(shell.folder, aside)

    def back(self) -> None:
        shutil.rmtree(self._shell.folder)
        shutil.copytree(self._aside, self._shell.folder)


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name)
def test_a_push_of_which_any_request_goes_wrong(
    tmp_path: Path, monkeypatch: Any, rng: random.Random, places: Any, fault: Fault, *, deep: bool
) -> None:
    through, new = places
    shell, _ = ana(tmp_path, monkeypatch, rng)
    _trusted(monkeypatch, deep=deep)
    rewound = _Rewound(shell, tmp_path / "aside")
    through.at(0, fault)
    push_main(shell, remote_on(new().backend()))
    for at in _points(len(through.asked), rng, deep=deep):
        rewound.back()
        place = new()
        through.at(at, fault)
        with contextlib.suppress(errors.OutOfReach, errors.Damaged):
            push_main(shell, remote_on(place.backend()))
        bad = _packs(through)
        spoilt = "".join(each.path for each in through.asked[at - 1 : at])  # a probe does not always ask as often
        _check(shell, place.straight())
        through.at(0, fault)
        push_main(shell, remote_on(place.backend()))
        _check(shell, place.straight())
        assert [each for each, times in (bad + _packs(through)).items() if times > 1 and each not in spoilt] == []


@pytest.mark.parametrize("fault", [each for each in Fault if each is not Fault.FLIPPED], ids=lambda fault: fault.name)
def test_a_push_with_patience_succeeds(
    tmp_path: Path, monkeypatch: Any, rng: random.Random, places: Any, fault: Fault, *, deep: bool
) -> None:
    through, new = places
    shell, _ = ana(tmp_path, monkeypatch, rng)
    _trusted(monkeypatch, deep=deep)
    rewound = _Rewound(shell, tmp_path / "aside")
    through.at(0, fault)
    push_main(shell, _patient(new().backend()))
    for at in _points(len(through.asked), rng, deep=deep):
        rewound.back()
        place = new()
        waited: list[float] = []
        through.at(at, fault)
        push_main(shell, _patient(place.backend(), waited))
        assert fault is not Fault.TOO_MANY or len(through.asked) < at or max(waited) >= AFTER
        _check(shell, place.straight())


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name)
def test_a_clone_of_which_any_request_goes_wrong(
    tmp_path: Path, monkeypatch: Any, rng: random.Random, places: Any, fault: Fault, *, deep: bool
) -> None:
    through, new = places
    shell, _ = ana(tmp_path, monkeypatch, rng)
    place = new()
    push_main(shell, place.straight())
    whole = (shell.folder / WEIGHTS).read_bytes()
    through.at(0, fault)
    _clone(tmp_path / "first", shell, monkeypatch, remote_on(place.backend()))
    for at in _points(len(through.asked), rng, deep=deep):
        target = tmp_path / f"clone-{at}"
        through.at(at, fault)
        with contextlib.suppress(errors.OutOfReach, errors.Damaged, errors.NotThere, errors.NoRemoteYet):
            _clone(target, shell, monkeypatch, remote_on(place.backend()))
        through.well()
        if not (target / WEIGHTS).exists():
            _clone(target, shell, monkeypatch, remote_on(place.backend()))
        assert (target / WEIGHTS).read_bytes() == whole


def _clone(target: Path, shell: Shell, monkeypatch: Any, remote: Remote) -> None:
    """Clone, or pull where a clone was begun."""
    monkeypatch.setattr("mvc.porcelain.reaching.reach", lambda *_, **__: contextlib.nullcontext(remote))
    if not target.exists():
        target.mkdir()
        make_repository(target)
    repository = Repository(target)
    models = repository.heads.models()
    if models:
        pull.pull(repository, models[0], remote, shell.actor)
    else:
        clone.fill(repository, remote, shell.actor)


class _PutOnly:
    """A policy that lets nobody remove or replace anything."""

    def __init__(self) -> None:
        self._there: set[str] = set()
        self.refused: list[proxy.Request] = []

    def __call__(self, request: proxy.Request) -> bool:
        path, _, query = request.path.partition("?")
        if request.method == "PUT" and "uploadId" in query:  # a part is no file yet
            return False
        puts = request.method == "PUT" or (request.method == "POST" and "uploadId" in query)
        removes = request.method == "DELETE" or (request.method == "POST" and "delete" in request.path)
        replaces = puts and path in self._there and not request.conditional
        if removes or replaces:
            self.refused.append(request)
            return True
        if puts:
            self._there.add(path)
        return False


def test_every_push_passes_where_nothing_may_be_removed_or_replaced(
    tmp_path: Path, monkeypatch: Any, rng: random.Random, places: Any
) -> None:
    through, new = places
    policy = through.refuses = _PutOnly()
    place = new()
    shell, weights = ana(tmp_path, monkeypatch, rng)
    push_main(shell, remote_on(place.backend()))
    shutil.copytree(shell.folder, tmp_path / "bob")
    bob = Shell(tmp_path / "bob", monkeypatch)
    bob.write("notes.txt", b"theirs")
    bob.ok("add", "notes.txt")
    bob.commit("theirs")
    push_main(bob, remote_on(place.backend()))
    weights.train()
    shell.commit("ours")
    done = push(shell.repository, MODEL, remote_on(place.backend()), [_main(shell)], shell.actor, tries=2)
    assert done.rebased == 1
    shell.ok("tag", "release")
    tag, side = RefName(MODEL, TAGS, "release"), RefName(MODEL, HEADS, "side")
    tip = shell.repository.refs.target(MAIN)
    assert tip is not None
    push(shell.repository, MODEL, remote_on(place.backend()), [Request(tag, tip), Request(side, tip)], shell.actor)
    push(shell.repository, MODEL, remote_on(place.backend()), [Request(side, None)], shell.actor)
    assert [
        each for each in policy.refused if "/probe/" not in each.path
    ] == []  # a probe tries to tidy up after itself
    _check(shell, place.straight())


def _main(shell: Shell) -> Request:
    tip = shell.repository.refs.target(MAIN)
    assert tip is not None
    return Request(MAIN, tip, "main")


def test_a_lost_answer_does_not_stop_a_push_where_nothing_may_be_replaced(
    tmp_path: Path, monkeypatch: Any, rng: random.Random, places: Any, *, deep: bool
) -> None:
    through, new = places
    shell, _ = ana(tmp_path, monkeypatch, rng)
    _trusted(monkeypatch, deep=deep)
    rewound = _Rewound(shell, tmp_path / "aside")
    through.at(0, Fault.UNANSWERED)
    push_main(shell, _patient(new().backend()))
    sends = [number for number, each in enumerate(through.asked, 1) if each.method == "PUT"]
    for at in sends if deep else rng.sample(sends, _POINTS):
        rewound.back()
        through.refuses = _PutOnly()
        place = new()
        through.at(at, Fault.UNANSWERED)
        push_main(shell, _patient(place.backend()))
        _check(shell, place.straight())


@pytest.mark.parametrize("fault", [each for each in Fault if each is not Fault.FLIPPED], ids=lambda fault: fault.name)
def test_a_pack_that_is_sent_in_parts_arrives_whole_whatever_goes_wrong_once(
    tmp_path: Path, monkeypatch: Any, rng: random.Random, places: Any, fault: Fault
) -> None:
    through, new = places
    monkeypatch.setattr("mvc.remotes.s3.PART", 5 * 1024 * 1024)
    data = rng.randbytes(11_000_000)
    (tmp_path / "pack").write_bytes(data)
    through.at(0, fault)
    new().backend().put("packs/77/a", tmp_path / "pack")
    assert len(through.asked) == 5, "it is begun, three parts, and completed"
    for at in range(1, 6):
        through.refuses = _PutOnly()
        place = new()
        through.at(at, fault)
        RetryingBackend(place.backend(), lambda _: None).put("packs/77/a", tmp_path / "pack")
        there = place.straight().backend
        assert [(each.name, each.size) for each in there.list("")] == [("packs/77/a", len(data))]
        assert there.read_range("packs/77/a", 0, len(data)) == data


def test_a_push_and_a_clone_by_ssh_that_are_cut_anywhere(
    tmp_path: Path, monkeypatch: Any, rng: random.Random, sshd: Sshd, *, deep: bool
) -> None:
    shell, _ = ana(tmp_path, monkeypatch, rng)
    _trusted(monkeypatch, deep=deep)
    rewound = _Rewound(shell, tmp_path / "aside")
    whole = (shell.folder / WEIGHTS).read_bytes()
    with proxy.wire(sshd.port) as wire:
        there = _Ssh(sshd, wire, tmp_path)
        wire.cut_after(None)
        _with(there.remote("whole"), lambda remote: push_main(shell, remote))
        sent = wire.carried
        wire.cut_after(None)
        _with(there.remote("whole"), functools.partial(_clone, tmp_path / "clone", shell, monkeypatch))
        fetched = wire.carried
        for number in range(_CUTS * (10 if deep else 1)):
            rewound.back()
            wire.cut_after(rng.randrange(sent))
            there.try_(f"cut-{number}", lambda remote: push_main(shell, remote))
            wire.cut_after(None)
            _with(there.remote(f"cut-{number}"), lambda remote: _check(shell, remote))
            _with(there.remote(f"cut-{number}"), lambda remote: push_main(shell, remote))
            _with(there.remote(f"cut-{number}"), lambda remote: _check(shell, remote))
            target = tmp_path / f"clone-{number}"
            fill = functools.partial(_clone, target, shell, monkeypatch)
            wire.cut_after(rng.randrange(fetched))
            there.try_("whole", fill)
            wire.cut_after(None)
            if not (target / WEIGHTS).exists():
                _with(there.remote("whole"), fill)
            assert (target / WEIGHTS).read_bytes() == whole


class _Ssh:
    """Folders on a server by SSH, reached through a wire."""

    def __init__(self, sshd: Sshd, wire: proxy.Wire, folder: Path) -> None:
        self._through = replace(sshd, port=wire.port)
        self._folder = folder
        known = folder / "known_hosts"
        known.write_text(f"{self._through.host} {(sshd.folder / 'host.pub').read_text()}")
        self._options = sshd.options | {"known-hosts": str(known)}

    def remote(self, name: str) -> Remote:
        """That folder as a remote."""
        url = self._through.url(self._folder / "remotes" / name)
        return remote_on(connect.connect(address.parse(url, self._folder), self._options))

    def try_(self, name: str, act: Callable[[Remote], object]) -> None:
        """Do something that may end when the wire is cut."""
        with contextlib.suppress(errors.OutOfReach, errors.Damaged, errors.NotThere, errors.NoRemoteYet):
            _with(self.remote(name), act)


def _with(remote: Remote, act: Callable[[Remote], object]) -> None:
    try:
        act(remote)
    finally:
        remote.backend.close()
