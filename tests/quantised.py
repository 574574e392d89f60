"""Quantised weights for tests: as ggml's reference quantises them, and in a GGUF file.

Source: quantize_row_q8_0_ref and quantize_row_q4_0_ref of ggml-quants.c, and docs/gguf.md of ggml.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]


def q8_0(weights: Weights) -> bytes:
    """Blocks of 32 weights: the largest magnitude / 127 as fp16, and each weight in steps of it."""
    rows = weights.reshape(-1, 32)
    scale = np.abs(rows).max(axis=1, keepdims=True) / np.float32(127)
    quants = _away_from_zero(rows * _inverse(scale)).astype(np.int8)
    return _blocks(scale, quants.view(np.uint8))


def q4_0(weights: Weights) -> bytes:
    """Blocks of 32 weights: the one of largest magnitude / -8 as fp16, and each weight in steps of it, plus 8."""
    rows = weights.reshape(-1, 32)
    largest = np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)
    scale = largest / np.float32(-8)
    quants = np.clip(np.trunc(rows * _inverse(scale) + np.float32(8.5)), 0, 15).astype(np.uint8)
    return _blocks(scale, quants[:, :16] | quants[:, 16:] << np.uint8(4))


def _inverse(scale: Weights) -> Weights:
    return np.divide(np.float32(1), scale, out=np.zeros_like(scale), where=scale != 0)


def _away_from_zero(values: Weights) -> Weights:
    return np.trunc(values + np.copysign(np.float32(0.5), values))


def _blocks(scale: Weights, quants: NDArray[np.uint8]) -> bytes:
    return np.concatenate([scale.astype("<f2").view(np.uint8), quants], axis=1).tobytes()


TYPES: Mapping[str, tuple[int, Callable[[Weights], bytes]]] = {
    "F32": (0, lambda weights: weights.astype("<f4").tobytes()),
    "Q4_0": (2, q4_0),
    "Q8_0": (8, q8_0),
}
"""ggml's number of a type, and its quantisation."""


def gguf(tensors: Mapping[str, Weights], dtype: str) -> bytes:
    """A GGUF file of these weights; those with one dimension stay in fp32, as converters do it."""
    infos, data = [], b""
    for name, weights in tensors.items():
        number, quantised = TYPES[dtype if weights.ndim > 1 else "F32"]
        shape = weights.shape[::-1]
        infos.append(
            struct.pack("<Q", len(name))
            + name.encode()
            + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, number, len(data))
        )
        data += quantised(weights)
        data += bytes(-len(data) % 32)
    header = b"GGUF" + struct.pack("<IQQ", 3, len(infos), 0) + b"".join(infos)
    return header + bytes(-len(header) % 32) + data
