"""Clones that are partial in every degree, built once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.porcelain import presence


@pytest.fixture(scope="session")
def clones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clones and the remote of `tests.porcelain.presence`; a test takes copies of them with `presence.place`."""
    top = tmp_path_factory.mktemp("presence")
    with pytest.MonkeyPatch.context() as patch:
        presence.build(top, patch)
    return top
