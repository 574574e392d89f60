"""The distributions of these sources, built once a run."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from mvc import lazy
from tests.conftest import absent
from tests.release import dist

NOT_SOURCES = shutil.ignore_patterns(".git", ".venv", "build", "dist", ".*_cache", ".hypothesis", "__pycache__")


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel. The first of the processes that run tests builds them, the others wait."""
    for module in ("build", "hatchling", "twine"):
        if not lazy.installed(module):
            absent(f"{module} is not installed")
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "distributions"
    with (shared / "distributions.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _build(folder, shared / "sources")
    return folder


def _build(folder: Path, sources: Path) -> None:
    """Build from a copy, which leaves the folders of the project as they are."""
    shutil.rmtree(sources, ignore_errors=True)
    shutil.copytree(dist.TOP, sources, ignore=NOT_SOURCES, symlinks=True)
    made = folder.with_suffix(".part")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    dist.make(sources, made)
    made.rename(folder)


@pytest.fixture(scope="session")
def wheel(distributions: Path) -> Path:
    """The wheel."""
    (path,) = distributions.glob("*.whl")
    return path
