"""Fixtures: a fake platform for each test, a registry on it through the real SDK, and sleeps that do not wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from mvc.registry.picsellia import adapter as picsellia
from mvc.registry.picsellia import sdk
from mvc.registry.picsellia.adapter import PicselliaRegistry
from tests.servers.picsellia import ORGANIZATION, TOKEN, Platform, serve
from tests.servers.picsellia_rules import Rules, usual

TIMEOUTS = (2.0, 2.0)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the SDK and mvc would have waited between attempts."""
    waited: list[float] = []
    monkeypatch.setattr(sdk.load("picsellia.decorators"), "time", SimpleNamespace(sleep=waited.append))
    return waited


@pytest.fixture
def rules(request: pytest.FixtureRequest) -> Rules:
    """Behaviour of the platform where the real one is unknown; a test may change it before it requests `platform`.

    `both_platforms` runs a test against each.
    """
    made: Callable[[], Rules] = getattr(request, "param", usual)
    return made()


@pytest.fixture
def platform(rules: Rules) -> Iterator[Platform]:
    """An empty platform that serves requests."""
    platform = Platform(rules)
    with serve(platform):
        yield platform


@pytest.fixture
def connect(platform: Platform, naps: list[float]) -> Iterator[Callable[..., PicselliaRegistry]]:
    """A function that connects to the platform as a run of mvc does."""
    made: list[PicselliaRegistry] = []

    def one(**options: object) -> PicselliaRegistry:
        arguments = {"host": platform.host, "timeouts": TIMEOUTS, "sleep": naps.append, "token": TOKEN, **options}
        organization = str(arguments.pop("organization", ORGANIZATION))
        made.append(picsellia.connect(organization, **arguments))  # type: ignore[arg-type]
        return made[-1]

    yield one
    for connected in made:
        connected.close()


@pytest.fixture
def registry(connect: Callable[..., PicselliaRegistry]) -> PicselliaRegistry:
    return connect()
