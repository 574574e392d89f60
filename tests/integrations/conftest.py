"""The tests of a folder are collected in its own environment only."""

from __future__ import annotations

from pathlib import Path

from tests.integrations import main


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Elsewhere their imports would fail; `test_environments.py` says that they were not run."""
    within = collection_path.relative_to(main.HERE).parts
    return True if within and within[0] in main.names() and not main.is_within(within[0]) else None
