"""A stand-in of the Hub on this machine, to which nothing but its own token is sent."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import _http

from tests.servers import picsellia
from tests.servers.huggingface import TOKEN, Hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The Hub at HF_ENDPOINT, approved, with the token in HF_TOKEN; the library's own waits take no time."""
    hub = Hub()
    with picsellia.serve(hub) as host:
        monkeypatch.setenv("HF_ENDPOINT", host)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("MVC_TRUSTED_HOSTS", host.removeprefix("http://"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nonexistent/token")
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(_http, "time", SimpleNamespace(sleep=lambda _: None))
        yield hub
        _http.close_session()
