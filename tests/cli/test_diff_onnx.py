"""`mvc diff --onnx`: the changes of graphs between versions and in the working tree."""

from __future__ import annotations

from pathlib import Path

import pytest

import mvc
from tests.cli.shell import MODEL, Shell, begin
from tests.formats.test_onnx import message, model, tensor
from tests.formats.test_onnx_operators import node, port


def _onnx(weight: bytes, *nodes: bytes, classes: int = 6) -> bytes:
    ports = (port(11, "images", 1, 3, 640, 640), port(12, "boxes", 1, classes))
    return model(*nodes, message(5, tensor("weight", weight * 100_000, 25_000)), *ports)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = begin(tmp_path, monkeypatch)
    shell.write("best.onnx", _onnx(b"a", node("Conv"), node("Relu")))
    shell.write("notes.txt", b"one")
    shell.ok("add", "best.onnx", "--as", "model-latest")
    shell.ok("add", "notes.txt", "--as", "notes")
    shell.commit("one")
    shell.write("best.onnx", _onnx(b"b", node("Conv"), node("Conv"), node("Bad\x1b[31m"), classes=7))
    shell.write("notes.txt", b"two")
    shell.commit("two")
    return shell


def test_versions(shell: Shell) -> None:
    lines = shell.ok("diff", "--onnx", "--no-text", "v1", "v2").lines
    assert lines[lines.index("graph of model-latest (best.onnx)") + 1 :] == [
        "  + operator Bad\\x1b[31m 1",
        "  operator Conv 1 -> 2",
        "  - operator Relu 1",
        "  output boxes F32 1x6 -> F32 1x7",
    ]
    (found,) = shell.ok("--json", "diff", "--onnx", "v1", "v2").json["onnx"]
    assert (found["role"], found["old"]["operators"], found["new"]["opsets"]) == (
        "model-latest", {"Conv": 1, "Relu": 1}, {"ai.onnx": 21},
    )  # fmt: skip
    assert "onnx" not in shell.ok("--json", "diff", "v1", "v2").json
    page = shell.ok("diff", "--onnx", "--md", "v1", "v2").lines
    assert page[page.index("### Graphs") + 2 :][:6] == [
        "| file | declares | v1 | v2 |",
        "| --- | --- | --- | --- |",
        "| best.onnx | operator Bad\\\\x1b\\[31m | - | 1 |",
        "| best.onnx | operator Conv | 1 | 2 |",
        "| best.onnx | operator Relu | 1 | - |",
        "| best.onnx | output boxes | F32 1x6 | F32 1x7 |",
    ]
    assert "### Graphs" not in shell.ok("diff", "--md", "v1", "v2").lines
    result = mvc.open(shell.folder).model(MODEL).diff("v1", "v2", onnx=True)
    assert result.onnx is not None
    assert len(result.onnx[0].changes) == 4


def test_the_working_tree(shell: Shell) -> None:
    shell.write("best.onnx", _onnx(b"c", node("Conv"), node("Conv"), node("Bad\x1b[31m"), classes=7))
    assert shell.ok("diff", "--onnx").lines[-1] == "  unchanged: 3 operators of 2 kinds, opset ai.onnx 21"
    assert "unchanged: 3 operators of 2 kinds" in shell.ok("diff", "--onnx", "--md").out
    ports = (port(11, "images", "batch", 3, 640, 640), port(12, "boxes", "batch", 7))
    shell.write("best.onnx", model(node("Conv"), node("Conv"), node("Bad\x1b[31m"), *ports))
    assert "  input images F32 1x3x640x640 -> F32 [batch, 3, 640, 640]" in shell.ok("diff", "--onnx").lines
    shell.write("best.onnx", _onnx(b"c", node("Conv"))[:-10])
    assert "cannot be compared" in shell.ok("diff", "--onnx").out
    assert "cannot be compared" in shell.ok("diff", "--onnx", "--md").out


def test_a_semantic_version_reads_the_ports(shell: Shell) -> None:
    assert "shape of output boxes of model-latest changed from 1x6 to 1x7" in shell.ok("semver", "v1", "v2").out
    assert shell.ok("-q", "semver", "v1", "v2").out == "minor\n"
