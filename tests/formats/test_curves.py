"""Curves: the points of one metric in the logs of every trainer, and what is refused."""

from __future__ import annotations

import json
import random

import pytest

from mvc.formats.values import curves
from mvc.formats.values.curves import NoSuchColumnError, Point
from mvc.formats.values.malformed import MalformedError

ULTRALYTICS = b"""\
                  epoch,         train/box_loss,   metrics/mAP50(B),  metrics/mAP50-95(B),  val/box_loss
                      1,                   0.91,               0.31,                 0.20,         0.8
                      2,                   0.80,               0.58,                 0.40,         nan
                      3,                   0.75,                   ,                  inf,         0.7
"""


@pytest.mark.parametrize(
    ("key", "column", "points"),
    [
        ("mAP50", "metrics/mAP50(B)", [(1, 0.31), (2, 0.58)]),
        ("metrics.mAP50", "metrics/mAP50(B)", [(1, 0.31), (2, 0.58)]),
        ("mAP50(B)", "metrics/mAP50(B)", [(1, 0.31), (2, 0.58)]),
        ("metrics/mAP50(B)", "metrics/mAP50(B)", [(1, 0.31), (2, 0.58)]),
        ('metrics."metrics/mAP50(B)"', "metrics/mAP50(B)", [(1, 0.31), (2, 0.58)]),
        ("mAP50-95", "metrics/mAP50-95(B)", [(1, 0.2), (2, 0.4)]),
        ("val/box_loss", "val/box_loss", [(1, 0.8), (3, 0.7)]),
    ],
)
def test_a_metric_is_named_by_its_column_or_the_end_of_it(key: str, column: str, points: list[Point]) -> None:
    found = curves.read(ULTRALYTICS, "results.csv", key)
    assert (found.column, found.axis, list(found.points)) == (column, "epoch", points)


def test_a_name_of_two_columns_names_both() -> None:
    with pytest.raises(NoSuchColumnError) as caught:
        curves.read(ULTRALYTICS, "results.csv", "box_loss")
    assert caught.value.columns == ["train/box_loss", "val/box_loss"]
    with pytest.raises(NoSuchColumnError) as caught:
        curves.read(ULTRALYTICS, "results.csv", "epoch")
    assert len(caught.value.columns) == 4


@pytest.mark.parametrize(
    ("text", "axis", "points"),
    [
        ("epoch,step,loss\n0,10,0.9\n0,20,0.8\n1,30,0.7\n", "step", [(10, 0.9), (20, 0.8), (30, 0.7)]),
        ("epoch,step,loss\n0,9,\n0,9,0.8\n1,19,\n1,19,0.7\n", "epoch", [(0, 0.8), (1, 0.7)]),  # as Lightning logs
        ("epoch,step,loss\n,1,0.9\n,2,0.8\n", "step", [(1, 0.9), (2, 0.8)]),
        ("epoch,loss\n1,0.9\n1,0.8\n", "row", [(1, 0.9), (2, 0.8)]),
        ("loss\n0.9\n\n0.8\n", "row", [(1, 0.9), (2, 0.8)]),
        ("\ufeffepoch,loss\n1,0.9\n", "epoch", [(1, 0.9)]),
        ("epoch,loss\n1,nan\n2,\n3,high\n", "epoch", []),
        ("epoch,loss\n1,0.9\n2", "epoch", [(1, 0.9)]),  # cut off while it was written
    ],
)
def test_the_axis_is_what_grows_from_point_to_point(text: str, axis: str, points: list[Point]) -> None:
    found = curves.read(text.encode(), "training-log.csv", "loss")
    assert (found.axis, list(found.points)) == (axis, points)


def test_rows_of_json_are_read_too() -> None:
    log = [
        {"loss": 0.9, "step": 10, "epoch": 0.5},
        {"eval_loss": 0.8, "step": 20, "epoch": 1.0},
        {"loss": 0.7, "step": 30},
    ]
    for data, path in (
        (json.dumps({"log_history": log, "best_metric": 1}), "trainer_state.json"),
        (json.dumps(log), "metrics.json"),
        ("\n".join(map(json.dumps, log)), "log.jsonl"),
        ("step\tloss\n10\t0.9\n30\t0.7\n", "log.tsv"),
    ):
        found = curves.read(data.encode(), path, "loss")
        assert (found.axis, list(found.points)) == ("step", [(10, 0.9), (30, 0.7)])


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b"", "a.csv"),
        (b"\n", "a.csv"),
        (b"a,a\n1,2\n", "a.csv"),
        (b"loss\n\xff\n", "a.csv"),
        (b"loss\n1\x00\n", "a.csv"),
        (b'loss\n"1\n', "a.csv"),
        (b"loss\n" + b"1" * 200_000, "a.csv"),
        (b",".join(b"%d" % number for number in range(3_000)), "a.csv"),
        (b" " * (curves.MAX_BYTES + 1), "a.csv"),
        (b"{}", "a.json"),
        (b"3", "a.json"),
        (b"[1]", "a.json"),
        (b"[" * 100_000, "a.json"),
        (b"{", "a.jsonl"),
        (b"loss: 1", "a.yaml"),
    ],
)
def test_what_is_no_log_is_refused(data: bytes, path: str) -> None:
    with pytest.raises(MalformedError):
        curves.read(data, path, "loss")


def test_a_log_with_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "MAX_ROWS", 3)
    with pytest.raises(MalformedError, match="more than 3 rows"):
        curves.read(b"loss\n" + b"1\n" * 4, "a.csv", "loss")


def test_changed_bytes_give_points_or_a_refusal(rng: random.Random, deep: bool) -> None:
    for _ in range(20_000 if deep else 500):
        data = bytearray(ULTRALYTICS)
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            found = curves.read(bytes(data), "results.csv", "mAP50")
        except (MalformedError, NoSuchColumnError):
            continue
        assert len(found.points) <= 4
