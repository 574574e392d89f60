"""Repositories to import into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mvc.model.version import Timestamp
from mvc.porcelain.init import init
from mvc.repository.repository import Actor, Repository
from tests.imports.sources import BEN

Made = Callable[[str], Repository]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """A function that creates an empty repository of that name."""

    def make(name: str) -> Repository:
        (tmp_path / name).mkdir()
        init(tmp_path / name)
        repository = Repository(tmp_path / name)
        repository.operator = lambda: (str(BEN), Timestamp(0))
        return repository

    return make


@pytest.fixture
def ben() -> Actor:
    """Somebody who imports and made nothing of it."""
    return Actor(BEN, Timestamp(1_780_000_000))
