"""Clones that are partial in every degree, built once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.harness import memory_folder
from tests.porcelain import presence


@pytest.fixture(scope="session")
def clones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clones and the remote of `tests.porcelain.presence`; a test takes copies of them with `presence.place`."""
    top = tmp_path_factory.mktemp("presence")
    with pytest.MonkeyPatch.context() as patch:
        presence.build(top, patch)
    return top


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is one: nothing here depends on the disk, and a disk is slow to make folders."""
    with memory_folder(tmp_path) as folder:
        yield folder
