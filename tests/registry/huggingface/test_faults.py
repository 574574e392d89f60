"""Whatever goes wrong with a call: nothing wrong is published or recorded, and the next try completes it."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mvc.registry.hubs import version_objects
from tests.cli.shell import Said, Shell
from tests.registry import histories
from tests.registry.huggingface.published import URL, repository, tip
from tests.servers.huggingface import Hub
from tests.servers.picsellia import Fault
from tests.servers.picsellia_wire import Call

ROUNDS, DEEP_ROUNDS = 14, 150
FAULTS = (
    Fault(),
    Fault(after=True),
    *(Fault(status) for status in (401, 403, 404, 429, 500, 503)),
    Fault(garbage=True),
    Fault(cut=7),
)
WRONG_BYTES = Fault(flip=True)
"""For answers with the bytes of files: what else a bit in an answer means, TLS alone can say."""
CODES = {0, 2, 12, 13, 15, 128}


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hub: Hub) -> Shell:
    """A repository of three versions, one of them on a branch."""
    shell = histories.small(tmp_path / "ana", monkeypatch)
    shell.write("weights/best.onnx", random.Random(1).randbytes(50_000))
    shell.commit("Larger")
    shell.ok("switch", "-q", "-c", "night")
    shell.set(metrics__mAP50=0.5)
    shell.commit("Measured")
    shell.ok("tag", "2026.1", "HEAD")
    return shell


@contextlib.contextmanager
def _failing(hub: Hub, number: int, fault: Fault) -> Iterator[None]:
    """Let the call of that number fail, once."""
    count = 0

    def faults(call: Call) -> Fault | None:
        nonlocal count
        count += 1
        return fault if count - 1 == number else None

    hub.faults = faults
    try:
        yield
    finally:
        hub.faults = lambda _: None


def _rounds(deep: bool, rng: random.Random, hub: Hub, act: Callable[[], Said]) -> Iterator[tuple[str, int, Fault]]:
    """Each round: which call goes wrong, and how."""
    before = len(hub.calls)
    assert act().code == 0
    calls = hub.calls[before:]
    for _ in range(DEEP_ROUNDS if deep else ROUNDS):
        number = rng.randrange(len(calls))
        has_bytes = any(part in calls[number].path for part in ("/resolve/", "/storage/"))
        fault = rng.choice((*FAULTS, *([WRONG_BYTES] * 3 if has_bytes else ())))
        yield f"{calls[number].method} {calls[number].path} {fault}", number, fault


def _check_hub(hub: Hub) -> None:
    """Every version there is whole, under its own name."""
    if "acme/helmet" not in hub.repositories:
        return
    there = repository(hub)
    for name, commit in there.tags.items():
        files = there.commits[commit].files
        objects = version_objects.decode(files["mvc-version.json"].data)
        assert name in {f"v{objects.version.number}-{objects.version.id()[:12]}", "2026.1"}
    for made in there.commits.values():
        if "mvc-version.json" in made.files:
            tree = version_objects.decode(made.files["mvc-version.json"].data).tree
            assert {entry.path: entry.size for entry in tree.entries}.items() <= {
                path: len(blob.data) for path, blob in made.files.items()
            }.items()


def test_a_fault_of_any_call_of_publish(deep: bool, rng: random.Random, shell: Shell, hub: Hub) -> None:
    def act() -> Said:
        return shell("publish", URL, "HEAD~1", "HEAD", "--tags")

    for what, number, fault in _rounds(deep, rng, hub, act):
        expected = tip(hub)
        hub.repositories.clear()
        with _failing(hub, number, fault):
            said = act()
        assert said.code in CODES, (what, said)
        assert "internal error" not in said.err, (what, said)
        assert "hf_canary" not in said.err + said.out
        _check_hub(hub)
        assert act().code == 0, what
        assert tip(hub) == expected, what
        _check_hub(hub)
        assert len(repository(hub).tags) == 3, what
        assert len(repository(hub).commits) == 3, what


def test_a_fault_of_any_call_of_import(
    deep: bool, rng: random.Random, shell: Shell, hub: Hub, tmp_path: Path, monkeypatch: Any
) -> None:
    shell.ok("publish", URL, "--all", "--tags")
    ids = shell.ok("rev-parse", "night", "night~1", "night~2", "2026.1").out
    fresh = iter(range(1_000_000))

    def begin() -> Shell:
        folder = tmp_path / f"ben{next(fresh)}"
        folder.mkdir()
        ben = Shell(folder, monkeypatch)
        ben.ok("init", "--model", "helmets")
        return ben

    for what, number, fault in _rounds(deep, rng, hub, lambda: begin()("import", URL)):
        ben = begin()
        with _failing(hub, number, fault):
            said = ben("import", URL)
        assert said.code in CODES | {3}, (what, said)
        assert "internal error" not in said.err, (what, said)
        assert ben.ok("fsck", "--read-data").code == 0, what
        assert ben("import", URL).code == 0, what
        assert ben.ok("rev-parse", "main", "main~1", "main~2", "2026.1").out == ids, what
