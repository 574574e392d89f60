"""Diffs of two ONNX graphs, from what they declare and not from their weights.

ir_version 8 -> 9      opset ai.onnx 17 -> 21      operator Conv 63 -> 64      output boxes F32 1x6x8400 -> F32 1x7x8400
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from mvc.deferred import dataclass
from mvc.model.compare.diff import Change
from mvc.model.document import Document
from mvc.model.metadata import Port


@dataclass(frozen=True, slots=True)
class OnnxGraph(Document):
    """An ONNX graph: its operators with their number, those of subgraphs and functions included, and its inputs and outputs.

    `opsets` are versions by domain. An operator of another domain than `ai.onnx` has the domain before its name.
    """

    ir_version: int | None = None
    producer: str = ""
    opsets: Mapping[str, int] = field(default_factory=dict)
    operators: Mapping[str, int] = field(default_factory=dict)
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()

    def declared(self) -> Iterator[tuple[str, Any]]:
        """Yield what it declares by key, such as `operator Conv`."""
        yield "ir_version", self.ir_version
        yield "producer", self.producer or None
        yield from ((f"opset {domain}", version) for domain, version in self.opsets.items())
        yield from ((f"operator {name}", count) for name, count in self.operators.items())
        for noun, ports in (("input", self.inputs), ("output", self.outputs)):
            yield from ((f"{noun} {port.name}", f"{port.dtype} {port.text}".strip()) for port in ports)


def compare(old: OnnxGraph, new: OnnxGraph) -> tuple[Change, ...]:
    """Return what two graphs declare differently, by key."""
    before, after = dict(old.declared()), dict(new.declared())
    keys = sorted({**before, **after}, key=_order)
    return tuple(Change(key, before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key))


def _order(key: str) -> tuple[int, str]:
    kinds = ("ir_version", "producer", "opset", "operator", "input", "output")
    return kinds.index(key.partition(" ")[0]), key
