"""Between a client and a real server: whatever request goes wrong, the remote is sound and the same again moves only the rest."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.porcelain.fsck_remote import survey
from mvc.porcelain.push import push
from mvc.remotes.backends import address, connect, sftp_session
from mvc.remotes.backends.backend import Backend
from mvc.remotes.backends.cloud import CloudBackend
from mvc.remotes.backends.local import LocalBackend
from mvc.remotes.backends.retry import RetryingBackend
from mvc.remotes.remote import Remote
from mvc.repository.model import Model
from mvc.storage.records.reflog import HEADS, TAGS, RefName
from mvc.transport.refspec import RefUpdate
from tests.cli.shell import MODEL, Shell
from tests.remotes import errands as errands_module
from tests.remotes.clones import MAIN, ana, push_main, remote_on
from tests.remotes.errands import EXPECTED, Errand, try_twice
from tests.remotes.faults import Faulty
from tests.servers import proxy
from tests.servers.cloud import Cloud, remember_what_s3_is
from tests.servers.proxy import AFTER, Fault, HttpProxy, WireFault
from tests.servers.sshd import Sshd

_POINTS = 1
"""Requests of which one goes wrong, for each errand and fault, unless `--deep` asks for all."""
_HASTE = 0.4
"""Seconds that a client waits for an answer that never comes."""
_UNDONE = {Fault.UNHEARD, Fault.TOO_MANY, Fault.BROKEN, Fault.AWAY}
"""Where the server does nothing."""

each_errand = pytest.mark.parametrize("name", errands_module.NAMES)
each_fault = pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name)
each_mendable = pytest.mark.parametrize(
    "fault", [each for each in Fault if each is not Fault.FLIPPED], ids=lambda fault: fault.name
)


class Place:
    """An empty place on S3, reached through the proxy or not."""

    def __init__(self, through: HttpProxy, cloud: Cloud, beside: CloudBackend) -> None:
        self._through = through
        self._address = address.parse(cloud.place(), Path("/"))
        self._beside = beside

    def backend(self, *, hasty: bool = False) -> Backend:
        """Through the proxy, which is told nothing, as another program would; `hasty`: it does not wait long."""
        with pytest.MonkeyPatch.context() as patch:
            if hasty:
                patch.setattr("mvc.remotes.backends.s3._READ_TIMEOUT", _HASTE)
            return connect.connect(self._address, {"endpoint": self._through.url})

    def straight(self) -> Backend:
        """By the server itself, with the connection that there is: to make one takes longer than many requests."""
        return CloudBackend(self._address, self._beside._filesystem, self._beside._dialect)


@pytest.fixture
def places(
    clouds: Callable[[str], Cloud], monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[HttpProxy, Callable[[], Place]]]:
    """A proxy in front of S3, and what gives new places there."""
    cloud = clouds("s3")
    for name, value in cloud.environ.items():
        monkeypatch.setenv(name, value)
    remember_what_s3_is(monkeypatch)
    beside = connect.connect(address.parse(cloud.place(), Path("/")), cloud.options)
    assert isinstance(beside, CloudBackend)
    with proxy.http_proxy(int(cloud.options["endpoint"].rpartition(":")[2])) as through:
        yield through, lambda: Place(through, cloud, beside)


def _patient(backend: Backend, waited: list[float] | None = None) -> Backend:
    return RetryingBackend(backend, (waited if waited is not None else []).append)


def _check(shell: Shell, remote: Remote) -> None:
    """Raise unless the remote is sound."""
    report = survey(shell.repository, remote, read_data=True)
    assert not report.hits
    assert not report.findings


def _requests(errand: Errand, folder: Path, through: HttpProxy, place: Place) -> list[proxy.Request]:
    """Those of an errand that goes well."""
    errand.plant(place.straight())
    through.well()
    errand.do(errand.begin(folder), place.backend())
    return through.asked


@pytest.fixture
def points(
    tmp_path: Path,
    rng: random.Random,
    places: Any,
    errands: dict[str, Errand],
    counts: dict[str, int],
    name: str,
    *,
    deep: bool,
) -> list[int]:
    """Requests of an errand of which one goes wrong: with `--deep` all."""
    through, new = places
    if name not in counts:
        counts[name] = len(_requests(errands[name], tmp_path / "first", through, new()))
    every = range(1, counts[name] + 1)
    return list(every) if deep else sorted(rng.sample(every, _POINTS))


@each_errand
@each_fault
def test_whatever_request_goes_wrong_nothing_is_lost(
    tmp_path: Path,
    rng: random.Random,
    places: Any,
    errands: dict[str, Errand],
    points: list[int],
    name: str,
    fault: Fault,
    *,
    deep: bool,
) -> None:
    """Without retries and repeated, or with retries: both with --deep, else one that is drawn."""
    ways = [_repeated, _retried] if fault is not Fault.FLIPPED else [_repeated]
    for way in ways if deep else [rng.choice(ways)]:
        for at in points:
            way(tmp_path / f"{way.__name__}{at}", places, errands[name], at, fault)


def _repeated(folder: Path, places: Any, errand: Errand, at: int, fault: Fault) -> None:
    """All is sound, and the same again moves only the rest."""
    through, new = places
    expected = (*EXPECTED, errors.Refused) if fault is Fault.FLIPPED else EXPECTED  # it may look as if it were bad
    place = new()
    errand.plant(place.straight())
    bad = Faulty(place.backend(hasty=fault is Fault.LATE))
    spoilt: list[proxy.Request] = []

    def good() -> Backend:
        spoilt.extend(through.asked[at - 1 : at])
        through.well()
        backend: Backend = place.backend()
        return backend

    through.at(at, fault)
    tried = try_twice(errand, folder, bad, good, place.straight(), expected=expected)
    undone = spoilt[0].path if spoilt and fault in _UNDONE else ""
    assert [each for each in tried.sent_twice if each not in undone] == []


def _retried(folder: Path, places: Any, errand: Errand, at: int, fault: Fault) -> None:
    """With retries it succeeds."""
    through, new = places
    place, waited = new(), list[float]()
    errand.plant(place.straight())
    repository = errand.begin(folder)
    through.at(at, fault)
    errand.do(repository, _patient(place.backend(hasty=fault is Fault.LATE), waited))
    assert fault is not Fault.TOO_MANY or len(through.asked) < at or max(waited) >= AFTER
    assert errand.is_done(repository, remote_on(place.straight()))
    errand.check(repository, remote_on(place.straight()))


_LONG = 65 << 20
"""Bytes of a long pack: about one in a run, and each with `--deep`."""
_LONG_ENOUGH = 6 << 20
"""Bytes of the others: more than the least part of an upload in parts."""


class _PutOnly:
    """A policy that lets nobody remove or replace anything."""

    def __init__(self, through: HttpProxy) -> None:
        self._through = through
        self.refused: list[proxy.Request] = []

    def __call__(self, request: proxy.Request) -> bool:
        path, puts = request.path.partition("?")[0], request.method == "PUT"
        removes = request.method == "DELETE" or (request.method == "POST" and "delete" in request.path)
        replaces = puts and path in self._through.stored and not request.conditional
        if removes or replaces:
            self.refused.append(request)
            return True
        return False


def test_every_push_passes_where_nothing_may_be_removed_or_replaced(
    tmp_path: Path, monkeypatch: Any, rng: random.Random, places: Any
) -> None:
    through, new = places
    policy = through.refuses = _PutOnly(through)
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
    done = push(Model(shell.repository, MODEL), remote_on(place.backend()), [_main(shell)], shell.actor, tries=2)
    assert done.rebased == 1
    shell.ok("tag", "release")
    tag, side = RefName(MODEL, TAGS, "release"), RefName(MODEL, HEADS, "side")
    tip = shell.repository.refs.target(MAIN)
    assert tip is not None
    push(
        Model(shell.repository, MODEL),
        remote_on(place.backend()),
        [RefUpdate(tag, tip), RefUpdate(side, tip)],
        shell.actor,
    )
    push(Model(shell.repository, MODEL), remote_on(place.backend()), [RefUpdate(side, None)], shell.actor)
    assert [
        each for each in policy.refused if "/probe/" not in each.path
    ] == []  # a probe tries to tidy up after itself
    _check(shell, remote_on(place.straight()))


def _main(shell: Shell) -> RefUpdate:
    tip = shell.repository.refs.target(MAIN)
    assert tip is not None
    return RefUpdate(MAIN, tip, "main")


def test_a_lost_answer_does_not_stop_a_push_where_nothing_may_be_replaced(
    tmp_path: Path, rng: random.Random, places: Any, errands: dict[str, Errand], *, deep: bool
) -> None:
    (through, new), errand = places, errands["first-push"]
    asked = _requests(errand, tmp_path / "first", through, new())
    sends = [number for number, each in enumerate(asked, 1) if each.method == "PUT"]
    for at in sends if deep else rng.sample(sends, 3):
        repository, place = errand.begin(tmp_path / str(at)), new()
        through.refuses = _PutOnly(through)
        through.at(at, Fault.UNANSWERED)
        errand.do(repository, _patient(place.backend()))
        assert errand.is_done(repository, remote_on(place.straight()))
        errand.check(repository, remote_on(place.straight()))


@each_mendable
def test_a_long_pack_goes_in_one_request_and_arrives_whole_whatever_goes_wrong_once(
    tmp_path: Path, rng: random.Random, places: Any, fault: Fault, *, deep: bool
) -> None:
    through, new = places
    data = rng.randbytes(_LONG if deep or rng.random() < 1 / len(Fault) else _LONG_ENOUGH)
    (tmp_path / "pack").write_bytes(data)
    place = new()
    through.refuses = _PutOnly(through)
    through.at(1, fault)
    _patient(place.backend(hasty=fault is Fault.LATE)).put("packs/77/a", tmp_path / "pack")
    assert {each.method for each in through.asked} <= {"PUT", "GET"}, "one that is done in doubt is looked for"
    assert {each.path.rpartition("/")[2] for each in through.asked if each.method == "PUT"} == {"a"}
    there = place.straight()
    assert [(each.name, each.size) for each in there.list("")] == [("packs/77/a", len(data))]
    assert there.read_range("packs/77/a", 0, len(data)) == data


# --- by SSH -----------------------------------------------------------------------------------------------------------

_BLOCKS = 1
"""Those of which one goes wrong, for each errand and fault; with `--deep` 25 times as many."""
_PATIENCE = 0.5
"""Seconds that a client waits for a server that says nothing any more; one that gives up too soon is only another fault."""


@each_errand
@pytest.mark.parametrize("fault", list(WireFault), ids=lambda fault: fault.name)
def test_whatever_goes_wrong_by_ssh_all_is_sound_and_a_repeat_moves_only_the_rest(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rng: random.Random,
    sshd: Sshd,
    errands: dict[str, Errand],
    counts: dict[str, int],
    name: str,
    fault: WireFault,
    *,
    deep: bool,
) -> None:
    errand = errands[name]
    with proxy.wire(sshd.port) as wire:
        there = _Ssh(sshd, wire, tmp_path)
        if f"{name} by SSH" not in counts:
            errand.plant(there.straight("first"))
            wire.at(None, fault)
            errand.do(errand.begin(tmp_path / "first"), there.backend("first"))
            counts[f"{name} by SSH"] = wire.blocks
        for at in rng.sample(range(1, counts[f"{name} by SSH"] + 1), _BLOCKS * (25 if deep else 1)):
            errand.plant(there.straight(str(at)))
            wire.at(at, fault)
            monkeypatch.setattr(sftp_session, "_SECONDS", _PATIENCE)

            def good(at: int = at) -> Backend:
                wire.at(None, fault)
                monkeypatch.setattr(sftp_session, "_SECONDS", 30)
                return there.backend(str(at))

            bad = Faulty(there.backend(str(at)))
            tried = try_twice(errand, tmp_path / str(at), bad, good, there.straight(str(at)))
            assert tried.sent_twice in ([], *([call.removeprefix("put ")] for call in tried.bad[-3:]))
            shutil.rmtree(tmp_path / str(at))


class _Ssh:
    """Folders on a server by SSH, reached through a wire."""

    def __init__(self, sshd: Sshd, wire: proxy.Wire, folder: Path) -> None:
        self._through = replace(sshd, port=wire.port)
        self._folder = folder
        known = folder / "known_hosts"
        known.write_text(f"{self._through.host} {(sshd.folder / 'host.pub').read_text()}")
        self._options = sshd.options | {"known-hosts": str(known)}

    def backend(self, name: str) -> Backend:
        """That folder, through the wire."""
        url = self._through.url(self._folder / "remotes" / name)
        return connect.connect(address.parse(url, self._folder), self._options)

    def straight(self, name: str) -> Backend:
        """That folder, as it lies on the disk of the server."""
        return LocalBackend(self._folder / "remotes" / name)
