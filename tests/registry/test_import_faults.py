"""Each call of an import fails in each way, and each disk write in turn is the last one; then the import is repeated.

Afterwards the repository has the same versions as without a fault, complete, each once. One process, no waiting.
"""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from mvc.porcelain.import_ import import_model
from mvc.porcelain.init import make_repository
from mvc.registry.picsellia import adapter as picsellia
from mvc.registry.picsellia import sdk
from mvc.repository import history, places
from mvc.repository.model import Model
from mvc.repository.repository import Repository
from mvc.storage.disk import primitives
from mvc.storage.records.reflog import HEADS, RefName
from tests.cli.shell import MODEL, Shell
from tests.registry import histories
from tests.registry.stock import stock
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
    "503": Fault(503),
    "slow": Fault(stall=0.2),
    "bad JSON": Fault(garbage=True),
}
_CODES = {2, 12, 13, 15, 128}
_SHORT = (2.0, 0.1)
_LONG = (30.0, 30.0)


@dataclass
class World:
    """A platform with a published version and two that somebody made by hand; and an empty repository for each case."""

    platform: Platform
    ana: Shell
    folder: Path
    naps: list[float] = field(default_factory=list)
    reference: dict[str, object] = field(default_factory=dict)

    def fresh(self) -> Repository:
        """Return a repository without imported versions."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        make_repository(self.folder)
        self.platform.calls.clear()
        self.platform.faults = lambda _: None
        return Repository(self.folder)

    def import_all(self, timeouts: tuple[float, float] = _LONG) -> None:
        """Import as one run of `mvc import`."""
        host = self.platform.host
        registry = picsellia.connect("acme", TOKEN, host=host, sleep=self.naps.append, timeouts=timeouts)
        try:
            import_model(Repository(self.folder), registry, MODEL, self.ana.actor)
        finally:
            registry.close()

    def state(self) -> dict[str, object]:
        """Return the repository's branches, files by version, and published places."""
        repository = Repository(self.folder)
        branches = {
            name: repository.refs.target(RefName(MODEL, HEADS, name)) for name in repository.refs.names(MODEL, HEADS)
        }
        walked = history.walk(repository.objects, [tip for tip in branches.values() if tip])
        files = {id_: self._files(repository, id_) for id_, _ in walked}
        published = sorted((id_, place.number) for id_, place in places.every(Model(repository, MODEL)))
        assert not repository.door.names("tmp")
        assert not repository.door.names("absent")
        return {"branches": branches, "files": files, "published": published}

    @staticmethod
    def _files(repository: Repository, id_: VersionId) -> dict[str, bytes]:
        tree = repository.objects.tree(repository.objects.version(id_).tree)
        return {entry.path: b"".join(map(bytes, repository.extract.stream(entry.file))) for entry in tree.entries}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, naps: list[float]) -> Iterator[World]:
    sdk.load()
    platform = Platform(Rules())
    with serve(platform):
        ana = histories.small(tmp_path / "ana", monkeypatch)
        current = ana.repository.current(MODEL)
        assert current is not None
        stock(platform, ana.repository, current, MODEL)
        (model,) = platform.models.values()
        hand = platform.add_version(model, name="by hand", parameters={"lr": 0.1})
        platform.add_file(hand, "weights", b"by hand" * 9)
        platform.trained_by(hand, platform.add_experiment("exp", train=platform.add_dataset_version("traffic", "1")))
        platform.add_version(model, name="by hand too", labels={"0": "a"})
        made = World(platform, ana, tmp_path / "ben", naps)
        made.fresh()
        made.import_all()
        made.reference = made.state()
        yield made


def test_an_import_without_faults(world: World) -> None:
    files = world.reference["files"]
    assert isinstance(files, dict)
    assert len(files) == 3
    assert world.reference["branches"].keys() == {"main", "picsellia-2"}  # type: ignore[attr-defined]


def _nth(number: int, name: str, seen: list[Call]) -> Callable[[Call], Fault | None]:
    """Fail that call; requests are made at the same time, so it need not be the same one in each run."""
    counting = threading.Lock()

    def spoil(call: Call) -> Fault | None:
        with counting:
            seen.append(call)
            return FAULTS[name] if len(seen) == number + 1 and not _is_undetectable(call, name) else None

    return spoil


def _is_undetectable(call: Call, name: str) -> bool:
    """Return True for damaged bytes of a file made by hand: a registry has no hash that would detect them."""
    return (
        name == "bad JSON"
        and "/storage" in call.path
        and call.method == "GET"
        and "weights" in call.path
        and "best" not in call.path
    )


@pytest.mark.parametrize("name", FAULTS)
def test_after_any_fault_a_repeated_import_has_each_version_once(
    name: str, world: World, rng: random.Random, *, deep: bool
) -> None:
    """Every call with --deep, else every tenth one, from one of the first ten on."""
    fault = FAULTS[name]
    world.fresh()
    world.import_all()
    calls = list(world.platform.calls)
    assert len(calls) >= 18
    ended: list[int] = []
    for number, call in list(enumerate(calls))[0 if deep else rng.randrange(10) :: 1 if deep else 10]:
        world.fresh()
        seen: list[Call] = []
        world.platform.faults = _nth(number, name, seen)
        try:
            world.import_all(_SHORT if fault.stall else _LONG)
        except errors.MvcError as error:
            ended.append(error.exit_code)
        # on a busy machine an earlier call may be the slow one
        assert len(seen) > number or fault.stall, "the call that was to go wrong came"
        world.platform.faults = lambda _: None
        world.import_all()
        assert world.state() == world.reference, f"after {name} at call {number}, {call.shape}"
    assert set(ended) <= _CODES


class _StoppedError(Exception):
    """The disk is full."""


def test_an_import_stopped_at_any_disk_write_resumes(
    world: World, monkeypatch: pytest.MonkeyPatch, rng: random.Random, *, deep: bool
) -> None:
    """Every step with --deep, else every fifteenth, from one of the first fifteen on."""
    steps: list[str] = []
    world.fresh()
    monkeypatch.setattr(primitives, "on_step", lambda name, path: steps.append(f"{name} {path}"))
    world.import_all()
    total, stopped = len(steps), list[int]()
    assert total > 100
    tried = range(0 if deep else rng.randrange(15), total, 1 if deep else 15)
    for number in tried:
        monkeypatch.setattr(primitives, "on_step", None)
        world.fresh()
        left = iter(range(number))

        def stop(name: str, path: str, left: Iterator[int] = left) -> None:
            if next(left, None) is None and "unlink" not in name:
                raise _StoppedError(f"{name} {path}")

        monkeypatch.setattr(primitives, "on_step", stop)
        try:
            world.import_all()
        except (_StoppedError, errors.MvcError):
            stopped.append(number)
        monkeypatch.setattr(primitives, "on_step", None)
        world.import_all()
        assert world.state() == world.reference, f"stopped before step {number} of {total}"
    assert len(stopped) > len(tried) * 3 // 4, "only what follows the last step that matters ends by itself"
