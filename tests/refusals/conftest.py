"""Prepared repositories, each made once, and a copy of one for each test, in memory where that can be had."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash.harness import fresh_copy, memory_folder
from tests.refusals.cases import Prepare


@pytest.fixture(scope="session")
def _memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with memory_folder(tmp_path_factory.mktemp("refusals")) as folder:
        yield folder


@pytest.fixture(scope="session")
def _prepared(_memory: Path) -> Callable[[Prepare], Path]:
    made: dict[Prepare, Path] = {}

    def get(prepare: Prepare) -> Path:
        if prepare not in made:
            made[prepare] = _memory / f"prepared-{len(made)}"
            made[prepare].mkdir()
            prepare(made[prepare])
        return made[prepare]

    return get


@pytest.fixture
def copy(_memory: Path, _prepared: Callable[[Prepare], Path]) -> Callable[[Prepare], Path]:
    """`copy(two_versions)` is a folder of this test's own with what that preparation makes."""
    return lambda prepare: fresh_copy(_prepared(prepare), _memory / "copy" / "root")
