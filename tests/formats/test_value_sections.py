"""Parameters and metrics in the files that trainers write; anything else is refused with the file and the line named."""

from __future__ import annotations

from typing import Any

import pytest

from mvc import errors
from mvc.formats.values import csv_text, rows, sections, yaml_text
from mvc.formats.values.sections import Request
from mvc.model.toml.value_file import ValueFile

ASKED = Request("from.metrics")
ULTRALYTICS = b"""\
                  epoch,         train/box_loss,   metrics/mAP50(B),        metrics/mAP50-95(B)
                      1,                 0.9101,               0.301,                   0.2001
                      2,                 0.8101,               0.702,                   0.4101
                      3,                 0.7101,               0.690,                   0.4001
"""
LIGHTNING = b"epoch,step,train_loss,val_acc\n0,49,0.9,\n0,49,,0.5\n1,99,0.7,\n1,99,,0.8\n2,149,0.6,\n2,149,,0.7\n"
TRANSFORMERS = b"""{"best_metric": 0.9, "log_history": [
 {"epoch": 1.0, "loss": 0.5}, {"epoch": 1.0, "eval_accuracy": 0.8},
 {"epoch": 2.0, "loss": 0.4}, {"epoch": 2.0, "eval_accuracy": 0.9}]}"""


def metrics(data: bytes, path: str, **part: Any) -> dict[str, Any]:
    return sections.read(data, ValueFile(path, **part), "metrics", ASKED).values


def parameters(data: bytes, path: str, **part: Any) -> dict[str, Any]:
    return sections.read(data, ValueFile(path, **part), "parameters", Request("from.parameters")).values


@pytest.mark.parametrize(
    ("path", "data", "part", "expected"),
    [
        ("results.csv", ULTRALYTICS, {"best": "metrics/mAP50(B)"}, (2, 0.702)),
        ("results.csv", ULTRALYTICS, {"best": "train/box_loss"}, (3, 0.69)),
        ("results.csv", ULTRALYTICS, {"best": "train/box_loss", "mode": "max"}, (1, 0.301)),
        ("results.csv", ULTRALYTICS, {"best": "metrics/mAP50(B)", "mode": "min"}, (1, 0.301)),
        ("results.csv", ULTRALYTICS, {"row": "last"}, (3, 0.69)),
    ],
)
def test_a_row_of_a_log_is_the_best_or_the_last(
    path: str, data: bytes, part: dict[str, Any], expected: tuple[int, float]
) -> None:
    values = metrics(data, path, **part)
    assert (values["epoch"], values["metrics/mAP50(B)"]) == expected


def test_rows_of_one_epoch_are_one() -> None:
    assert metrics(LIGHTNING, "metrics.csv", best="val_acc") == {
        "epoch": 1, "step": 99, "train_loss": 0.7, "val_acc": 0.8
    }  # fmt: skip
    found = metrics(TRANSFORMERS, "trainer_state.json", key="log_history", best="eval_accuracy")
    assert found == {"epoch": 2.0, "loss": 0.4, "eval_accuracy": 0.9}


def test_of_equal_rows_the_first_is_the_best() -> None:
    assert metrics(b"epoch,acc\n1,0.5\n2,0.9\n3,0.9\n", "a.csv", best="acc")["epoch"] == 2


def test_a_single_row_needs_no_choice() -> None:
    assert metrics(b"acc\n0.5\n", "a.csv") == {"acc": 0.5}
    assert metrics(b'{"acc": 0.5}\n', "a.jsonl") == {"acc": 0.5}


def test_selected_keys_only() -> None:
    assert metrics(ULTRALYTICS, "r.csv", row="last", select=("metrics/*",)) == {
        "metrics/mAP50(B)": 0.69, "metrics/mAP50-95(B)": 0.4001
    }  # fmt: skip


def test_nested_metrics_have_dotted_names() -> None:
    assert metrics(b'{"val": {"acc": 0.9, "n": null}, "fps": 3}', "m.json") == {"val.acc": 0.9, "fps": 3}
    assert metrics(b'{"val": {"acc": 0.9}}', "m.json", key="val") == {"acc": 0.9}
    assert metrics(b'{"a.b": {"acc": 0.9}}', "m.json", key="a.b") == {"acc": 0.9}


def test_what_is_no_finite_number_is_left_out_and_reported() -> None:
    found = sections.read(b"epoch,acc,loss,note\n1,0.5,nan,good\n", ValueFile("a.csv"), "metrics", ASKED)
    assert found.values == {"epoch": 1, "acc": 0.5}
    assert set(found.left_out) == {"loss", "note"}
    assert "2 values left out (loss: nan is not finite" in sections.warning(found)
    found = sections.read(b"lr: .inf\nmomentum: 0.9\n", ValueFile("a.yaml"), "parameters", ASKED)
    assert (found.values, set(found.left_out)) == ({"momentum": 0.9}, {"lr"})


def test_yaml_has_the_types_of_the_trainer() -> None:
    data = b"a: 1\nb: 0.5\nc: 1e-3\nd: true\ne: null\nf: '1'\ng: yolo\nh: [1, 0.5, x]\ni: {j: no}\nk: !!str 1\n"
    assert parameters(data, "args.yaml") == {
        "a": 1, "b": 0.5, "c": 0.001, "d": True, "f": "1", "g": "yolo", "h": [1, 0.5, "x"], "i": {"j": False}, "k": "1"
    }  # fmt: skip


def test_every_kind_of_file() -> None:
    expected = {"lr": 0.1, "name": "x"}
    assert parameters(b'{"lr": 0.1, "name": "x"}', "a.json") == expected
    assert parameters(b'lr = 0.1\nname = "x"\n', "a.toml") == expected
    assert parameters(b"lr: 0.1\nname: x\n", "A.YML") == expected
    assert parameters(b"lr,name\n0.1,x\n", "a.csv") == expected
    assert parameters(b"lr\tname\n0.1\tx\n", "a.tsv") == expected


@pytest.mark.parametrize(
    ("path", "data", "part", "reason"),
    [
        ("a.yaml", b"a: &a [1]\nb: [*a, *a]\n", {}, "anchor a"),
        ("a.yaml", b"a: 2024-01-01\n", {}, "2024-01-01 is a date"),
        ("a.yaml", b"a: 2024-13-41\n", {}, "2024-13-41 is not valid"),
        ("a.yaml", b"a: 1\na: 2\n", {}, "a occurs twice"),
        ("a.yaml", b"a: [1\n", {}, "not YAML, line 2"),
        ("a.yaml", b"a: " + b"[" * 40 + b"]" * 40, {}, "nested too deeply"),
        ("a.yaml", b"#" * (yaml_text.MAX_CHARS + 1), {}, "larger than 1 MiB"),
        ("a.yaml", b"a: 99999999999999999999\n", {}, "64 bits"),
        ("a.yaml", b"a: " + b"9" * 5000, {}, "not valid"),
        ("a.yaml", b"- 1\n- 2\n", {}, "neither a table nor rows"),
        ("a.toml", b"a = 1\na = 2\n", {}, "line 2"),
        ("a.toml", b"a = 2024-01-01\n", {}, "date"),
        ("a.json", b'{"a": 1, "a": 2}', {}, "a occurs twice"),
        ("a.json", b'{"a": ' * 60 + b"1" + b"}" * 60, {}, "nested deeper"),
        ("a.json", b"[" * 100_000, {}, "nested too deeply"),
        ("a.json", b'{"\\ud800": 1}', {}, "not valid Unicode"),
        ("a.json", b"\xff", {}, "not UTF-8"),
        ("a.json", b" " * (sections.MAX_BYTES + 1), {}, "larger than 8 MiB"),
        ("a.json", b'{"a": 1}', {"row": "last"}, "no rows"),
        ("a.json", b'{"a": 1}', {"key": "b"}, "no key b; it has a"),
        ("a.json", b"[]", {}, "no row yet"),
        ("a.jsonl", b'{"a": 1}\n{"a"\n', {"row": "last"}, "line 2 is not JSON"),
        ("a.csv", b"", {}, "it is empty"),
        ("a.csv", b"a,b\n", {}, "no row yet"),
        ("a.csv", b"a,a\n1,2\n", {}, "column 2: a occurs twice"),
        ("a.csv", b"a,,c\n1,2,3\n", {}, "column 2 has no name"),
        ("a.csv", b"a\n1\n1,2\n", {"row": "last"}, "line 3 has 2 cells"),
        ("a.csv", b'a\n"1\n', {}, "line 2 is not CSV"),
        ("a.csv", b"a\n\x00\n", {}, "not a text"),
        ("a.csv", b",".join(b"c%d" % n for n in range(csv_text.MAX_COLUMNS + 1)), {}, "more than 2,000 columns"),
        ("a.csv", b"a\n" + b"1\n" * (csv_text.MAX_ROWS + 1), {"row": "last"}, "more than 200,000 rows"),
        ("a.csv", b"a,b\nx,1\ny,2\n", {"best": "a"}, "no cell of its column a"),
        ("a.txt", b"a", {}, "ends with none of"),
    ],
    ids=lambda each: str(each)[:24],
)  # fmt: skip
def test_anything_else_is_refused_with_the_file_named(
    path: str, data: bytes, part: dict[str, Any], reason: str
) -> None:
    with pytest.raises(errors.BadValueFile, match=reason) as refused:
        parameters(data, path, **part)
    assert path in refused.value.message


def test_a_column_or_a_key_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(errors.NoColumn, match=r"r\.csv has no column mAP") as refused:
        metrics(ULTRALYTICS, "r.csv", best="mAP")
    assert "epoch, train/box_loss, metrics/mAP50(B)" in refused.value.hint
    assert "`mvc set 'from.metrics.best=metrics/mAP50(B)'`" in refused.value.hint
    with pytest.raises(errors.NoColumn, match=r"has no key val/\*"):
        metrics(ULTRALYTICS, "r.csv", row="last", select=("val/*",))


def test_a_log_of_several_rows_needs_a_choice() -> None:
    with pytest.raises(errors.WhichRow, match="3 rows") as refused:
        metrics(ULTRALYTICS, "r.csv")
    assert "`mvc set from.metrics=r.csv 'from.metrics.best=metrics/mAP50(B)'`" in refused.value.hint


def test_a_tag_of_yaml_constructs_nothing(tmp_path: Any) -> None:
    mark = tmp_path / "ran"
    data = f"a: !!python/object/apply:os.mkdir ['{mark}']\nb: !!python/name:os.mkdir x\n".encode()
    assert parameters(data, "args.yaml") == {"a": [str(mark)], "b": "x"}
    assert not mark.exists()


def test_an_empty_cell_does_not_replace_a_number() -> None:
    assert rows.joined([{"epoch": 1, "a": 1}, {"epoch": 1, "b": 2}, {"a": 3}, {"a": 4}]) == [
        {"epoch": 1, "a": 1, "b": 2}, {"a": 3}, {"a": 4}
    ]  # fmt: skip
