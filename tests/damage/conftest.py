"""What tests of damage have in common."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.harness import memory_folder


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is one: nothing here depends on the disk, and a disk is slow to make folders."""
    with memory_folder(tmp_path) as folder:
        yield folder
