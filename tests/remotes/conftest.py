"""Servers, one of each for a worker, and an empty place on each kind of backend."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mvc.remotes.backends import address, connect
from mvc.remotes.backends.backend import Backend
from tests.conftest import absent
from tests.remotes import errands as errands_module
from tests.remotes import hostile
from tests.remotes.backends import PLACES, Place
from tests.remotes.errands import Errand
from tests.servers.cloud import BAD, SERVERS, Cloud, has_azurite
from tests.servers.sshd import Sshd, serve


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory, requires: Callable[[str], str]) -> Iterator[Sshd]:
    with serve(_sshd(requires), tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def sshd_with(
    tmp_path_factory: pytest.TempPathFactory, requires: Callable[[str], str]
) -> Iterator[Callable[[str], Sshd]]:
    """`sshd_with("internal-sftp -R")` is a server that serves SFTP by that command."""
    with contextlib.ExitStack() as stack:
        yield lambda sftp: stack.enter_context(serve(_sshd(requires), tmp_path_factory.mktemp("sshd"), sftp))


def _sshd(requires: Callable[[str], str]) -> str:
    return shutil.which("sshd", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"])) or requires("sshd")


@pytest.fixture(scope="module")
def counts() -> dict[str, int]:
    """How many calls or requests an errand takes that goes well, in this module, once somebody has counted them."""
    return {}


@pytest.fixture(scope="session")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Cloud]]:
    """`clouds("s3")` is a store of that kind, started when first asked for, stopped with the session."""
    started: dict[str, Cloud] = {}
    with contextlib.ExitStack() as stack:

        def cloud(kind: str) -> Cloud:
            if kind == "az" and not has_azurite():
                absent("Azurite is not installed (.ci/run does it)")
            if kind not in started:
                started[kind] = stack.enter_context({**SERVERS, **BAD}[kind](tmp_path_factory.mktemp(kind)))
            return started[kind]

        yield cloud


@pytest.fixture(scope="session")
def _altered_later(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        hostile.build(folder, patch)
        yield folder


@pytest.fixture
def world(_altered_later: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> hostile.World:
    """A good remote that a test may alter, and a clone of it."""
    shutil.copytree(_altered_later, tmp_path / "world")
    return hostile.World(tmp_path / "world", monkeypatch)


@pytest.fixture(scope="session")
def _errands(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Errand]:
    with pytest.MonkeyPatch.context() as patch:
        return errands_module.build(tmp_path_factory.mktemp("errands"), patch)


@pytest.fixture
def errands(_errands: dict[str, Errand], monkeypatch: pytest.MonkeyPatch) -> dict[str, Errand]:
    """What people do with a remote, by name, with little to do for each call."""
    errands_module.small(monkeypatch)
    return _errands


@pytest.fixture(params=sorted(PLACES))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty place, once on each kind of backend."""
    return PLACES[request.param](request, tmp_path)


@pytest.fixture
def backend(place: Place, tmp_path: Path) -> Iterator[Backend]:
    """An empty place, once on each kind of backend, opened."""
    url, options = place
    opened = connect.connect(address.parse(url, tmp_path), options)
    yield opened
    opened.close()
