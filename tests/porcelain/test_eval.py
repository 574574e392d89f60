"""Evaluations: no part of a version's identity, only appended, compared by class, queried, and never with a secret."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

import mvc
from mvc import errors
from mvc.model.ids import VersionId, digest
from mvc.model.version import Person, Timestamp
from mvc.porcelain import eval_add
from mvc.repository.model import Model
from mvc.repository.repository import Actor
from mvc.storage.records.annotations.evaluations import MAX_CELLS, Cell, ClassResult, Evaluation, Matrix
from tests.cli.shell import ANA, MODEL, Shell, begin

TOKEN = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7cF0hJ3lO6"


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """v1 and v2 with the classes helmet, hard hat and vest."""
    shell = begin(tmp_path, monkeypatch)
    shell.ok("set", "labelmap.0=helmet", "labelmap.1=hard hat", "labelmap.2=vest")
    shell.commit("one")
    shell.set(metrics__mAP50=0.6)
    shell.commit("two")
    return shell


def _add(shell: Shell, revision: str, results: Any, *options: str, dataset: str = "night@3") -> dict[str, Any]:
    shell.write("results.json", json.dumps(results).encode())
    said = shell.ok("eval", "add", revision, "--dataset", dataset, "--file", "results.json", *options, "--json")
    found: dict[str, Any] = said.json
    return found


def _shown(shell: Shell, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shell.ok("eval", "show", *arguments, "--json").json["evaluations"]
    return found


def _listed(shell: Shell, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shell.ok("eval", "list", *arguments, "--json").json["evaluations"]
    return found


def _by_class(**values: float) -> list[dict[str, Any]]:
    return [{"class": name.replace("_", " "), "AP50": value} for name, value in values.items()]


def test_an_evaluation_leaves_the_version_as_it_is(shell: Shell) -> None:
    before, config = shell.ok("rev-parse", "v1").out, (shell.folder / ".mvc" / "config.toml").read_bytes()
    _add(shell, "v1", {"metrics": {"mAP50": 0.6}}, "--set", "conf=0.25", "--set", "by.hand=true")
    assert shell.ok("rev-parse", "v1").out == before
    assert (shell.folder / ".mvc" / "config.toml").read_bytes() == config  # an older mvc may go on
    (found,) = _shown(shell, "v1")
    assert (found["dataset"], found["dataset_version"], found["version"]) == ("night", "3", before.strip())
    assert (found["metrics"], found["values"]) == ({"mAP50": 0.6}, {"by.hand": True, "conf": 0.25})
    assert (found["by"], found["number"], found["removed"]) == (str(ANA), 1, False)
    id_ = digest((shell.folder / "results.json").read_bytes())
    assert found["files"] == [{"name": "results.json", "id": id_, "form": "parts"}]
    assert shell("fsck").code == 0


def test_classes_are_those_of_the_labelmap(shell: Shell) -> None:
    rows = [
        {"class": 2, "AP50": 0.2, "support": 4},
        {"class": "hard_hat", "AP50": 0.4},
        {"class": "helmet", "AP50": 0.6},
    ]
    found = _add(shell, "v1", rows)
    assert [(row["name"], row["class_number"], row["support"]) for row in found["classes"]] == [
        ("helmet", 0, None), ("hard hat", 1, None), ("vest", 2, 4),
    ]  # fmt: skip
    assert found["metrics"] == {"mAP50": 0.4}  # the mean
    shell.write("results.json", json.dumps(_by_class(Helmet=0.5, dog=0.1)).encode())
    refused = shell("eval", "add", "v1", "--dataset", "night@4", "--file", "results.json")
    assert (refused.code, "helmet for Helmet" in refused.err, "dog" in refused.err) == (2, True, True)
    kept = _add(shell, "v1", _by_class(helmet=0.5, dog=0.1), "--allow-unknown", dataset="night@4")
    assert [(row["name"], row["class_number"]) for row in kept["classes"]] == [("helmet", 0), ("dog", None)]
    twice = [{"class": 0, "AP50": 1.0}, {"class": "helmet", "AP50": 0.0}]
    shell.write("results.json", json.dumps(twice).encode())
    assert "helmet occurs twice" in shell("eval", "add", "v1", "--dataset", "night@3", "--file", "results.json").err
    assert len(_listed(shell)) == 2


def test_a_version_without_a_labelmap_takes_names_but_no_numbers(tmp_path: Path, monkeypatch: Any) -> None:
    shell = begin(tmp_path, monkeypatch)
    shell.commit("one")
    assert _add(shell, "v1", _by_class(helmet=0.5))["classes"][0]["class_number"] is None
    shell.write("results.json", json.dumps([{"class": 0, "AP50": 0.5}]).encode())
    refused = shell("eval", "add", "v1", "--dataset", "night@3", "--file", "results.json")
    assert (refused.code, "no labelmap" in refused.err) == (2, True)


def test_bad_requests_add_nothing(shell: Shell) -> None:
    shell.write("good.json", b'{"metrics": {"mAP50": 0.6}}')
    shell.write("empty.json", b"{}")
    (shell.folder / "folder").mkdir()
    for options in (
        ("--dataset", "night", "--file", "good.json"),
        ("--dataset", "night@", "--file", "good.json"),
        ("--dataset", "@3", "--file", "good.json"),
        ("--dataset", "night@3"),
        ("--file", "good.json"),
        ("--dataset", "night@3", "--file", "absent.json"),
        ("--dataset", "night@3", "--file", "folder"),
        ("--dataset", "night@3", "--file", "/dev/null"),
        ("--dataset", "night@3", "--file", "empty.json"),
        ("--dataset", "night@3", "--file", "good.json", "--set", "k=[1]"),
        ("--dataset", "night@3", "--file", "good.json", "--set", "k"),
    ):
        said = shell("eval", "add", "v1", *options)
        assert (said.code, said.out) == (2, ""), options
        assert said.err.startswith(("mvc: ", "Usage")), said.err
    said = shell("eval", "add", "v1", "--dataset", "night@3", "--file", "good.json", "--set", f"key={TOKEN}")
    assert (said.code, TOKEN in said.err) == (17, False)
    assert _listed(shell) == []
    shell.ok(
        "eval", "add", "v1", "--dataset", "a@b@3", "--file", "good.json", "--set", f"key={TOKEN}", "--allow-secret"
    )
    assert _listed(shell)[0]["dataset"] == "a@b"


def test_a_list_of_one_version_or_of_one_dataset(shell: Shell) -> None:
    for revision, dataset, value in (("v1", "night@3", 0.1), ("v1", "day@1", 0.2), ("v2", "night@4", 0.3)):
        _add(shell, revision, {"mAP50": value}, dataset=dataset)
    for line, expected in (
        ("", [0.1, 0.2, 0.3]),
        ("v1", [0.1, 0.2]),
        ("HEAD", [0.3]),
        ("--dataset night", [0.1, 0.3]),
        ("--dataset night@3", [0.1]),
        ("v1 --dataset day", [0.2]),
    ):
        found = _listed(shell, *line.split())
        assert sorted(each["metrics"]["mAP50"] for each in found) == expected, line
    for line in ("--dataset nite", "v2 --dataset day"):
        said = shell("eval", "list", *line.split())
        assert (said.code, "There are evaluations on" in said.err) == (2, True), said
    shell.ok("eval", "rm", "v1", "--all")
    assert (_listed(shell, "v1"), len(_listed(shell, "v1", "--all", "--dataset", "night"))) == ([], 1)


def test_a_bare_confusion_matrix_needs_the_order_of_its_classes(shell: Shell) -> None:
    shell.write("matrix.json", b"[[5, 1, 0], [0, 7, 0], [0, 0, 3]]")
    add = ("eval", "add", "v1", "--dataset", "night@3", "--file", "matrix.json")
    said = shell(*add)
    assert (said.code, "--classes 'hard hat,helmet,vest'" in said.err) == (2, True), said
    assert shell(*add, "--classes", "hard hat,helmet").code == 2
    assert shell(*add, "--classes", "hard hat,helmet,gloves").code == 2
    assert _listed(shell) == []
    shell.ok(*add, "--classes", "hard hat, helmet, vest")
    assert _shown(shell, "v1")[0]["matrix"]["names"] == ["hard hat", "helmet", "vest"]
    model = mvc.open(shell.folder).model(MODEL)
    made = model["v1"].add_evaluation("night@4", [[1, 0], [0, 1]], classes=["vest", "helmet"])
    assert made.evaluation.matrix is not None
    assert made.evaluation.matrix.names == ("vest", "helmet")
    shell.write("named.json", b'{"labels": ["vest"], "matrix": [[1]]}')
    for file in ("named.json", "good.json"):
        shell.write("good.json", b'{"mAP50": 0.6}')
        assert shell(*add[:-1], file, "--classes", "vest").code == 2, "the option would have no effect"


def test_removing_appends(shell: Shell) -> None:
    for value in (0.1, 0.2, 0.3):
        _add(shell, "v1", {"mAP50": value})
    shell.ok("eval", "rm", "v1", "2")
    assert [each["metrics"]["mAP50"] for each in _shown(shell, "v1")] == [0.1, 0.3]
    assert [each["removed"] for each in _shown(shell, "v1", "--all")] == [False, True, False]
    assert shell("eval", "rm", "v1", "2").code == 2
    assert shell("eval", "rm", "v1").code == 2
    shell.ok("eval", "rm", "v1", "--all")
    assert (_listed(shell), len(_listed(shell, "--all"))) == ([], 3)
    assert shell("eval", "show", "v1", "--dataset", "night").code == 2


def test_the_newest_on_a_dataset_is_queried(shell: Shell) -> None:
    one, two = (shell.ok("rev-parse", name).out for name in ("v1", "v2"))
    _add(shell, "v1", {"metrics": {"mAP50": 0.9}, "classes": _by_class(hard_hat=0.2)}, "--set", "conf=0.5")
    _add(shell, "v2", {"metrics": {"mAP50": 0.5}, "classes": _by_class(hard_hat=0.7)}, dataset="night@4.1")
    shell.tick()
    _add(shell, "v1", {"metrics": {"mAP50": 0.4}, "classes": _by_class(hard_hat=0.3)}, "--set", "at.conf=0.5")
    for expression, expected in {
        "eval.night.mAP50 < 0.45": one,
        "eval.night@3.mAP50 > 0": one,
        'eval."night@4.1".mAP50 > 0': two,
        'eval.night.class."hard hat".AP50 > 0.6': two,
        "eval.night.at.conf == 0.5": one,
        "has eval.night": two + one,
        "eval has night@3": one,
        "not has eval": "",
    }.items():
        assert shell.ok("log", "-q", "--where", expression).out == expected, expression
    assert shell.ok("log", "-q", "--sort", "eval.night.mAP50").out == two + one
    assert shell.ok("log", "--format", "{eval.night.mAP50}").lines == ["0.5", "0.4"]
    assert "eval.night.mAP50?" in shell("log", "--sort", "eval.nigth.mAP50").err
    shell.ok("eval", "rm", "v1", "2")
    assert shell.ok("log", "-q", "--sort", "eval.night.mAP50").out == one + two


def test_the_name_of_a_dataset_says_nothing_about_what_is_best(shell: Shell) -> None:
    """`far` and `error` are words of metrics for which the lowest is best; here they name a dataset and a class."""
    for revision, value in (("v1", 0.4), ("v2", 0.6)):
        results = {"metrics": {"mAP50": value, "loss": value}, "classes": _by_class(error=value)}
        _add(shell, revision, results, "--allow-unknown", dataset="far-field@1")
    one, two = (shell.ok("rev-parse", name).out for name in ("v1", "v2"))
    assert shell.ok("log", "-q", "--sort", "eval.far-field.mAP50").out == two + one
    assert shell.ok("log", "-q", "--sort", "eval.far-field.class.error.AP50").out == two + one
    assert shell.ok("log", "-q", "--sort", "eval.far-field.loss").out == one + two


def test_prune_keeps_the_best(shell: Shell) -> None:
    shell.write("w.bin", b"w" * 50_000)
    shell.ok("add", "w.bin", "--as", "weights")
    for number, value in enumerate((0.3, 0.9, 0.5), start=3):
        shell.write("w.bin", bytes([number]) * 50_000)
        shell.commit(f"{number}")
        _add(shell, f"v{number}", {"mAP50": value})
    planned = shell.ok("prune", "--keep-best", "eval.night.mAP50=1", "-n", "--unpushed", "--json").json
    reasons = {row["number"]: row["reason"] for row in planned["versions"] if row["kept"]}
    assert (3 in reasons, reasons[4]) == (False, "best 1 of 1 by eval.night.mAP50")


def test_compare_by_class(shell: Shell) -> None:
    _add(shell, "v1", {"metrics": {"mAP50": 0.5}, "classes": _by_class(helmet=0.6, vest=0.4)})
    said = shell("compare", "--eval", "day", "v1", "v2")
    assert (said.code, "no evaluation on day of these versions" in said.err, "on night@3" in said.err) == (
        2,
        True,
        True,
    )
    _add(shell, "v2", {"metrics": {"mAP50": 0.625}, "classes": _by_class(helmet=0.5)}, dataset="night@4")
    found = shell.ok("compare", "--eval", "night", "v1", "v2", "--json").json
    assert [each["dataset_version"] for each in found["versions"]] == ["3", "4"]
    rows = {(row["class_name"], row["metric"]): row for row in found["metrics"]}
    assert rows[None, "mAP50"]["differences"] == [0, 0.125]
    assert (rows["helmet", "AP50"]["best"], rows["vest", "AP50"]["values"]) == ([0], [0.4, None])
    assert (
        "| all | mAP50 | 0.5 | **0.625** | +0.1250 |"
        in shell.ok("compare", "--eval", "night", "v1", "v2", "--md").lines
    )
    assert "vest,AP50,0.4,," in shell.ok("compare", "--eval", "night", "v1", "v2", "--csv").lines
    only = shell.ok("compare", "--eval", "night@4", "v1", "v2", "--json").json
    assert [each["evaluation"] for each in only["versions"]] == [None, 1]


def test_matrix_and_curve_are_shown(shell: Shell) -> None:
    matrix = {"labels": ["helmet", "background"], "matrix": [[7, 2], [1, 0]]}
    curve = [{"threshold": 0.5, "precision": 0.9, "recall": None}, {"threshold": 0.1, "precision": 0.5}]
    _add(shell, "v1", {"confusion_matrix": matrix, "curve": curve, "thresholds": {"iou": 0.5}})
    (found,) = _shown(shell, "v1")
    assert found["matrix"] == {"names": ["helmet", "background"], "cells": [[0, 0, 7], [0, 1, 2], [1, 0, 1]]}
    assert [point["threshold"] for point in found["curves"][0]["points"]] == [0.1, 0.5]
    said = shell.ok("eval", "show", "v1", "--curve").out
    assert "helmet                     7           2" in said
    assert "0.5        0.9" in said


def test_escape_sequences_are_shown_as_such(shell: Shell) -> None:
    id_, evil = VersionId(shell.ok("rev-parse", "v1").out.strip()), "\x1b[31mred\x07\u202e"
    value = {
        "metrics": {evil: 0.5},
        "classes": [{"class": evil, "AP50": 0.5}],
        "confusion_matrix": {"labels": [evil], "matrix": [[1]]},
        "thresholds": {evil: 1},
        "curve": [{"class": evil, "threshold": 0.5}, {"class": evil, "threshold": 0.6}],
    }
    actor, model = Actor(Person(evil, evil), Timestamp(0)), Model(shell.repository, MODEL)
    given = [eval_add.of_value(value)._replace(name=evil)]
    eval_add.add(model, id_, actor, f"{evil}@{evil}", given, values={evil: evil}, allow_unknown=True)
    for line in ("eval", "eval show v1 --curve", "eval show v1 --csv", f"compare --eval {evil} v1 v2", "eval rm v1 1"):
        said = shell.ok(*line.split(" "))
        assert not {"\x1b", "\x07", "\u202e"} & set(said.out + said.err), line
        assert "\\x1b[31mred" in said.out + said.err, line


def test_fsck_finds_every_damage(shell: Shell, rng: random.Random) -> None:
    for value in (0.1, 0.2, 0.3):
        _add(shell, "v1", {"mAP50": value})
    (log,) = (shell.folder / ".mvc" / "evaluations").glob("*/*")
    whole = (log / "0000000002").read_bytes()
    at = rng.randrange(len(whole))
    for number, damaged in enumerate((whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], whole[:at], None)):
        (log / "0000000002").unlink()
        if damaged is not None:
            (log / "0000000002").write_bytes(damaged)
        kinds = {finding["kind"] for finding in shell("fsck", "--json").json["findings"]}
        assert kinds == {"evaluation"}, f"damage {number}, at byte {at}"
        (log / "0000000002").write_bytes(whole)
    (log / "0000000002").write_bytes(b"{}")
    assert [each["metrics"]["mAP50"] for each in _listed(shell)] == [0.3, 0.1]
    assert "warning: skipped .mvc/evaluations/" in shell.ok("eval").err
    assert shell("log").code == 0


def test_a_renamed_model_keeps_them_and_gc_removes_those_of_removed_versions(shell: Shell) -> None:
    shell.ok("config", "gc.reflog-expire", "0")
    gone = shell.commit("three", "--allow-empty")
    _add(shell, gone, {"mAP50": 0.3})
    _add(shell, "v1", {"mAP50": 0.1})
    shell.ok("models", "rename", MODEL, "hats")
    assert len(_listed(shell)) == 2
    shell.ok("reset", "v2")
    shell.tick()
    shell.ok("gc", "--grace", "0")
    assert [each["metrics"] for each in _listed(shell)] == [{"mAP50": 0.1}]
    assert [path.name for path in (shell.folder / ".mvc" / "evaluations").glob("*/*")] != [gone]


def test_records_have_one_byte_form_and_bounds(shell: Shell) -> None:
    results = {
        "metrics": {"mAP50": 1},
        "classes": _by_class(helmet=0.5),
        "confusion_matrix": {"labels": [0, 1, 2], "matrix": [[1, 0, 0], [2, 3, 0], [0, 0, 4]]},
    }
    _add(shell, "v1", {**results, "curve": [{"threshold": 0.5, "precision": 0.9}]})
    (path,) = (shell.folder / ".mvc" / "evaluations").glob("*/*/*")
    record = json.loads(path.read_bytes())
    assert Evaluation.decode(path.read_bytes()).encode() == path.read_bytes()
    changes: tuple[dict[str, Any], ...] = (
        {"dataset": ""},
        {"dataset_version": "3@4"},
        {"metrics": {"mAP50": "0.5"}},
        {"metrics": {"x" * 501: 1}},
        {"metrics": {str(number): 1 for number in range(201)}},
        {"classes": record["classes"] * 2},
        {"matrix": {"names": ["a"], "cells": [0, 1, 5]}},
        {"matrix": {"names": ["a"], "cells": [0, -1, 5]}},
        {"matrix": {"names": ["a"], "cells": [0, 0, 5, 0, 0, 5]}},
        {"matrix": {"names": ["a", "a"], "cells": []}},
        {"matrix": {"names": ["a"], "cells": [0, 0]}},
        {"matrix": {"names": ["a"], "cells": [0, False, 1]}},
        {"matrix": {"names": ["a"], "cells": [0, 0, "1"]}},
        {"matrix": {"names": ["a"], "cells": [], "more": 1}},
        {"matrix": {"names": "a", "cells": []}},
        {"curves": [{"name": "", "points": [[0.5, 1, 1]]}]},
        {"metrics": {}, "classes": [], "curves": [], "matrix": None},
        {"more": 1},
    )
    for change in changes:
        values = {**{key: value for key, value in record.items() if key != "sum"}, **change}
        with pytest.raises(errors.Damaged):
            Evaluation.from_json(values)
    base = Evaluation.decode(path.read_bytes())
    size = 400
    cells = tuple(Cell(at // size, at % size, 1) for at in range(MAX_CELLS + 1))
    many = tuple(ClassResult(f"{number}", {"AP": 0.5}) for number in range(5_001))
    for matrix, classes in ((Matrix(tuple(map(str, range(size))), cells), ()), (None, many)):
        kept = {"dataset": "night", "dataset_version": "3", "matrix": matrix, "classes": classes}
        large = Evaluation(base.version, 1, base.by, base.at, base.nonce, **kept)  # type: ignore[arg-type]
        assert "more than" in str(large.fault)


def test_undo_says_what_it_does_not_reach(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    _add(shell, "v2", {"metrics": {"mAP50": 0.6}})  # of a day before the operation
    assert "evaluations" not in shell.ok("undo").err
    shell.ok("redo")
    monkeypatch.delenv("MVC_AUTHOR_DATE")
    shell.ok("eval", "rm", "v2", "1")
    said = " ".join(shell.ok("undo").err.split())
    assert "your evaluations since then are no operations, and stay; `mvc eval rm` removes them" in said


def test_csv_has_numbers_as_they_are(shell: Shell) -> None:
    for revision, value in (("v1", 0.5), ("v2", 0.50001)):
        _add(shell, revision, {"metrics": {"mAP50": value}, "classes": _by_class(helmet=value)})
    assert "0,helmet,,0.50001" in shell.ok("eval", "show", "v2", "--csv").lines
    row = next(line for line in shell.ok("compare", "--eval", "night", "v1", "v2", "--csv").lines if "AP50" in line)
    assert float(row.split(",")[-1]) == pytest.approx(0.00001, rel=1e-6)
    assert "+0.0000" in shell.ok("compare", "--eval", "night", "v1", "v2").out


def test_tables_name_their_evaluation(shell: Shell) -> None:
    for dataset, value in (("night@3", 0.5), ("rain|x@1", 0.4)):
        _add(shell, "v1", {"metrics": {"mAP50": value}}, "--set", "conf=0.25", dataset=dataset)
    rows = shell.ok("eval", "show", "v1", "--csv").lines
    assert {"night@3,1,metrics,mAP50,0.5", "rain|x@1,2,metrics,mAP50,0.4", "rain|x@1,2,value,conf,0.25"} <= set(rows)
    shown = shell.ok("eval", "show", "v1", "--md").out
    assert [line.split("evaluation ")[1][:1] for line in shown.splitlines() if line.startswith("**")] == ["1", "2"]
    assert "\n\n\n" not in shown


def test_minus_one_of_coco_is_left_out_and_named(shell: Shell) -> None:
    results = {"map": 0.5, "map_50": 0.7, "map_75": -1, "map_per_class": [0.4, -1], "classes": [0, 1]}
    made = _add(shell, "v1", results)
    assert made["dropped"] == ["mAP75", "AP"]
    table = [{"class": "helmet", "AP50": -1, "bias": -1}, {"class": "vest", "AP50": 0.7, "bias": 0.5}]
    made = _add(shell, "v2", table)
    assert (made["dropped"], made["metrics"]) == (["AP50"], {"mAP50": 0.7})
    assert made["classes"][0]["metrics"] == {"bias": -1}
    assert (
        "left out, since not finite, or -1 for none: AP50"
        in shell.ok("eval", "add", "v2", "--dataset", "d@1", "--file", "results.json").out
    )


def test_means_are_those_of_the_page(shell: Shell) -> None:
    rows = [{"class": name, "Box-F1": value, "Mask-P": value} for name, value in (("helmet", 0.5), ("vest", 0.7))]
    assert _add(shell, "v1", rows)["metrics"] == {"f1": 0.6, "precision-mask": 0.6}
