"""Repositories with which many tests begin: each is built once in a process, and copied for a test."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.cli.shell import Shell, begin

Built = TypeVar("Built")
Build = Callable[..., Built]
"""A function that adds to a model without a version, and returns the same for each copy: a shell and values."""


def copy(build: Build[Any], folder: Path, monkeypatch: pytest.MonkeyPatch, *values: object) -> Shell:
    """Return a copy in `folder` of what `build` makes of a model without a version, at the time at which it ended."""
    original, _, seconds = _original(build, *values)
    shutil.copytree(original, folder, symlinks=True, dirs_exist_ok=True)
    shell = Shell(folder, monkeypatch)
    shell.tick(seconds)
    return shell


def into(shell: Shell, build: Build[Built]) -> Built:
    """Replace a model without a version by such a copy."""
    made: Built
    original, made, seconds = _original(build)
    shutil.rmtree(shell.folder / ".mvc")
    shutil.copytree(original, shell.folder, symlinks=True, dirs_exist_ok=True)
    shell.tick(seconds)
    return made


@functools.cache
def _original(build: Build[Built], *values: object) -> tuple[Path, Built, int]:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with pytest.MonkeyPatch.context() as patch:
        shell = begin(folder, patch)
        return folder, build(shell, *values), shell.elapsed
