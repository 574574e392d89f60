"""Whatever call of a push or a fetch goes wrong: the remote is sound, and the same again succeeds and sends only the rest."""

from __future__ import annotations

import contextlib
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mvc import errors
from mvc.porcelain import clone, pull
from mvc.porcelain.init import make_repository
from mvc.porcelain.survey import survey
from mvc.remotes import incoming
from mvc.remotes.local import LocalBackend
from mvc.repository.repository import Repository
from tests.cli.shell import Shell
from tests.remotes.clones import WEIGHTS, ana, folder, push_main, remote_on
from tests.remotes.faults import Fault, Faulty


def _sweep(most: int = 200) -> Iterator[int]:
    yield from range(1, most)
    pytest.fail("it never ended")


def _check(shell: Shell, where: Path, *, leftovers: bool = False) -> None:
    """Raise unless the remote is sound, or nothing yet; `leftovers`: but for a metadata pack that was cut, and nothing needs."""
    try:
        report = survey(shell.repository, folder(where), read_data=True)
    except errors.NoRemoteYet:
        return
    assert not report.hits
    assert not [found for found in report.findings if not (leftovers and found.path.startswith("meta/"))]


def _sends(*backends: Faulty) -> Counter[str]:
    return Counter(call for backend in backends for call in backend.calls if call.startswith("put packs/"))


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name)
def test_a_push_of_which_any_call_fails(tmp_path: Path, monkeypatch: Any, rng: random.Random, fault: Fault) -> None:
    shell, _ = ana(tmp_path, monkeypatch, rng)
    monkeypatch.setattr("mvc.porcelain.push._trust", lambda *_: None)  # of which the calls are many, and others' matter
    pristine = tmp_path / "pristine"
    shutil.copytree(shell.folder, pristine)
    for at in _sweep():
        shutil.rmtree(shell.folder)
        shutil.copytree(pristine, shell.folder)
        where = tmp_path / f"remote-{at}"
        bad = Faulty(LocalBackend(where), fault, at)
        with contextlib.suppress(errors.OutOfReach, errors.Damaged):
            push_main(shell, remote_on(bad))
        _check(shell, where, leftovers=fault is Fault.CUT)
        again = Faulty(LocalBackend(where))
        push_main(shell, remote_on(again))
        _check(shell, where)
        twice = [call for call, times in _sends(bad, again).items() if times > 1]
        assert not twice or (fault in (Fault.REFUSED, Fault.CUT) and twice == [bad.calls[at - 1]])
        if len(bad.calls) < at:
            break


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name)
def test_a_clone_of_which_any_call_fails(tmp_path: Path, monkeypatch: Any, rng: random.Random, fault: Fault) -> None:
    shell, _ = ana(tmp_path, monkeypatch, rng)
    where = tmp_path / "origin"
    push_main(shell, folder(where))
    for at in _sweep():
        target = tmp_path / f"clone-{at}"
        target.mkdir()
        make_repository(target)
        bad = Faulty(LocalBackend(where), fault, at)
        repository = Repository(target)
        monkeypatch.setattr("mvc.porcelain.reaching.reach", _always(bad))
        done = _try(repository, bad, shell)
        if not done:
            assert not (target / WEIGHTS).exists()
            monkeypatch.setattr("mvc.porcelain.reaching.reach", _always(Faulty(LocalBackend(where))))
            _again(Repository(target), where, shell)
        assert (target / WEIGHTS).read_bytes() == (shell.folder / WEIGHTS).read_bytes()
        if len(bad.calls) < at:
            break


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
        pull.pull(repository, models[0], folder(where), shell.actor)


def test_what_came_before_a_cut_is_not_fetched_again(tmp_path: Path, monkeypatch: Any, rng: random.Random) -> None:
    monkeypatch.setattr(incoming, "BATCH", 200_000)
    shell, _ = ana(tmp_path, monkeypatch, rng, versions=1)
    push_main(shell, folder(tmp_path / "origin"))
    size = (shell.folder / WEIGHTS).stat().st_size
    target = tmp_path / "clone"
    target.mkdir()
    make_repository(target)
    first = Faulty(LocalBackend(tmp_path / "origin"), Fault.REFUSED, 12)
    monkeypatch.setattr("mvc.porcelain.reaching.reach", _always(first))
    assert not _try(Repository(target), first, shell)
    came = sum(path.stat().st_size for path in (target / ".mvc" / "packs").rglob("*.pack"))
    assert 0 < came < size
    second = Faulty(LocalBackend(tmp_path / "origin"))
    monkeypatch.setattr("mvc.porcelain.reaching.reach", _always(second))
    _again(Repository(target), tmp_path / "origin", shell)
    assert second.read_bytes + came < 1.1 * size
    assert (target / WEIGHTS).read_bytes() == (shell.folder / WEIGHTS).read_bytes()
