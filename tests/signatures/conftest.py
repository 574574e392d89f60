"""The keys of the tests of signatures."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.signatures.keys import Keys


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory, requires: Callable[[str], str]) -> Keys:
    """Ed25519 keys of Ana and Ben, as `ssh-keygen` makes them."""
    requires("ssh-keygen")
    keys = Keys(tmp_path_factory.mktemp("keys"))
    keys.make("ana")
    keys.make("ben")
    return keys
