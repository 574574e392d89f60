#!/usr/bin/env python3
"""Names the shapes in a file of 16 x 16 grey pictures: classify.py weights/model.safetensors calibration/shapes.u8"""

import json
import struct
import sys


def load(path: str) -> dict[str, tuple[list[int], list[float]]]:
    """Every tensor's shape and values."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        body = file.read()
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            tensors[name] = (entry["shape"], list(struct.unpack(f"<{(end - start) // 4}f", body[start:end])))
    tensors["classes"] = (header["__metadata__"]["classes"].split(","), [])
    return tensors


def convolve(planes: list[list[float]], side: int, weight: tuple, bias: tuple) -> list[list[float]]:
    """3x3 convolution, ReLU, 2x2 max-pool."""
    out = []
    for f in range(weight[0][0]):
        full = {}
        for y in range(side):
            for x in range(side):
                total = bias[1][f]
                for c, plane in enumerate(planes):
                    for k in range(9):
                        row, column = y + k // 3 - 1, x + k % 3 - 1
                        if 0 <= row < side and 0 <= column < side:
                            total += weight[1][(f * len(planes) + c) * 9 + k] * plane[row * side + column]
                full[y, x] = max(total, 0.0)
        half = range(0, side, 2)
        out.append([max(full[y + i, x + j] for i in (0, 1) for j in (0, 1)) for y in half for x in half])
    return out


def dense(values: list[float], weight: tuple, bias: tuple) -> list[float]:
    """weight @ values + bias."""
    n = len(values)
    return [sum(w * v for w, v in zip(weight[1][i * n : i * n + n], values)) + b for i, b in enumerate(bias[1])]


def main(weights: str, pictures: str) -> None:
    """Print the class of each of the first five pictures."""
    t = load(weights)
    with open(pictures, "rb") as file:
        for _ in range(5):
            planes = convolve([[v / 255 for v in file.read(256)]], 16, t["conv1.weight"], t["conv1.bias"])
            planes = convolve(planes, 8, t["conv2.weight"], t["conv2.bias"])
            hidden = [max(v, 0.0) for v in dense(sum(planes, []), t["fc1.weight"], t["fc1.bias"])]
            scores = dense(hidden, t["fc2.weight"], t["fc2.bias"])
            print(t["classes"][0][scores.index(max(scores))])


if __name__ == "__main__":
    main(*sys.argv[1:])
