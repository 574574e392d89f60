"""Trains the example's eight versions and writes their weights into inputs/: run once, by us; the results are committed.

    python -m venv venv && venv/bin/pip install numpy && venv/bin/python .mvc-example/training/train.py

Two runs on two machines give other bytes (floating point), so the weights are inputs and this script is their record.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import formats  # noqa: E402 - a script beside its modules
import network  # noqa: E402
from pictures import SHAPES, SIDE, pictures  # noqa: E402

INPUTS = HERE.parent / "inputs"
Labels = npt.NDArray[np.int64]


def data(names: tuple[str, ...], count: int, seed: int, *, night: bool = False) -> tuple[network.Array, Labels]:
    """`count` pictures (count, 1, 16, 16) in 0..1, and the index of each one's name."""
    raw = np.frombuffer(pictures(names, count, seed, night=night), np.uint8).reshape(count, 1, SIDE, SIDE)
    return (raw / 255).astype(np.float32), np.arange(count) % len(names)


def write(place: str, weights: network.Weights, classes: tuple[str, ...], *, onnx: bool = False) -> None:
    """Put the weights of one version where `build.py` looks for them."""
    folder = INPUTS / place / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {"format": "numpy", "classes": ",".join(classes)}
    (folder / "model.safetensors").write_bytes(formats.safetensors(weights, metadata))
    if onnx:
        (folder / "model.onnx").write_bytes(formats.onnx(weights, len(classes)))


def measure(place: str, weights: network.Weights, names: tuple[str, ...], *, night: bool = False) -> None:
    """Print the accuracy on pictures that no training saw; it is written into the version's model.toml by hand."""
    print(f"{place:32} accuracy = {network.accuracy(weights, *data(names, 1000, 999, night=night)):.3f}")


def shapes(rng: np.random.Generator) -> network.Weights:
    """The versions of shapes-base; returns the weights of its third."""
    first, _ = network.train(network.fresh(3, rng), *data(SHAPES[:3], 1200, 1), rng, epochs=4, rate=0.01)
    write("shapes-base/1-baseline", first, SHAPES[:3])
    measure("shapes-base/1-baseline", first, SHAPES[:3])
    five = data(SHAPES, 2000, 2)
    second, _ = network.train(network.with_new_head(first, 5, rng), *five, rng, epochs=4, rate=0.01)
    write("shapes-base/2-five-classes", second, SHAPES)
    measure("shapes-base/2-five-classes", second, SHAPES)
    third, momentum = network.train(second, *five, rng, epochs=6, rate=0.003)
    write("shapes-base/3-longer", third, SHAPES, onnx=True)
    measure("shapes-base/3-longer", third, SHAPES)
    checkpoint = io.BytesIO()
    np.savez_compressed(checkpoint, **{f"momentum.{name}": value for name, value in momentum.items()})
    (INPUTS / "shapes-base/3-longer/weights/momentum.npz").write_bytes(checkpoint.getvalue())
    narrow, _ = network.train(network.fresh(5, rng, wide=16), *five, rng, epochs=12, rate=0.005)
    write("shapes-base/3-narrow", narrow, SHAPES)
    measure("shapes-base/3-narrow", narrow, SHAPES)
    return third


def helmets(base: network.Weights, rng: np.random.Generator) -> None:
    """The versions of helmet-classifier, fine-tuned from shapes-base."""
    names: tuple[str, ...] = ("helmet", "bare head")
    start = network.with_new_head(base, 2, rng)
    first, _ = network.train(start, *data(names, 800, 11), rng, epochs=3, rate=0.01, frozen=network.BACKBONE)
    write("helmet-classifier/1-frozen-backbone", first, names)
    measure("helmet-classifier/1-frozen-backbone", first, names)
    names = ("bare head", "helmet", "cap")
    three = data(names, 1200, 12)
    second, _ = network.train(network.with_new_head(first, 3, rng), *three, rng, epochs=4, rate=0.005)
    write("helmet-classifier/2-caps", second, names, onnx=True)
    measure("helmet-classifier/2-caps", second, names)
    third, _ = network.train(second, *three, rng, epochs=4, rate=0.002, frozen=network.BACKBONE)
    write("helmet-classifier/3-polished", third, names, onnx=True)
    measure("helmet-classifier/3-polished", third, names)
    night, _ = network.train(second, *data(names, 1200, 13, night=True), rng, epochs=4, rate=0.005)
    write("helmet-classifier/3-night", night, names)
    measure("helmet-classifier/3-night", night, names, night=True)


if __name__ == "__main__":
    generator = np.random.default_rng(7)
    helmets(shapes(generator), generator)
