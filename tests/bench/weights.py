"""Writes weights as large as asked, as safetensors: normally distributed, in the 389 tensors of a transformer of 24 layers.

    weights.py new DTYPE MEGABYTES SEED FILE      DTYPE is BF16 or F32
    weights.py changed FILE SEED OTHER            OTHER is FILE with some 2 % of its bytes drawn anew, as whole tensors
    weights.py moved FILE SEED OTHER              OTHER is FILE with every weight moved by 1 % of the spread

Run by the benchmark as a process of its own, for what the benchmark has in memory counts as its children's.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Shape = tuple[int, ...]
Tensor = tuple[str, Shape]

SPREAD = np.float32(0.02)
WIDTHS = {"BF16": 2, "F32": 4}
LAYERS = 24
VOCABULARY = 30_522
CHANGED = tuple(
    f"encoder.layer.{LAYERS - 1}.{part}.weight"
    for part in ("attention.self.value", "attention.output.dense", "intermediate.dense")
)
"""Six squares of the width, of some 310 that there are."""


def width(weights: int) -> int:
    """The width, a multiple of 64, of the transformer that has about so many weights."""
    squares, rest = 12 * LAYERS, VOCABULARY + 512 + 2
    exact = (math.sqrt(rest * rest + 4 * squares * weights) - rest) / (2 * squares)
    return max(64, 64 * round(exact / 64))


def transformer(width: int) -> Iterator[Tensor]:
    """Names and shapes as BERT has them."""
    yield "embeddings.word_embeddings.weight", (VOCABULARY, width)
    yield "embeddings.position_embeddings.weight", (512, width)
    yield "embeddings.token_type_embeddings.weight", (2, width)
    yield from _pair("embeddings.LayerNorm", (width,))
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            yield from _pair(f"{name}.{part}", (width, width))
        yield from _pair(f"{name}.attention.output.LayerNorm", (width,))
        yield from _pair(f"{name}.intermediate.dense", (4 * width, width))
        yield from _pair(f"{name}.output.dense", (width, 4 * width))
        yield from _pair(f"{name}.output.LayerNorm", (width,))


def _pair(name: str, shape: Shape) -> Iterator[Tensor]:
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]


def drawn(rng: np.random.Generator, name: str, count: int) -> Floats:
    """New weights: of normal distribution; those of a LayerNorm around 1."""
    values = rng.standard_normal(count, dtype=np.float32) * SPREAD
    return values + np.float32(1) if name.endswith("LayerNorm.weight") else values


def encoded(values: Floats, dtype: str) -> bytes:
    """As they lie in a file; bf16 is rounded to nearest."""
    if dtype == "F32":
        return values.tobytes()
    return ((values.view(np.uint32) + np.uint32(0x8000)) >> np.uint32(16)).astype(np.uint16).tobytes()


def decoded(data: bytes, dtype: str) -> Floats:
    """What was encoded."""
    if dtype == "F32":
        return np.frombuffer(data, np.float32)
    return (np.frombuffer(data, np.uint16).astype(np.uint32) << np.uint32(16)).view(np.float32)


def header(tensors: list[Tensor], dtype: str) -> bytes:
    """The first bytes of the file: the header and its length."""
    entries: dict[str, object] = {"__metadata__": {"format": "pt"}}
    place = 0
    for name, shape in tensors:
        end = place + math.prod(shape) * WIDTHS[dtype]
        entries[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [place, end]}
        place = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def new(dtype: str, megabytes: int, seed: int, file: Path) -> None:
    """Weights that nobody has seen."""
    rng = np.random.default_rng(seed)
    tensors = list(transformer(width(megabytes * 1_000_000 // WIDTHS[dtype])))
    with file.open("wb") as out:
        out.write(header(tensors, dtype))
        for name, shape in tensors:
            out.write(encoded(drawn(rng, name, math.prod(shape)), dtype))


def tensors_of(source: BinaryIO) -> tuple[list[Tensor], str]:
    """Names and shapes in their order, and the dtype; afterwards `source` stands at the first weight."""
    entries = json.loads(source.read(int.from_bytes(source.read(8), "little")))
    del entries["__metadata__"]
    tensors = [(name, tuple(entry["shape"])) for name, entry in entries.items()]
    return tensors, str(next(iter(entries.values()))["dtype"])


def varied(act: str, file: Path, seed: int, other: Path) -> None:
    """The same tensors with other weights."""
    rng = np.random.default_rng(seed)
    with file.open("rb") as source, other.open("wb") as out:
        tensors, dtype = tensors_of(source)
        out.write(header(tensors, dtype))
        for name, shape in tensors:
            count = math.prod(shape)
            data = source.read(count * WIDTHS[dtype])
            if act == "moved":
                step = rng.standard_normal(count, dtype=np.float32) * SPREAD * np.float32(0.01)
                data = encoded(decoded(data, dtype) + step, dtype)
            elif name in CHANGED:
                data = encoded(drawn(rng, name, count), dtype)
            out.write(data)


def main(act: str, *given: str) -> None:
    """Write one file."""
    if act == "new":
        new(given[0], int(given[1]), int(given[2]), Path(given[3]))
    else:
        varied(act, Path(given[0]), int(given[1]), Path(given[2]))


if __name__ == "__main__":
    main(*sys.argv[1:])
