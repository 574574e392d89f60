"""The kinds of backends that tests run on: for each what gives an empty place of that kind, as its URL and settings.

To add one, write `def at_NAME(request, folder)` and put it into PLACES; servers are fixtures of the session in conftest.py,
asked for with `request.getfixturevalue`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.cloud import Cloud
from tests.servers.sshd import Sshd

Place = tuple[str, dict[str, str]]
Places = Callable[[pytest.FixtureRequest, Path], Place]


def at_file(request: pytest.FixtureRequest, folder: Path) -> Place:
    return str(folder / "place"), {}


def at_sftp(request: pytest.FixtureRequest, folder: Path) -> Place:
    server: Sshd = request.getfixturevalue("sshd")
    return server.url(folder / "place"), server.options


def at_cloud(kind: str) -> Places:
    """What gives a place on the server of that kind."""

    def at(request: pytest.FixtureRequest, folder: Path) -> Place:
        server: Cloud = request.getfixturevalue("clouds")(kind)
        patch = request.getfixturevalue("monkeypatch")
        for name, value in server.environ.items():
            patch.setenv(name, value)
        return server.place(), server.options

    return at


PLACES: dict[str, Places] = {
    "file": at_file,
    "sftp": at_sftp,
    "s3": at_cloud("s3"),
    "gs": at_cloud("gs"),
    "az": at_cloud("az"),
}
"""Those that keep what they promise."""
