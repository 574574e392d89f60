"""Whoever waits is told how much there is to do before it begins, and then exactly that much."""

from __future__ import annotations

from pathlib import Path

import mvc
from tests.crash.scenarios import WEIGHTS, two_versions

ACTOR = mvc.Actor(mvc.Person("Ana", "ana@example.org"), mvc.Timestamp(1_770_112_800))


class Told:
    """What was expected, and what was done."""

    def __init__(self) -> None:
        self.total = 0
        self.done = 0

    def expect(self, total: int, label: str = "") -> None:
        assert self.done == 0
        self.total += total

    def __call__(self, count: int) -> None:
        assert self.total
        self.done += count


def test_commit_switch_and_restore_tell_their_total_first(tmp_path: Path) -> None:
    two_versions(tmp_path)
    model = mvc.open(tmp_path).model("helmets")
    (tmp_path / "weights" / "best.onnx").write_bytes(WEIGHTS * 3)
    told = Told()
    model.commit("three", actor=ACTOR, progress=told)
    assert told.total >= told.done >= 3 * len(WEIGHTS)
    told = Told()
    model.switch("v1", actor=ACTOR, progress=told)
    assert told.total >= told.done >= len(WEIGHTS)
    (tmp_path / "weights" / "best.onnx").unlink()
    told = Told()
    model.restore("model-latest", progress=told)
    assert (told.total, told.done) == (len(WEIGHTS), len(WEIGHTS))
