"""Each folder has what its environment is made of; outside of that environment, its tests are named as skipped."""

from __future__ import annotations

import re

import pytest

from tests.integrations import main


@pytest.mark.parametrize("name", main.names())
def test_runs_in_its_own_environment(name: str) -> None:
    lines = [
        line for file in (main.HERE / name).glob("*.txt") for line in file.read_text(encoding="utf-8").splitlines()
    ]
    packages = [line.partition("#")[0].strip() for line in lines]
    assert [line for line in packages if line and not re.fullmatch(r"[\w.\[\],-]+==[\w.]+", line)] == [], "not pinned"
    assert [*(main.HERE / name).glob("test_*.py")], "no test"
    pytest.skip(f"run by make test-integrations ARGS={name}, in an environment of its own")
