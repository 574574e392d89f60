"""A small convolutional network in numpy: forward, backward, SGD with momentum.

Pictures (n, 1, 16, 16) -> conv 3x3 -> ReLU -> max-pool 2 -> conv 3x3 -> ReLU -> max-pool 2 -> dense -> ReLU -> dense ->
class scores (n, classes). All float32.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Weights = dict[str, Array]
BACKBONE = ("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias")


def fresh(classes: int, rng: np.random.Generator, *, wide: int = 40) -> Weights:
    """Weights before training (He et al. 2015): normal, with variance 2 / fan-in; biases zero."""

    def normal(*shape: int) -> Array:
        fan_in = int(np.prod(shape[1:]))
        return rng.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)

    shapes = {"conv1": (8, 1, 3, 3), "conv2": (16, 8, 3, 3), "fc1": (wide, 256), "fc2": (classes, wide)}
    return {
        f"{name}.{kind}": normal(*shape) if kind == "weight" else np.zeros(shape[0], np.float32)
        for name, shape in shapes.items()
        for kind in ("weight", "bias")
    }


def with_new_head(weights: Weights, classes: int, rng: np.random.Generator) -> Weights:
    """The same network for other classes: the last layer starts anew."""
    head = {name: value for name, value in fresh(classes, rng).items() if name.startswith("fc2")}
    return {name: value.copy() for name, value in (weights | head).items()}


def _columns(x: Array) -> Array:
    """Every 3x3 patch of x (n, c, h, w), padded with zeros, as (n, h, w, c * 9)."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    patches = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    n, c, h, w = x.shape
    return patches.transpose(0, 2, 3, 1, 4, 5).reshape(n, h, w, c * 9)


def _pool(x: Array) -> tuple[Array, Array]:
    """Max of each 2x2 square of x (n, c, h, w), and where in x it was taken from."""
    n, c, h, w = x.shape
    squares = x.reshape(n, c, h // 2, 2, w // 2, 2)
    best = squares.max(axis=(3, 5), keepdims=True)
    return best.reshape(n, c, h // 2, w // 2), (squares == best).astype(np.float32)


def scores(weights: Weights, x: Array) -> tuple[Array, dict[str, Array]]:
    """Class scores (n, classes) of pictures x (n, 1, 16, 16), and what the backward pass needs."""
    kept: dict[str, Array] = {}
    for layer in ("conv1", "conv2"):
        kept[layer] = _columns(x)
        filters = weights[f"{layer}.weight"]
        out = kept[layer] @ filters.reshape(len(filters), -1).T + weights[f"{layer}.bias"]
        out = np.maximum(out.transpose(0, 3, 1, 2), 0)
        kept[f"{layer}.on"] = (out > 0).astype(np.float32)
        x, kept[f"{layer}.taken"] = _pool(out)
    kept["flat"] = x.reshape(len(x), -1)
    kept["hidden"] = np.maximum(kept["flat"] @ weights["fc1.weight"].T + weights["fc1.bias"], 0)
    return kept["hidden"] @ weights["fc2.weight"].T + weights["fc2.bias"], kept


def gradients(weights: Weights, x: Array, labels: npt.NDArray[np.int64]) -> Weights:
    """The gradient of the mean cross-entropy of x (n, 1, 16, 16) for labels (n,), by weight."""
    out, kept = scores(weights, x)
    likely = np.exp(out - out.max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    likely[np.arange(len(x)), labels] -= 1
    down = likely / len(x)
    found = {"fc2.weight": down.T @ kept["hidden"], "fc2.bias": down.sum(axis=0)}
    down = (down @ weights["fc2.weight"]) * (kept["hidden"] > 0)
    found |= {"fc1.weight": down.T @ kept["flat"], "fc1.bias": down.sum(axis=0)}
    down = (down @ weights["fc1.weight"]).reshape(len(x), 16, 4, 4)
    for layer in ("conv2", "conv1"):
        n, c, h, w = down.shape
        spread = kept[f"{layer}.taken"] * down.reshape(n, c, h, 1, w, 1)
        back = (spread.reshape(n, c, 2 * h, 2 * w) * kept[f"{layer}.on"]).transpose(0, 2, 3, 1)
        filters = weights[f"{layer}.weight"]
        flat = back.reshape(-1, c)
        found[f"{layer}.weight"] = (flat.T @ kept[layer].reshape(len(flat), -1)).reshape(filters.shape)
        found[f"{layer}.bias"] = flat.sum(axis=0)
        if layer == "conv2":
            down = _uncolumns(back @ filters.reshape(c, -1))
    return found


def _uncolumns(columns: Array) -> Array:
    """The sum of all patches (n, h, w, c * 9) laid back where they came from: (n, c, h, w)."""
    n, h, w, size = columns.shape
    patches = columns.reshape(n, h, w, size // 9, 3, 3).transpose(0, 3, 4, 5, 1, 2)
    padded = np.zeros((n, size // 9, h + 2, w + 2), np.float32)
    for i in range(3):
        for j in range(3):
            padded[:, :, i : i + h, j : j + w] += patches[:, :, i, j]
    return padded[:, :, 1:-1, 1:-1]


def train(  # noqa: PLR0913 - what is trained, on what, and how
    weights: Weights,
    x: Array,
    labels: npt.NDArray[np.int64],
    rng: np.random.Generator,
    *,
    epochs: int,
    rate: float,
    frozen: tuple[str, ...] = (),
) -> tuple[Weights, Weights]:
    """The weights after SGD (batches of 32, momentum 0.9), and the momentum; those named in `frozen` stay."""
    weights = {name: value.copy() for name, value in weights.items()}
    speed = {name: np.zeros_like(value) for name, value in weights.items()}
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for batch in np.split(order, range(32, len(order), 32)):
            for name, gradient in gradients(weights, x[batch], labels[batch]).items():
                if name not in frozen:
                    speed[name] = np.float32(0.9) * speed[name] - np.float32(rate) * gradient.astype(np.float32)
                    weights[name] += speed[name]
    return weights, speed


def accuracy(weights: Weights, x: Array, labels: npt.NDArray[np.int64]) -> float:
    """The share of pictures whose highest score is their label's."""
    return float((scores(weights, x)[0].argmax(axis=1) == labels).mean())
