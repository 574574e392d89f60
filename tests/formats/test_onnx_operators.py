"""Graphs of ONNX models: operators, opsets and ports where the package puts them, and no file that costs more than its nodes."""

from __future__ import annotations

import random

import pytest

from mvc.formats.metadata import onnx_operators
from mvc.formats.source import HeaderError
from mvc.model.compare import onnx
from mvc.model.compare.onnx import OnnxGraph
from tests.formats.headers import source
from tests.formats.test_onnx import EXAMPLES, message, model, number, tensor


def node(name: str, domain: str = "", *branches: bytes) -> bytes:
    """A node, with subgraphs in attributes."""
    inside = [message(5, message(1, b"then_branch"), message(6, branch)) for branch in branches]
    parts = [message(4, name.encode()), message(7, domain.encode()) if domain else b""]
    return message(1, *inside, *parts)


def port(field: int, name: str, *dims: int | str, code: int = 1) -> bytes:
    """An input (11) or output (12)."""
    sizes = [message(1, number(1, size) if isinstance(size, int) else message(2, size.encode())) for size in dims]
    return message(field, message(1, name.encode()), message(2, message(1, number(1, code), message(2, *sizes))))


def read(data: bytes) -> OnnxGraph:
    return onnx_operators.read(source(data))


GRAPH = (
    node("Conv"), node("Conv"), node("Relu", "ai.onnx"), node("Gelu", "com.microsoft"),
    node("If", "", node("Add") + node("Conv")),
    message(5, tensor("weight", b"x" * 4_000, 1_000)),
    port(11, "images", 1, 3, 640, 640), port(11, "weight", 1_000), port(12, "boxes", "batch", 6),
)  # fmt: skip


def test_a_graph_has_its_operators_and_ports() -> None:
    graph = read(model(*GRAPH) + message(3, b"2.1") + message(8, message(1, b"com.microsoft"), number(2, 1)))
    assert graph.operators == {"Add": 1, "Conv": 3, "If": 1, "Relu": 1, "com.microsoft.Gelu": 1}
    assert (graph.ir_version, graph.producer, graph.opsets) == (8, "test 2.1", {"ai.onnx": 21, "com.microsoft": 1})
    assert [(each.name, each.dtype, each.text) for each in graph.inputs] == [("images", "F32", "1x3x640x640")]
    assert [(each.name, each.text) for each in graph.outputs] == [("boxes", "[batch, 6]")]


def test_functions_count() -> None:
    function = message(25, message(1, b"f"), message(7, message(4, b"Tanh")))
    assert read(model(node("f", "own")) + function).operators == {"Tanh": 1, "own.f": 1}


def test_changes_are_named_by_what_is_declared() -> None:
    old, new = read(model(*GRAPH)), read(model(*GRAPH[1:], node("Softmax"), port(12, "scores", 6)))
    assert [(change.key, change.old, change.new) for change in onnx.compare(old, new)] == [
        ("operator Conv", 3, 2),
        ("operator Softmax", None, 1),
        ("output scores", None, "F32 6"),
    ]
    assert onnx.compare(old, old) == ()
    assert [change.key for change in onnx.compare(old, read(model(*GRAPH[:-1], port(12, "boxes", 1, 6))))] == [
        "output boxes"
    ]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_real_models(path: object) -> None:
    graph = read(path.read_bytes())  # type: ignore[attr-defined]
    assert sum(graph.operators.values()) > 0
    assert graph.inputs
    assert graph.opsets


def test_weights_are_not_read() -> None:
    large = model(node("Conv"), message(5, tensor("weight", bytes(1 << 20), 1 << 18)))
    counted: list[int] = []
    opened = source(large)
    inner = opened._read_at

    def counting(offset: int, size: int) -> bytes:
        counted.append(size)
        return inner(offset, size)

    opened._read_at = counting
    assert onnx_operators.read(opened).operators == {"Conv": 1}
    assert sum(counted) < 100_000


def test_hostile_graphs_are_refused() -> None:
    deep = node("Add")
    for _ in range(200):
        deep = node("If", "", deep)
    many = b"".join(node(f"op{number}") for number in range(onnx_operators.MAX_KINDS + 1))
    for data, reason in (
        (model(deep), "nested deeper"),
        (model(many), "different operators"),
        (number(1, 8), "no graph"),
        (model(message(1, message(4, b"\xff\xfe"))), "not UTF-8"),
    ):
        with pytest.raises(HeaderError, match=reason):
            read(data)


def test_a_cut_or_changed_graph_never_fails_otherwise(rng: random.Random, *, deep: bool) -> None:
    whole = model(*GRAPH)
    for _ in range(3_000 if deep else 300):
        data = bytearray(whole[: rng.randrange(1, len(whole) + 1)])
        for _ in range(rng.randrange(3)):
            data[rng.randrange(min(len(data), 200))] = rng.randrange(256)
        try:
            read(bytes(data))
        except HeaderError:
            continue
