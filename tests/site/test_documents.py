"""The documents of the page: those of `.mvc-example` are pinned, and docs/reference/page-data.md names their keys."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shell import Shell
from tests.site.conftest import weights
from tests.site.documents import of_schema, read

GOLDEN = Path(__file__).with_name("example.json")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "page-data.md"
WRITES = bool(os.environ.get("MVC_WRITE_DOCS"))
SCHEMAS = ("site", "model", "version", "state", "compare", "storage")


def _export(shell: Shell, *more: str) -> dict[str, Any]:
    shell.ok("ui", "--export", "../out", *more)
    return read(shell.folder.parent / "out")


def _model(found: dict[str, Any]) -> Any:
    [model] = of_schema(found, "model")
    return model


def test_the_documents_of_the_example_are_pinned(example: Shell) -> None:
    """A change of one that depends on an id needs another `contents.FORMAT`, once a release was made."""
    found = _export(example)
    chosen = [of_schema(found, schema)[0] for schema in SCHEMAS if schema != "state"]
    folders = re.compile(r"(versions|compare)-[0-9a-f]{16}")
    text = folders.sub(r"\1-RELEASE", json.dumps(chosen, indent=1, sort_keys=True)) + "\n"
    if WRITES:
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_the_reference_names_every_key(shell: Shell) -> None:
    found = _export(shell)
    sections = {part.partition("\n")[0]: part for part in PAGE.read_text(encoding="utf-8").split("\n## mvc.")}
    for schema in SCHEMAS:
        name = "site/1" if schema == "site" else f"site.{schema}/1"
        named = set(re.findall(r"`([a-z_]+)`", sections[name]))
        keys = {key for document in of_schema(found, schema) for key in document} - {"schema"}
        assert keys <= named, schema


def test_what_a_training_logged(shell: Shell) -> None:
    rows = "\n".join(f"{epoch},{1 / (epoch + 1)},{10**400 if epoch == 3 else 1}" for epoch in range(1200))
    shell.write("log.csv", f"epoch,loss,big\n{rows}\n,nan,text\n".encode())
    shell.write("environment.json", b'{"kind":"environment","gpus":["L4"],"packages":{"torch":"2.4.0"},"python":"3.11",'
                b'"platform":null,"cuda":"12.4","driver":null}')  # fmt: skip
    shell.ok("add", "log.csv", "--as", "training-log")
    shell.ok("add", "environment.json", "--as", "environment")
    id_ = shell.commit("Trained")
    [version] = [each for each in of_schema(_export(shell), "version") if each["id"] == id_]
    [curve] = version["curves"]
    assert (curve["role"], curve["path"], curve["columns"][:2]) == ("training-log", "log.csv", ["epoch", "loss"])
    assert len(curve["rows"]) <= 500
    assert curve["rows"][0][0] < 3
    assert version["environment"]["packages"] == {"torch": "2.4.0"}


def test_evaluations_of_versions(shell: Shell) -> None:
    def evaluated(version: str, dataset: str, **metrics: float) -> None:
        classes = [{"name": "helmet", "AP50": metrics["mAP50"], "log_loss": 0.5}]
        shell.write("report.json", json.dumps({"metrics": metrics, "classes": classes}).encode())
        shell.tick()
        shell.ok("eval", "add", version, "--dataset", dataset, "--file", "report.json")

    evaluated("v1", "night@3", mAP50=0.5, val_loss=0.2)
    evaluated("v1", "night@4", mAP50=0.4)
    evaluated("v2", "night@3", mAP50=0.6)
    evaluated("v2", "night@3", mAP50=0.7)
    evaluated("v2", "day.1@1", mAP50=0.9)
    model = _model(found := _export(shell, "--redact", "emails"))
    main, side, first = (found.get(path, {}).get("evaluations") for path in model["versions"]["state"])
    assert side is None
    assert [(each["dataset"], each["dataset_version"], each["superseded_by"], each["by"]) for each in first] == [
        ("night", "3", 2, "Ana"), ("night", "4", None, "Ana"),
    ]  # fmt: skip
    assert [each["superseded_by"] for each in main] == [2, None, None]
    assert [each["lowest"] for each in first] == [["log_loss", "val_loss"], ["log_loss"]]
    assert [each["name"] for each in main[0]["classes"]] == ["helmet"]
    assert model["evaluations"] == {
        "eval.night.mAP50": [0.7, None, 0.4],
        'eval."night@3".mAP50': [0.7, None, 0.5],
        'eval."night@4".mAP50': [None, None, 0.4],
        'eval."night@3".val_loss': [None, None, 0.2],
        'eval."day.1".mAP50': [0.9, None, None],
    }
    for key, column in model["evaluations"].items():  # the keys are those of queries
        best = shell.ok("log", "--all", "--sort", key, "-n", "1", "--columns", f"id,{key}", "--json").json
        assert best["versions"][0]["id"] == model["versions"]["id"][column.index(max(filter(None, column)))], key


def test_metrics_of_which_the_lowest_is_the_best(shell: Shell) -> None:
    shell.set(metrics__val_loss=0.2, metrics__latency_ms=3, metrics__closeness=1)
    shell.commit("Measured")
    assert _model(_export(shell))["lowest"] == ["latency_ms", "val_loss"]


def test_a_whole_number_that_a_browser_would_round_is_a_text(shell: Shell) -> None:
    shell.set(parameters__seed=9_007_199_254_740_993, parameters__epochs=4)
    id_ = shell.commit("Seeded")
    [version] = [each for each in of_schema(_export(shell), "version") if each["id"] == id_]
    assert version["values"]["parameters"] == {"seed": "9007199254740993", "epochs": 4}


def test_a_version_names_the_one_that_it_was_made_from(shell: Shell) -> None:
    shell.ok("init", "second", "--model", "second")
    shell.write("second/w.safetensors", weights(3))
    for folder in ("second",):
        inside = ("--model", folder)
        shell.ok(*inside, "set", "model.parent=helmets@v1")
        shell.ok(*inside, "add", "second/w.safetensors", "--as", "model-latest")
        shell.ok(*inside, "commit", "-m", "Fine-tuned")
        shell.ok(*inside, "set", "metrics.loss=0.1")
        shell.ok(*inside, "commit", "-m", "Again")
    found = _export(shell)
    [overview] = of_schema(found, "site")
    [link] = overview["lineage"]
    assert (link["child"]["model"], link["child"]["number"]) == ("second", 1)
    assert {key: link["parent"][key] for key in ("text", "known", "model", "number")} == {
        "text": "helmets@v1", "known": True, "model": "helmets", "number": 1,
    }  # fmt: skip
    [second] = [each for each in of_schema(found, "model") if each["key"] == "second"]
    assert second["parents"]["helmets@v1"] == link["parent"]


def test_moves_of_an_alias(shell: Shell) -> None:
    shell.ok("alias", "rollback", "prod", "-m", "false alarms")
    shell.ok("alias", "rm", "prod")
    moves = _model(_export(shell))["aliases"]["prod"]
    assert [each["action"] for each in moves] == ["remove", "rollback", "move", "set"]
    assert moves[1]["reason"].endswith("false alarms")


def test_savings_are_those_of_du(shell: Shell) -> None:
    [storage] = of_schema(_export(shell), "storage")
    usage = shell.ok("du", "--json").json
    assert storage.keys() == {"schema", "raw", "stored", "by", "models"}
    assert storage["raw"] == usage["all_versions"]["bytes_total"]
    assert storage["stored"] == usage["bytes_store"]
    assert {each["what"]: each["bytes"] for each in storage["by"]} == usage["all_versions"]["bytes_saved"]


def test_pairs_that_are_compared(shell: Shell) -> None:
    ids = _model(_export(shell))["versions"]["id"]
    main, side, first = ids
    assert _model(_export(shell))["compared"] == [[first, main]]
    found = _export(shell, "--compare", "side...main")
    assert _model(found)["compared"] == [[first, main], [side, main]]


def test_drift_is_measured_on_request(shell: Shell) -> None:
    def drifts(*more: str) -> list[Any]:
        [compared] = of_schema(_export(shell, *more), "compare")
        return [(each["name"], each["change"], each["drift"]) for each in compared["files"][0]["tensors"]]

    assert drifts() == [("conv.weight", "changed", None), ("conv.bias", "same", None)]
    shown = shell.ok("diff", "v1", "v2", "--tensors=deep", "--json").json
    drift = shown["tensors"][0]["difference"]["tensors"][0]["drift"]["relative_l2"]
    assert drift > 0
    assert drifts("--deep") == [("conv.weight", "changed", drift), ("conv.bias", "same", None)]


def test_a_repository_without_a_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell(tmp_path, monkeypatch)
    shell.ok("init", "--model", "helmets")
    shell.ok("ui", "--export", "out")
    found = read(tmp_path / "out")
    [overview] = of_schema(found, "site")
    assert (overview["models"][0]["versions"], overview["models"][0]["tip"]) == (0, None)
    assert _model(found)["versions"]["id"] == []
