"""Results as tools write them: each form is recognised by its content, and gives the same metrics by one name.

The samples are those of Ultralytics 8.4 and 8.3, pycocotools 2.0, torchmetrics 1.9 and scikit-learn 1.9.
"""

from __future__ import annotations

import contextlib
import json
import random
from typing import Any

import pytest

from mvc.formats.values.malformed import MalformedError
from mvc.intake.evaluations import forms, union
from mvc.intake.evaluations.labels import Labels, OrderUnknownError, with_means
from mvc.intake.evaluations.results import Results

NAMES = ("helmet", "hard hat")
LABELMAP = tuple(enumerate(NAMES))
STATS = [0.4, 0.6, 0.5, -1.0, 0.3, 0.45, 0.2, 0.3, 0.35, -1.0, 0.33, 0.5]
SUMMARY = """Class,Images,Instances,Box-P,Box-R,Box-F1,mAP50,mAP75,mAP50-95
helmet,120,310,0.91,0.84,0.87356,0.88,0.7,0.61
hard hat,80,140,0.83,0.7,0.75948,0.74,0.5,0.43
"""
RESULTS_DICT = {
    "metrics/precision(B)": 0.87, "metrics/recall(B)": 0.77, "metrics/mAP50(B)": 0.81, "metrics/mAP50-95(B)": 0.52,
    "metrics/mAP50(M)": 0.7, "fitness": 0.55,
}  # fmt: skip
LOG = """                  epoch,         train/box_loss,       metrics/mAP50(B),    metrics/mAP50-95(B)
                      1,                   1.1,                   0.5,                    0.3
                      2,                   0.9,                   0.8,                    0.6
                      3,                   0.8,                   0.7,                    0.5
"""
REPORT = {
    "helmet": {"precision": 0.9, "recall": 0.8, "f1-score": 0.85, "support": 10.0},
    "hard hat": {"precision": 0.7, "recall": 0.6, "f1-score": 0.65, "support": 5.0},
    "accuracy": 0.75,
    "macro avg": {"precision": 0.8, "recall": 0.7, "f1-score": 0.75, "support": 15.0},
    "weighted avg": {"precision": 0.83, "recall": 0.73, "f1-score": 0.78, "support": 15.0},
}
TORCHMETRICS = {
    "map": 0.4, "map_50": 0.6, "map_75": -1.0, "map_small": -1.0, "mar_1": 0.2, "mar_100": 0.35,
    "map_per_class": [0.5, -1.0], "mar_100_per_class": [0.6, 0.2], "classes": [0, 1],
}  # fmt: skip
CONFUSION = [
    {"Predicted": "helmet", "helmet": 270.0, "hard_hat": 12.0, "background": 31.0},
    {"Predicted": "hard_hat", "helmet": 9.0, "hard_hat": 101.0, "background": 0.0},
    {"Predicted": "background", "helmet": 31.0, "hard_hat": 26.0, "background": 0.0},
]


def _read(text: str | Any) -> Results:
    return forms.read((text if isinstance(text, str) else json.dumps(text)).encode(), NAMES)


def _classes(found: Results) -> dict[str, dict[str, float]]:
    return {row.name: dict(row.metrics) for row in Labels(LABELMAP).classes(found)}


def _matrix(found: Results) -> tuple[tuple[str, ...], list[tuple[float, ...]]]:
    matrix = Labels(LABELMAP).matrix(found)
    assert matrix is not None
    return matrix.names, [tuple(cell) for cell in matrix.cells]


@pytest.mark.parametrize("index", [False, True], ids=["polars", "pandas"])
def test_a_summary_of_ultralytics(index: bool) -> None:
    lines = SUMMARY.splitlines()
    text = "\n".join([f",{lines[0]}", *(f"{at},{line}" for at, line in enumerate(lines[1:]))]) if index else SUMMARY
    found = _read(text)
    assert _classes(found)["hard hat"] == {
        "precision": 0.83, "recall": 0.7, "f1": 0.75948, "AP50": 0.74, "AP75": 0.5, "AP": 0.43,
    }  # fmt: skip
    assert [row.support for row in Labels(LABELMAP).classes(found)] == [310, 140]
    rows = [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]
    typed = [{name: cell if name == "Class" else float(cell) for name, cell in row.items()} for row in rows]
    assert _classes(_read(typed)) == _classes(found)


def test_a_results_dict_of_ultralytics() -> None:
    assert _read(RESULTS_DICT).metrics == {
        "precision": 0.87, "recall": 0.77, "mAP50": 0.81, "mAP50-95": 0.52, "mAP50-mask": 0.7, "fitness": 0.55,
    }  # fmt: skip
    assert _read({"metrics/accuracy_top1": 0.9, "fitness": 0.9}).metrics == {"accuracy-top1": 0.9, "fitness": 0.9}


def test_the_best_epoch_of_a_log_of_ultralytics() -> None:
    found = _read(LOG)
    assert found.metrics == {"mAP50": 0.8, "mAP50-95": 0.6}
    assert found.remarks == ["epoch 2 of 3, the best by metrics/mAP50-95(B)"]


def test_a_confusion_matrix_of_ultralytics_has_a_row_for_each_predicted_class() -> None:
    csv = "\n".join([",".join(CONFUSION[0]), *(",".join(map(str, row.values())) for row in CONFUSION)])
    pandas = "\n".join(f"{'' if at == 0 else at - 1},{line}" for at, line in enumerate(csv.splitlines()))
    for text in (CONFUSION, csv, pandas):
        names, cells = _matrix(_read(text))
        assert names == ("helmet", "hard hat", "background")
        assert cells == [(0, 0, 270), (0, 1, 9), (0, 2, 31), (1, 0, 12), (1, 1, 101), (1, 2, 26), (2, 0, 31)]


def test_stats_of_coco_without_what_has_no_objects() -> None:
    expected = {
        "mAP50-95": 0.4, "mAP50": 0.6, "mAP75": 0.5, "mAP-medium": 0.3, "mAP-large": 0.45,
        "AR1": 0.2, "AR10": 0.3, "AR100": 0.35, "AR-medium": 0.33, "AR-large": 0.5,
    }  # fmt: skip
    assert _read(STATS).metrics == _read({"stats": STATS}).metrics == expected
    by_name = _read({"stats": STATS, "per_category": {"helmet": 0.5, "hard hat": 0.3}})
    by_id = _read({"stats": STATS, "per_class": [{"category_id": 0, "AP": 0.5}, {"category_id": 1, "AP": 0.3}]})
    assert _classes(by_name) == _classes(by_id) == {"helmet": {"AP": 0.5}, "hard hat": {"AP": 0.3}}
    assert _read(STATS[:10]).metrics["AR50"] == 0.2


def test_torchmetrics() -> None:
    found = _read(TORCHMETRICS)
    assert found.metrics == {"mAP50-95": 0.4, "mAP50": 0.6, "AR1": 0.2, "AR100": 0.35}
    assert _classes(found) == {"helmet": {"AP": 0.5, "AR100": 0.6}, "hard hat": {"AR100": 0.2}}
    alone = {**TORCHMETRICS, "map_per_class": -1.0, "mar_100_per_class": -1.0}
    assert _read(alone).classes == {}
    assert _classes(_read({**TORCHMETRICS, "classes": 1, "map_per_class": 0.5, "mar_100_per_class": 0.2})) == {
        "hard hat": {"AP": 0.5, "AR100": 0.2}
    }
    with pytest.raises(MalformedError, match="another number"):
        _read({**TORCHMETRICS, "classes": [0]})


def test_a_report_of_scikit_learn() -> None:
    found = _read(REPORT)
    assert _classes(found)["helmet"] == {"precision": 0.9, "recall": 0.8, "f1": 0.85}
    assert {key: found.metrics[key] for key in ("accuracy", "precision", "f1")} == {
        "accuracy": 0.75, "precision": 0.8, "f1": 0.75,
    }  # fmt: skip
    csv = ",precision,recall,f1-score,support\nhelmet,0.9,0.8,0.85,10.0\naccuracy,0.75,0.75,0.75,0.75\n"
    csv += "macro avg,0.8,0.7,0.75,15.0\n"
    frame = _read(csv)
    assert (_classes(frame)["helmet"]["f1"], frame.metrics["accuracy"], frame.metrics["f1"]) == (0.85, 0.75, 0.75)


def test_a_confusion_matrix_without_labels_or_of_a_frame() -> None:
    assert _matrix(_read([[5, 1], [2, 7]])) == (NAMES, [(0, 0, 5), (0, 1, 1), (1, 0, 2), (1, 1, 7)])
    frame = _read(",helmet,hard hat\nhelmet,5,1\nhard hat,2,7\n")
    assert _matrix(frame) == _matrix(_read({"labels": NAMES, "matrix": [[5, 1], [2, 7]]}))
    assert _matrix(_read("actual,0,1\n0,5,1\n1,2,7\n")) == _matrix(frame)
    assert _matrix(_read([[0.5, 0.5], [0, 1]]))[1] == [(0, 0, 0.5), (0, 1, 0.5), (1, 1, 1)]


def test_tables_by_class_and_by_threshold() -> None:
    found = _read("class;AP@0.5;threshold;note\nhelmet;0.8;0.3;good\nall;0.7;;\n")
    assert (_classes(found), found.metrics) == ({"helmet": {"AP50": 0.8, "threshold": 0.3}}, {"mAP50": 0.7})
    curve = _read("confidence,precision,recall\n0.5,0.9,0.6\n0.1,0.5,nan\n")
    (of_all,) = Labels(LABELMAP).curves(curve)
    assert [tuple(point) for point in of_all.points] == [(0.1, 0.5, None, None), (0.5, 0.9, 0.6, None)]
    rows = [{"class": name, "threshold": at, "f1": at} for name in NAMES for at in (0.1, 0.9)]
    assert [(each.name, len(each.points)) for each in Labels(LABELMAP).curves(_read(rows))] == [
        (name, 2) for name in NAMES
    ]


def test_a_class_that_is_named_as_a_row_of_all_is_a_class() -> None:
    table = "class,AP50\nall,0.5\n"
    assert forms.read(table.encode(), ("all",)).classes.keys() == {"all"}
    assert _read(table).metrics == {"mAP50": 0.5}


def test_numbers_that_are_not_finite_are_left_out() -> None:
    found = _read(f'{{"mAP50": NaN, "precision": Infinity, "f1": {"9" * 400}, "recall": 0.5}}')
    assert (found.metrics, found.dropped) == ({"recall": 0.5}, ["mAP50", "precision", "f1"])
    with pytest.raises(MalformedError, match="not known"):
        _read(f'[{{"metrics/mAP50(B)": {"9" * 400}}}]')
    for cell in ("nan", "1e400", ""):
        found = _read(f"class,AP50\nhelmet,{cell}\nhard hat,0.5\n")
        assert (_classes(found), found.dropped) == ({"hard hat": {"AP50": 0.5}}, ["AP50"] * bool(cell)), cell


def test_the_mean_of_large_numbers() -> None:
    found = _read("class,AP50\nhelmet,-1e308\nhard hat,-1e308\n")
    assert with_means({}, [*found.classes.values()]) == {"mAP50": -1e308}


@pytest.mark.parametrize(
    ("table", "classes", "remark"),
    [
        ("class;AP50;support\nhelmet;0,9;12\nhard hat;0,75;3\n", (0.9, 0.75), "decimal comma"),
        ("class\tAP50\nhelmet\t0,9\nhard hat\t75 %\n", (0.9, 0.75), "decimal comma"),
        ("class;AP50;note\nhelmet;0.9;1,2\nhard hat;0.75;3,4\n", (0.9, 0.75), None),
        ("class,AP50\nhelmet,90.1%\nhard hat,75%\n", (0.901, 0.75), "80% is 0.8"),
        ("class,AP50 (%)\nhelmet,90.1\nhard hat,75\n", (0.901, 0.75), "80% is 0.8"),
        ("Klasse,mAP@.5\nhelmet,0.9\nhard hat,0.75\nall,0.825\n", (0.9, 0.75), None),
        ("Klasse,mAP@.5\nhelmet,0.9\n", (0.9,), None),
        ("Class Name,AP @ 0.5\nhelmet,0.9\nhard hat,0.75\n", (0.9, 0.75), None),
        ("\ufeffclass,AP50\r\nhelmet,0.9\r\nhard hat,0.75\r\n", (0.9, 0.75), None),
    ],
)
def test_tables_of_people_and_spreadsheets(table: str, classes: tuple[float, ...], remark: str | None) -> None:
    """A decimal comma, percentages, other headers, a byte order mark: classes stay classes, and 90% is 0.9."""
    found = _read(table)
    assert tuple(row["AP50"] for row in _classes(found).values()) == classes
    assert [remark is not None and remark in each for each in found.remarks][:1] == [True] * (remark is not None)


def test_a_row_for_each_metric() -> None:
    assert _read("metric,value\nmAP@0.5,0.61\nloss,1.5\n").metrics == {"mAP50": 0.61, "loss": 1.5}


def test_texts_in_place_of_a_metric_are_named() -> None:
    found = _read("class,AP50,recall,note\nhelmet,n/a,0.5,good\nhard hat,0.5,-,-\n")
    assert (_classes(found)["hard hat"], found.dropped) == ({"AP50": 0.5}, ["AP50", "recall"])


def test_a_bare_confusion_matrix_is_named_by_who_adds_it_or_by_a_sorted_labelmap() -> None:
    matrix = [[5, 1], [2, 7]]
    for names, given, expected in (
        (NAMES, ("hard hat", "helmet"), ("hard hat", "helmet")),
        (NAMES, NAMES, NAMES),
        (NAMES, ("1", "0"), ("hard hat", "helmet")),
        (("a", "b"), (), ("a", "b")),
        ((), ("x", "y"), ("x", "y")),
    ):
        labels, found = Labels(tuple(enumerate(names))), _read(matrix)
        labels.order(found, given)
        placed = labels.matrix(found)
        assert placed is not None
        assert placed.names == expected
        assert (0, 0, 5) in placed.cells
    unclear: list[tuple[tuple[str, ...], tuple[str, ...]]]
    unclear = [(NAMES, ()), (("a", "b", "c"), ()), (("a",), ()), ((), ()), (NAMES, ("helmet",))]
    for classes, named in unclear:
        with pytest.raises(OrderUnknownError) as refused:
            Labels(tuple(enumerate(classes))).order(_read(matrix), named)
        assert "--classes" in refused.value.fix
    assert "--classes 'hard hat,helmet'." in _refusal(NAMES).fix
    ordered = _read({"labels": NAMES, "matrix": matrix})
    Labels(LABELMAP).order(ordered, ())
    assert not ordered.is_unnamed


def _refusal(names: tuple[str, ...]) -> OrderUnknownError:
    with pytest.raises(OrderUnknownError) as refused:
        Labels(tuple(enumerate(names))).order(_read([[5, 1], [2, 7]]), ())
    return refused.value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("hello", "not known"),
        ("{", "not JSON"),
        ("[]", "not known"),
        ("{}", "not known"),
        ("[1, 2, 3]", "not known"),
        ('{"a": 1, "a": 2}', "twice"),
        ("a,a\n1,2\n", "twice"),
        ("class,AP50\nhelmet,0.5,0.6\n", "3 cells"),
        ("class,AP50\nhelmet,0.5\nhelmet,0.6\n", "helmet occurs twice"),
        ('[{"image_id": 1, "category_id": 0, "bbox": [0, 0, 1, 1], "score": 0.5}]', "predictions"),
        ('{"confusion_matrix": [[1, 2]]}', "not square"),
        ('{"labels": ["a"], "matrix": [[1, 2], [3, 4]]}', "not square"),
        ("[[1, -2], [3, 4]]", "not a number"),
        ("class,AP50\n", "a header and no rows"),
        ("class,AP50\nhelmet,90.1\n", "AP50 is 90.1, and at most 1"),
        ('{"bbox/AP": 41.2}', "bbox/AP is 41.2, and at most 1"),
        ("metric,value\nmAP50,0.6\nmAP50,0.7\n", "mAP50 occurs twice"),
        ("\x00", "not a text"),
        ("[" * 100_000, "nested too deeply"),
        ('{"images": [], "annotations": [], "categories": [{"id": 1, "name": "helmet"}]}', "no numbers"),
    ],
)
def test_what_has_no_form_is_refused(text: str, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        _read(text)


def test_files_are_joined_unless_they_contradict() -> None:
    every = union.joined([_read(RESULTS_DICT), _read(CONFUSION), _read(SUMMARY)])
    assert (every.metrics["mAP50"], len(every.classes), every.grid is not None) == (0.81, 2, True)
    with pytest.raises(MalformedError, match="another value of mAP50"):
        union.joined([_read({"mAP50": 0.5}), _read({"mAP50": 0.6})])


def test_changed_texts_give_results_or_a_reason(rng: random.Random) -> None:
    """Nothing else is raised, so no traceback can reach a user."""
    samples = [SUMMARY, LOG, *map(json.dumps, (RESULTS_DICT, CONFUSION, REPORT, TORCHMETRICS, STATS))]
    for _ in range(400):
        text = bytearray(rng.choice(samples).encode())
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(text))
            text[at : at + rng.randrange(3)] = rng.choice(
                (b"", b"{", b"]", b",", b"nan", b"1e999", b"9" * 400, b'"', b"\n", b"-1")
            )
        with contextlib.suppress(MalformedError):
            found = forms.read(bytes(text), NAMES)
            Labels(LABELMAP).classes(found)
            Labels(LABELMAP).matrix(found)
            Labels(LABELMAP).curves(found)
