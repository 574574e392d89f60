"""Metadata of a weight file, as its header has it: inputs and outputs, properties, the names of classes.

onnx   images F32 1x3x640x640  →  output0 F32 1x6x8400        names: {0: 'helmet', 1: 'head'}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple

from mvc.deferred import dataclass


class Port(NamedTuple):
    """An input or output of a graph; None for a dimension that is not fixed, and for a shape that is not recorded."""

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None

    @property
    def text(self) -> str:
        """The shape as text: `1x3x640x640`, with `?` for a dimension that is not fixed."""
        return "x".join("?" if size is None else str(size) for size in self.shape or ())


@dataclass(frozen=True, slots=True)
class Metadata:
    """`properties` are texts by key, `classes` the names of classes by number; each is empty if it is not recorded."""

    format: str
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[tuple[int, str], ...] = ()
