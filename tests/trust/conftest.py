"""Ana's repository as somebody else made it: its settings name hosts that she never approved; and such a host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mvc.backoff import Backoff
from tests.cli.shell import Shell, begin
from tests.servers.scripted import Reply, Scripted, scripted

CANARY = "canary-7f3a"
SECRETS = {
    "PICSELLIA_TOKEN": CANARY,
    "AWS_ACCESS_KEY_ID": CANARY,
    "AWS_SECRET_ACCESS_KEY": CANARY,
    "AWS_SESSION_TOKEN": CANARY,
    "AZURE_STORAGE_ACCOUNT_NAME": "hers",
    "AZURE_STORAGE_ACCOUNT_KEY": "Y2FuYXJ5LTdmM2E=",
}
"""What Ana's environment holds."""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: Any) -> Shell:
    """A repository with one version and no remote."""
    (tmp_path / "ana").mkdir()
    shell = begin(tmp_path / "ana", monkeypatch)
    shell.set(parameters__lr=1)
    shell.commit("one")
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("mvc.remotes.backends.retry.BACKOFF", Backoff(attempts=1, first=0.0, longest=0.0))
    return shell


@pytest.fixture
def evil() -> Iterator[Scripted]:
    """A host that refuses everybody, and keeps what it was sent."""
    with scripted("127.0.0.2") as server:
        server.reply = lambda _: Reply(403)
        yield server


def given(shell: Shell, name: str, url: str, **options: str) -> None:
    """Write a remote into the repository's settings, as whoever made the repository could: nobody typed it."""
    settings = {key.replace("_", "-"): value for key, value in options.items()}
    shell.repository.config.set_remote(name, {"url": url, **settings})


def seen(evil: Scripted) -> str:
    """Everything that the host was sent."""
    return "\n".join(f"{each.method} {each.path} {dict(each.headers)} {each.body!r}" for each in evil.asked)
