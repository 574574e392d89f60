"""Metadata of a weight file, as its header has it: inputs and outputs, properties, the names of classes.

onnx   images F32 1x3x640x640  →  output0 F32 1x6x8400        names: {0: 'helmet', 1: 'head'}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple

from mvc.deferred import dataclass


class Port(NamedTuple):
    """An input or output of a graph; None for a dimension that is not fixed, and for a shape that is not recorded.

    `symbols` has the name of each dimension that is not fixed, such as `batch`, None for others; it is empty if none has one.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None
    symbols: tuple[str | None, ...] = ()

    @property
    def text(self) -> str:
        """The shape as text: `1x3x640x640`; `[batch, 3, 640, 640]` if a dimension is not fixed, `dynamic` for one without name."""
        sizes = self.shape or ()
        if None not in sizes:
            return "x".join(map(str, sizes))
        symbols = self.symbols or (None,) * len(sizes)
        named = (name or "dynamic" if size is None else str(size) for name, size in zip(symbols, sizes, strict=True))
        return f"[{', '.join(named)}]"


@dataclass(frozen=True, slots=True)
class Metadata:
    """`properties` are texts by key, `classes` the names of classes by number; each is empty if it is not recorded."""

    format: str
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[tuple[int, str], ...] = ()
