"""Servers, one of each for a worker, and an empty place on each kind of backend."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mvc.remotes.backend import Backend
from tests.remotes.backends import OPENERS
from tests.servers.sshd import Sshd, serve


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory, requires: Callable[[str], str]) -> Iterator[Sshd]:
    program = shutil.which("sshd", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"])) or requires("sshd")
    with serve(program, tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(params=sorted(OPENERS))
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    opened = OPENERS[request.param](request, tmp_path)
    yield opened
    opened.close()
