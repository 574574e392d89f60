"""What the stand-in Hub has of the one repository of these tests."""

from __future__ import annotations

from tests.servers.huggingface import Hub, Repository

URL = "hf://acme/helmet"


def repository(hub: Hub) -> Repository:
    return hub.repositories["acme/helmet"]


def tip(hub: Hub) -> dict[str, bytes]:
    """The files of branch main."""
    there = repository(hub)
    return {path: blob.data for path, blob in there.commits[there.branches["main"]].files.items()}
