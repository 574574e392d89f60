"""Histories that dvc itself writes, in the layout of its cache since DVC 3."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.integrations.dvc import histories

pytestmark = pytest.mark.filterwarnings("ignore")


def test_what_comes_in_is_what_dvc_checks_out(tmp_path: Path, rng: random.Random, deep: bool) -> None:
    for number in range(30 if deep else 2):
        history = histories.DvcHistory(tmp_path / f"code{number}", rng).write(6)
        histories.unchanged(history, tmp_path / f"dry{number}")
        histories.compare(history, tmp_path / f"here{number}")
