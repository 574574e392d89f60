"""Whatever call of a push or a fetch goes wrong: the remote is sound, and the same again succeeds and moves only the rest."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.porcelain import clone, pull
from mvc.porcelain.init import make_repository
from mvc.remotes import download_plan
from mvc.remotes.backends import address, connect
from mvc.remotes.backends.backend import Backend
from mvc.remotes.backends.local import LocalBackend
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from tests.cli.shell import Shell
from tests.remotes import errands as errands_module
from tests.remotes.clones import WEIGHTS, ana, folder, push_main, remote_on
from tests.remotes.errands import EXPECTED, Errand, try_twice
from tests.remotes.faults import Fault, Faulty
from tests.servers.sshd import Sshd

_CALLS = {"file": 3, "sftp": 1}
"""Calls of which one goes wrong, for each errand and fault, unless `--deep` asks for all."""
_SENT_AGAIN = (Fault.REFUSED, Fault.CUT)
"""Where a pack that was to be sent is not there."""


class _Places:
    """Folders, as this machine has them or as a server by SSH."""

    def __init__(self, top: Path, sshd: Sshd | None) -> None:
        self._top = top
        self._sshd = sshd

    def straight(self, name: str) -> Backend:
        """One of them, on this machine's disk."""
        return LocalBackend(self._top / name)

    def backend(self, name: str) -> Backend:
        """The same, as a remote."""
        if self._sshd is None:
            return self.straight(name)
        url = self._sshd.url(self._top / name)
        return connect.connect(address.parse(url, self._top), self._sshd.options)


@pytest.fixture(params=sorted(_CALLS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def places(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> _Places:
    return _Places(tmp_path / "remotes", request.getfixturevalue("sshd") if kind == "sftp" else None)


@pytest.mark.parametrize("name", errands_module.NAMES)
@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name)
def test_whatever_call_goes_wrong_all_is_sound_and_a_repeat_moves_only_the_rest(
    tmp_path: Path,
    rng: random.Random,
    kind: str,
    places: _Places,
    errands: dict[str, Errand],
    counts: dict[str, int],
    name: str,
    fault: Fault,
    *,
    deep: bool,
) -> None:
    errand = errands[name]
    expected = EXPECTED if fault in (Fault.REFUSED, Fault.LOST) else (*EXPECTED, errors.Refused)
    if name not in counts:
        well = Faulty(places.backend("first"))
        errand.plant(places.straight("first"))
        errand.do(errand.begin(tmp_path / "first"), well)
        counts[name] = len(well.calls)
    points = range(1, counts[name] + 1)
    for at in points if deep else rng.sample(points, _CALLS[kind]):
        place = str(at)
        errand.plant(places.straight(place))
        tried = try_twice(
            errand,
            tmp_path / place,
            Faulty(places.backend(place), fault, at),
            lambda place=place: places.backend(place),  # type: ignore[misc]
            places.straight(place),
            expected=expected,
            leftovers=fault is Fault.CUT,
        )
        spoilt = "".join(tried.bad[at - 1 : at]).removeprefix("put ") if fault in _SENT_AGAIN else ""
        assert [each for each in tried.sent_twice if each != spoilt] == []


def _always(backend: Faulty) -> Any:
    return lambda *_, **__: contextlib.nullcontext(remote_on(backend))


def _try(repository: Repository, backend: Faulty, shell: Shell) -> bool:
    try:
        clone.fill(repository, remote_on(backend), shell.actor)
    except (errors.OutOfReach, errors.Damaged, errors.NotThere, errors.NoRemoteYet):
        return False
    return True


def _again(repository: Repository, where: Path, shell: Shell) -> None:
    """What the user is told to do: clone again, or pull where a name had come already."""
    models = repository.heads.models()
    if not models:
        clone.fill(repository, folder(where), shell.actor)
    else:
        pull.pull(Model(repository, models[0]), folder(where), shell.actor)


def test_what_came_before_a_cut_is_not_fetched_again(tmp_path: Path, monkeypatch: Any, rng: random.Random) -> None:
    monkeypatch.setattr(download_plan, "BATCH", 200_000)
    shell, _ = ana(tmp_path, monkeypatch, rng, versions=1)
    push_main(shell, folder(tmp_path / "origin"))
    size = (shell.folder / WEIGHTS).stat().st_size
    target = tmp_path / "clone"
    target.mkdir()
    make_repository(target)
    first = Faulty(LocalBackend(tmp_path / "origin"), Fault.REFUSED, 12)
    monkeypatch.setattr("mvc.transport.connection.open_remote", _always(first))
    assert not _try(Repository(target), first, shell)
    came = sum(path.stat().st_size for path in (target / ".mvc" / "packs").rglob("*.pack"))
    assert 0 < came < size
    second = Faulty(LocalBackend(tmp_path / "origin"))
    monkeypatch.setattr("mvc.transport.connection.open_remote", _always(second))
    _again(Repository(target), tmp_path / "origin", shell)
    assert second.read_bytes + came < 1.1 * size
    assert (target / WEIGHTS).read_bytes() == (shell.folder / WEIGHTS).read_bytes()
