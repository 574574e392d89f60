"""Draws the example's pictures: 16 x 16 grey shapes and heads, the same bytes on every machine.

Integers only, and a random source written out here, so neither a Python version nor a processor changes a pixel.
"""

from __future__ import annotations

from collections.abc import Callable

SIDE = 16
SHAPES = ("circle", "square", "triangle", "cross", "ring")
HEADS = ("helmet", "bare head", "cap")

Inside = Callable[[int, int, int], bool]
"""Whether the point (x, y), in 1/8 pixels from the middle, lies in the figure of radius r."""


class Dice:
    """A 64-bit linear congruential generator (Knuth's MMIX); the high bits are used."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def __call__(self, low: int, high: int) -> int:
        """A number from low to high, both included."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) % 2**64
        return low + (self._state >> 33) % (high - low + 1)


def _circle(x: int, y: int, r: int) -> bool:
    return x * x + y * y <= r * r


def _helmet(x: int, y: int, r: int) -> bool:
    brim = 0 <= y < r // 3 and abs(x) <= r + r // 4
    return brim or (y < 0 and _circle(x, y, r))


def _cap(x: int, y: int, r: int) -> bool:
    visor = 0 <= y < r // 4 and 0 <= x <= r + r // 3
    return visor or (y < 0 and _circle(x, y, r) and y > -2 * r // 3)


FIGURES: dict[str, Inside] = {
    "circle": _circle,
    "square": lambda x, y, r: max(abs(x), abs(y)) <= 4 * r // 5,
    "triangle": lambda x, y, r: -r <= y <= 2 * r // 3 and 2 * abs(x) <= y + r,
    "cross": lambda x, y, r: min(abs(x), abs(y)) <= r // 3 and max(abs(x), abs(y)) <= r,
    "ring": lambda x, y, r: 4 * r * r // 9 <= x * x + y * y <= r * r,
    "helmet": _helmet,
    "bare head": lambda *_: False,
    "cap": _cap,
}


def draw(name: str, dice: Dice, *, night: bool = False) -> bytes:
    """One picture of `name` as 256 bytes, row by row; at `night` it is darker and noisier."""
    middle_x, middle_y, radius = dice(52, 76), dice(52, 76), dice(30, 44)
    figure, face, ground = dice(150, 250), dice(90, 130), dice(0, 50)
    noise, light = (24, 2) if night else (12, 4)
    inside, head = FIGURES[name], name in HEADS
    pixels = bytearray()
    for row in range(SIDE):
        for column in range(SIDE):
            x, y = 8 * column + 4 - middle_x, 8 * row + 4 - middle_y
            value = figure if inside(x, y, radius) else face if head and _circle(x, y, 4 * radius // 5) else ground
            pixels.append(max(0, min(255, value * light // 4 + dice(-noise, noise))))
    return bytes(pixels)


def pictures(names: tuple[str, ...], count: int, seed: int, *, night: bool = False) -> bytes:
    """`count` pictures that show `names` in turn, one after the other: picture i shows `names[i % len(names)]`."""
    dice = Dice(seed)
    return b"".join(draw(names[i % len(names)], dice, night=night) for i in range(count))
