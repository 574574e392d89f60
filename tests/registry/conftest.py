"""A platform of the tests' own for each test, the registry on it through the real SDK, and time that passes by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from mvc.registry.picsellia import adapter as picsellia
from mvc.registry.picsellia import sdk
from mvc.registry.picsellia.adapter import PicselliaRegistry
from tests.crash.harness import memory_folder
from tests.servers.picsellia import ORGANIZATION, TOKEN, Platform, Rules, serve

TIMEOUTS = (2.0, 2.0)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the SDK and mvc would have waited between tries, instead of waiting."""
    waited: list[float] = []
    monkeypatch.setattr(sdk.load("picsellia.decorators"), "time", SimpleNamespace(sleep=waited.append))
    return waited


@pytest.fixture
def rules() -> Rules:
    """What the platform does where the real one is not known; a test may change them before it asks for `platform`."""
    return Rules()


@pytest.fixture
def platform(rules: Rules) -> Iterator[Platform]:
    """An empty platform that is being served."""
    platform = Platform(rules)
    with serve(platform):
        yield platform


@pytest.fixture
def connect(platform: Platform, naps: list[float]) -> Iterator[Callable[..., PicselliaRegistry]]:
    """`connect()` is a registry on the platform, as a run of mvc has one."""
    made: list[PicselliaRegistry] = []

    def one(**options: object) -> PicselliaRegistry:
        given = {"host": platform.host, "timeouts": TIMEOUTS, "sleep": naps.append, "token": TOKEN, **options}
        organization = str(given.pop("organization", ORGANIZATION))
        made.append(picsellia.connect(organization, **given))  # type: ignore[arg-type]
        return made[-1]

    yield one
    for each in made:
        each.close()


@pytest.fixture
def registry(connect: Callable[..., PicselliaRegistry]) -> PicselliaRegistry:
    return connect()


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is one: nothing here depends on the disk, and a disk is slow to make folders."""
    with memory_folder(tmp_path) as folder:
        yield folder
