"""Writes weights as large as asked: bf16 values of normal distribution in some 300 tensors, as safetensors.

    weights.py MEGABYTES SEED FILE CHANGED      CHANGED is FILE with 2 % of its tensors drawn anew

Run by the benchmark in an environment of its own, the only one that has numpy.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

TENSORS = 300
CHANGED = 6


def tensor(rng: np.random.Generator, count: int) -> bytes:
    """`count` bf16 values, normal with a spread of 0.02: the upper halves of float32."""
    values = rng.standard_normal(count, dtype=np.float32) * np.float32(0.02)
    return bytes((values.view(np.uint32) >> 16).astype(np.uint16).tobytes())


def main(megabytes: int, seed: int, first: Path, second: Path) -> None:
    """Write both files."""
    rng = np.random.default_rng(seed)
    count = megabytes * 1_000_000 // TENSORS // 2
    offsets = [2 * count * number for number in range(TENSORS + 1)]
    header = {
        f"layer.{number:03}.weight": {"dtype": "BF16", "shape": [count], "data_offsets": offsets[number : number + 2]}
        for number in range(TENSORS)
    }
    text = json.dumps(header).encode()
    with first.open("wb") as one, second.open("wb") as two:
        for file in (one, two):
            file.write(len(text).to_bytes(8, "little") + text)
        for number in range(TENSORS):
            data = tensor(rng, count)
            one.write(data)
            two.write(tensor(rng, count) if number >= TENSORS - CHANGED else data)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
