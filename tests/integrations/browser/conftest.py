"""One browser, and the exported pages that it visits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integrations.browser import exported, hostile
from tests.integrations.browser.browser import Browser
from tests.integrations.browser.browser import browser as running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with running() as found:
        yield found


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose name a browser must escape."""
    path = tmp_path_factory.mktemp("pages") / "a page #1"
    path.mkdir()
    return path


@pytest.fixture(scope="session")
def repository(folder: Path) -> Path:
    """The repository of the example."""
    return exported.example(folder.parent / "example")


@pytest.fixture(scope="session")
def example(folder: Path, repository: Path) -> Path:
    """The exported page of the example."""
    return exported.export(repository, folder / "example")


@pytest.fixture(scope="session")
def trap(folder: Path) -> Path:
    """The exported page of a repository whose texts are markup."""
    return exported.export(hostile.repository(folder.parent / "trap"), folder / "trap")
