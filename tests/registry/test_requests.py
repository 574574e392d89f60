"""Requests do not grow with what is known: one listing of files for each version, and a few more."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc.model.ids import VersionId
from mvc.porcelain.drift import drift
from mvc.porcelain.import_ import KNOWN, import_model
from mvc.porcelain.init import make_repository
from mvc.porcelain.publish import THERE, everything, publish
from mvc.registry.marker import FILENAME
from mvc.registry.picsellia.adapter import PicselliaRegistry
from mvc.repository.model import Model
from tests.cli.shell import MODEL, Shell, begin
from tests.registry import histories
from tests.registry.stock import stock
from tests.servers import picsellia_storage as storage
from tests.servers.picsellia import Platform

MORE = 10
"""Requests besides the listings of files."""
FILES = "GET /api/model/version/*/modelfiles"


class Desk:
    """Many versions that Ana published, in Ben's repository, who has imported them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, count: int) -> None:
        self.platform, self.count = platform, count
        for name in ("ana", "ben"):
            (folder / name).mkdir()
        ana = begin(folder / "ana", monkeypatch)
        ana.write("best.onnx", b"weights")
        ana.ok("add", "best.onnx", "--as", "model-latest")
        for number in range(count):
            ana.set(parameters__epochs=number)
            stock(platform, ana.repository, VersionId(ana.commit(f"number {number}")))
        make_repository(folder / "ben")
        self.ben = Shell(folder / "ben", monkeypatch)

    def import_(self, registry: PicselliaRegistry) -> None:
        done = import_model(self.ben.repository, registry, MODEL, self.ben.actor)
        self.how = Counter(version.how for version in done.versions)

    def publish_one_more(self, registry: PicselliaRegistry) -> None:
        """What was published here is not read again either."""
        self.ben.set(parameters__epochs="1000")
        self.ben.commit("one more")
        self.count += 1
        model = Model(self.ben.repository, MODEL)
        publish(model, registry, everything(model), self.ben.actor)

    def drift(self, registry: PicselliaRegistry) -> None:
        found = drift(self.ben.repository, registry, MODEL)
        assert (found.is_empty, found.compared) == (True, self.count)

    def publish(self, registry: PicselliaRegistry) -> None:
        model = Model(self.ben.repository, MODEL)
        done = publish(model, registry, everything(model), self.ben.actor)
        assert [version.flag for version in done.versions] == [THERE] * self.count


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: Platform, *, deep: bool) -> Desk:
    return Desk(tmp_path, monkeypatch, platform, 300 if deep else 40)


def test_nothing_new_costs_one_listing_of_files_for_each_version(
    desk: Desk, connect: Callable[..., PicselliaRegistry]
) -> None:
    def requests(verb: Callable[[PicselliaRegistry], None]) -> Counter[str]:
        desk.platform.calls.clear()
        verb(connect())
        return Counter(call.shape for call in desk.platform.calls)

    requests(desk.import_)
    desk.publish_one_more(connect())
    for verb in (desk.publish, desk.import_, desk.drift):
        made = requests(verb)
        assert made[FILES] == desk.count, verb
        assert made.total() <= desk.count + MORE, made
    assert desk.how == {KNOWN: desk.count}
    desk.platform.rules.lists_fields = False
    for verb in (desk.import_, desk.drift, desk.publish):
        made = requests(verb)
        assert made["GET /api/model/version/*"] >= desk.count, "a listing that leaves fields out is not enough"
        assert made.total() <= 2 * desk.count + MORE, made
    assert desk.how == {KNOWN: desk.count}


def test_files_are_uploaded_and_downloaded_several_at_a_time(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, naps: list[float]
) -> None:
    """The first two transfers wait for each other, so they end only if both are in progress."""
    ana = histories.small(tmp_path / "ana", monkeypatch)
    histories.register(ana, platform, monkeypatch)
    meeting, left = threading.Barrier(2, timeout=10), [2]
    platform.faults = lambda call: _meet(meeting, left) if call.path == storage.FORM else None
    ana.ok("publish")
    (tmp_path / "ben").mkdir()
    make_repository(tmp_path / "ben")
    left[0] = 2
    platform.faults = lambda call: (
        _meet(meeting, left) if call.path.startswith(storage.TOP) and not call.path.endswith(FILENAME) else None
    )
    ben = Shell(tmp_path / "ben", monkeypatch)
    ben.ok("import", f"picsellia://acme/{MODEL}", "-o", f"host={platform.host}")
    assert (ben.folder / "weights/best.onnx").read_bytes() == (ana.folder / "weights/best.onnx").read_bytes()


def _meet(meeting: threading.Barrier, left: list[int]) -> None:
    with _COUNTING:
        left[0] -= 1
        waits = left[0] >= 0
    if waits:
        meeting.wait()


_COUNTING = threading.Lock()
