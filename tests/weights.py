"""Weight files for tests: written by hand, as the formats' descriptions say."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Mapping

import numpy as np

WIDTHS = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8, "U8": 1}
Tensors = Mapping[str, tuple[str, tuple[int, ...], bytes]]
"""Dtype, shape and bytes by name, in the order of the file."""


def safetensors(tensors: Tensors, metadata: Mapping[str, str] | None = None) -> bytes:
    """A safetensors file."""
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    place = 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [place, place + len(data)]}
        place += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(data for _, _, data in tensors.values())


def network(rng: random.Random, layers: int = 4, width: int = 256) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """A small network in fp32: an embedding of over one piece, square layers, their biases and a head."""
    numbers = np.random.default_rng(rng.getrandbits(64))

    def tensor(*shape: int) -> tuple[str, tuple[int, ...], bytes]:
        return "F32", shape, (numbers.standard_normal(shape) * 0.02).astype("<f4").tobytes()

    found = {"embedding.weight": tensor(1200, width)}
    for layer in range(layers):
        found |= {f"layer.{layer}.bias": tensor(width), f"layer.{layer}.weight": tensor(width, width)}
    return found | {"head.bias": tensor(10), "head.weight": tensor(10, width)}


def tuned(tensors: Tensors, rng: random.Random, rate: float = 1e-4) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """The same network after a few small steps: every weight moves a little."""
    numbers = np.random.default_rng(rng.getrandbits(64))

    def moved(data: bytes) -> bytes:
        weights = np.frombuffer(data, "<f4")
        step = numbers.standard_normal(weights.shape) * rate
        return (weights + step).astype("<f4").tobytes()

    return {name: (dtype, shape, moved(data)) for name, (dtype, shape, data) in tensors.items()}


def rounded(tensors: Tensors, dtype: str) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """The bf16 or fp16 copy of an fp32 network, as a training library makes it."""

    def cast(data: bytes) -> bytes:
        if dtype == "F16":
            return np.frombuffer(data, "<f4").astype("<f2").tobytes()
        bits = np.frombuffer(data, "<u4").astype("u8")
        return bytes(((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2").tobytes())

    return {name: (dtype, shape, cast(data)) for name, (_, shape, data) in tensors.items()}
