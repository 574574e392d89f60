"""Each call of a publish fails in each way; then the publish is repeated: one complete version, each file once.

One process, no waiting. The platform counts the calls; each case fails one of them.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from mvc.porcelain.publish import publish
from mvc.registry.picsellia import adapter as picsellia
from mvc.registry.picsellia import sdk
from mvc.repository import places
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from tests.cli.shell import MODEL, Shell
from tests.registry import histories
from tests.servers.picsellia import TOKEN, Fault, Platform, serve
from tests.servers.picsellia_rules import Rules
from tests.servers.picsellia_wire import Call

FAULTS = {
    "refused": Fault(),
    "reset after it was processed": Fault(after=True),
    "401": Fault(401),
    "403": Fault(403),
    "404": Fault(404),
    "409": Fault(409),
    "413": Fault(413),
    "429": Fault(429),
    "500": Fault(500),
    "500 after it was processed": Fault(500, after=True),
    "503": Fault(503),
    "503 after it was processed": Fault(503, after=True),
    "slow": Fault(stall=0.3),
    "slow after it was processed": Fault(stall=0.3, after=True),
    "bad JSON": Fault(garbage=True),
    "bad JSON after it was processed": Fault(garbage=True, after=True),
}
_CODES = {12, 13, 15, 128}
_SHORT = (2.0, 0.1)
_LONG = (30.0, 30.0)


@dataclass
class World:
    """A repository with one version, and a platform that is emptied between cases."""

    shell: Shell
    platform: Platform
    naps: list[float] = field(default_factory=list)

    @property
    def head(self) -> VersionId:
        found = self.shell.repository.current(MODEL)
        assert found is not None
        return found

    def forget(self) -> None:
        platform = self.platform
        for each in (platform.models, platform.versions, platform.files, platform.contexts, platform.objects.data,
                     platform.numbers):  # fmt: skip
            each.clear()
        platform.calls.clear()
        platform.faults = lambda _: None
        _forget_published(self)

    def publish(self, timeouts: tuple[float, float] = _LONG) -> None:
        """Publish as one run of `mvc publish`."""
        with self._registry(timeouts) as registry:
            publish(Model(self.shell.repository, MODEL), registry, [self.head], self.shell.actor)

    def check(self) -> None:
        repository = self.shell.repository
        histories.check_complete(self.platform, repository, self.head)
        assert len(self.platform.versions) == 1
        assert repository.door.names("publishing") == []
        assert not [name for name in repository.door.names("tmp") if name]

    @contextlib.contextmanager
    def _registry(self, timeouts: tuple[float, float]) -> Iterator[picsellia.PicselliaRegistry]:
        host = self.platform.host
        registry = picsellia.connect("acme", TOKEN, host=host, sleep=self.naps.append, timeouts=timeouts)
        try:
            yield registry
        finally:
            registry.close()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, naps: list[float]) -> Iterator[World]:
    sdk.load()
    platform = Platform(Rules())
    with serve(platform):
        yield World(histories.small(tmp_path / "ana", monkeypatch), platform, naps)


def _nth(number: int, fault: Fault, seen: list[Call]) -> Callable[[Call], Fault | None]:
    """Fail that call; files are sent at the same time, so it need not be the same one in each run."""
    counting = threading.Lock()

    def spoil(call: Call) -> Fault | None:
        with counting:
            seen.append(call)
            return fault if len(seen) == number + 1 else None

    return spoil


def _calls(world: World) -> list[str]:
    """Return the calls of a publish without faults."""
    world.forget()
    world.publish()
    world.check()
    return [call.shape for call in world.platform.calls]


_TWICE = ("reset after it was processed", "500 after it was processed")
_CASES = [*((name, True) for name in FAULTS), *((name, False) for name in _TWICE)]
"""Faults, and True if the platform refuses a second version of the same name; lost answers are tried both ways."""


@pytest.mark.parametrize(("name", "unique"), _CASES)
def test_after_any_fault_a_repeated_publish_leaves_one_complete_version(
    name: str, unique: bool, world: World, rng: random.Random, *, deep: bool
) -> None:
    """Every call with --deep, else every tenth one, from one of the first ten on."""
    fault = FAULTS[name]
    world.platform.rules.unique = unique
    calls = _calls(world)
    assert len(calls) >= 22
    ended: list[int] = []
    denied = 0
    tried = list(enumerate(calls))[0 if deep else rng.randrange(10) :: 1 if deep else 10]
    for number, shape in tried:
        world.forget()
        seen: list[Call] = []
        world.platform.faults = _nth(number, fault, seen)
        try:
            world.publish(_SHORT if fault.stall else _LONG)
        except errors.MvcError as error:
            ended.append(error.exit_code)
        # on a busy machine an earlier call may be the slow one
        assert len(seen) > number or fault.stall, "the call that was to go wrong came"
        denied += not fault.stall and "/storage" not in seen[number].path
        world.platform.faults = lambda _: None
        world.publish()
        try:
            world.check()
        except AssertionError as error:
            message = f"after {name} at call {number}, {shape}"
            raise AssertionError(message) from error
    assert set(ended) <= _CODES
    if name == "401":  # for the platform only: an expired address of the storage is requested again
        assert ended == [12] * denied


@pytest.mark.parametrize("after", [False, True], ids=["before it is processed", "after it was processed"])
def test_a_publish_killed_at_any_call_resumes(after: bool, world: World, rng: random.Random, *, deep: bool) -> None:
    """Every call with --deep, else every fourth one, from one of the first four on."""
    world.platform.rules.unique = False
    total = len(_calls(world))
    for number in range(0 if deep else rng.randrange(4), total, 1 if deep else 4):
        world.forget()
        _killed(world, number, after=after)
        world.publish()
        world.check()
        sent = [name for name in world.platform.objects.data if "/MODEL_FILE/" in name]
        assert len(sent) <= 5, f"of two files and the marker only those in progress are sent again: {sent}"


def test_a_concurrent_publish_of_the_same_version_is_harmless(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: random.Random, *, deep: bool
) -> None:
    """Run Ben's whole publish while one call of Ana's waits: each call with --deep, else every eighth one."""
    shutil.copytree(world.shell.folder, tmp_path / "ben")
    ben = World(Shell(tmp_path / "ben", monkeypatch), world.platform, world.naps)
    for number in range(0 if deep else rng.randrange(8), len(_calls(world)), 1 if deep else 8):
        world.forget()
        _forget_published(ben)
        seen: list[Call] = []

        def meanwhile(call: Call, number: int = number, seen: list[Call] = seen) -> None:
            seen.append(call)
            if len(seen) == number + 1:
                world.platform.faults = lambda _: None
                ben.publish()

        world.platform.faults = meanwhile
        with contextlib.suppress(errors.MvcError):
            world.publish()
        world.publish()
        assert len(seen) > number
        world.check()
        here = [places.places(Model(each.shell.repository, MODEL), world.head) for each in (world, ben)]
        assert here[0] == here[1]


def _forget_published(world: World) -> None:
    for name in (f"refs/{MODEL}/published", "publishing"):
        shutil.rmtree(world.shell.folder / ".mvc" / name, ignore_errors=True)


def _killed(world: World, number: int, *, after: bool) -> None:
    """Publish in a child process that is killed at call `number`."""
    child: list[int] = []

    def kill(call: Call) -> Fault | None:
        if len(world.platform.calls) != number + 1:
            return None
        if after:
            world.platform.answer(call)
        os.kill(child[0], signal.SIGKILL)
        return Fault()

    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.read(read, 1)
            world.publish()
        finally:
            os._exit(0)
    child.append(pid)
    world.platform.faults = kill
    os.write(write, b"x")
    _, status = os.waitpid(pid, 0)
    os.close(read)
    os.close(write)
    world.platform.faults = lambda _: None
    assert os.WIFSIGNALED(status), "the call at which it was to be killed came"


def test_a_damaged_journal_is_detected_and_harmless(world: World) -> None:
    world.forget()
    _killed(world, len(_calls_of(world)) - 3, after=False)
    [path] = (world.shell.folder / ".mvc" / "publishing").iterdir()
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole.replace(b"model-latest", b"model-lately"))
    assert "publication" in world.shell("fsck").out + world.shell("fsck").err
    world.publish()
    world.check()
    world.shell.ok("fsck")


def _calls_of(world: World) -> list[str]:
    calls = _calls(world)
    world.forget()
    return calls


def test_a_read_only_repository_creates_nothing_on_the_registry(world: World) -> None:
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    world.forget()
    store = world.shell.folder / ".mvc"
    store.chmod(0o555)
    try:
        with pytest.raises(errors.ReadOnlyStore):
            world.publish()
    finally:
        store.chmod(0o755)
    assert isinstance(world.shell.repository, Repository)
