"""The kinds of backends that the conformance suite runs: a name, and what opens an empty place of that kind.

To add one, write `def open_NAME(request, folder) -> Backend` and put it into OPENERS; servers are fixtures of the session
in conftest.py, asked for with `request.getfixturevalue`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mvc.remotes import address, connect
from mvc.remotes.backend import Backend
from tests.servers.sshd import Sshd

Opener = Callable[[pytest.FixtureRequest, Path], Backend]


def open_file(request: pytest.FixtureRequest, folder: Path) -> Backend:
    return connect.connect(address.parse(str(folder / "place"), folder), {})


def open_sftp(request: pytest.FixtureRequest, folder: Path) -> Backend:
    server: Sshd = request.getfixturevalue("sshd")
    return connect.connect(address.parse(server.url(folder / "place"), folder), server.options)


OPENERS: dict[str, Opener] = {"file": open_file, "sftp": open_sftp}
