"""A curve in the terminal, drawn with the dots of Braille letters; with asterisks where only ASCII can be written.

0.74 ┤         ⡠⠤⠒⠉⠉
     │     ⡠⠊
0.31 ┤⣀⠤⠊
     └──────────────
      1   epoch  100
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

HEIGHT = 15
"""Rows of a plot."""
WIDTH = 80
"""Columns of a plot that no terminal bounds."""
_LEAST = 10
_BRAILLE = 0x2800
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bits of a Braille letter, by column and row of its dots."""
_XY = tuple[float, float]


def plot(points: Sequence[_XY], axis: str, *, columns: int = WIDTH, ascii_only: bool = False) -> Iterator[str]:
    """Yield the rows of a plot of finite points; `axis` is what x counts. Nothing is drawn without points."""
    if not points:
        return
    across, down = (1, 1) if ascii_only else (len(_DOTS), len(_DOTS[0]))
    low, high = min(y for _, y in points), max(y for _, y in points)
    labels = {0: _number(high), HEIGHT // 2: _number(low / 2 + high / 2), HEIGHT - 1: _number(low)}
    margin = max(map(len, labels.values()))
    cells = max(_LEAST, columns - margin - 2)
    dots = _dots(points, cells * across, HEIGHT * down)
    for row in range(HEIGHT):
        letters = "".join(_letter(dots, cell, row, ascii_only=ascii_only) for cell in range(cells)).rstrip()
        yield f"{labels.get(row, ''):>{margin}} {'┤' if row in labels else '│'}{letters}"
    yield f"{'':>{margin}} └{'─' * cells}"
    yield f"{'':>{margin}}  {_below(points, axis, cells)}"


def _below(points: Sequence[_XY], axis: str, cells: int) -> str:
    """Return the first x, the name of the axis, and the last x, as far as they fit."""
    first, last = (_number(x) for x in (min(x for x, _ in points), max(x for x, _ in points)))
    if len(first) + len(axis) + len(last) + 2 > cells:
        return first + last.rjust(cells - len(first)) if len(first) + len(last) < cells else first
    return first + axis.center(cells - len(first) - len(last)) + last


def _dots(points: Sequence[_XY], width: int, height: int) -> set[tuple[int, int]]:
    """Return the dots of the line through the points, which are joined in the order of x; the top row is 0."""
    xs = [x for x, _ in points]
    ys = [y for _, y in points]
    columns: dict[int, tuple[int, int, int, int]] = {}
    for x, y in sorted(zip(_scaled(xs, width), _scaled(ys, height), strict=True), key=lambda dot: dot[0]):
        first, low, high, _ = columns.get(x, (y, y, y, y))
        columns[x] = (first, min(low, y), max(high, y), y)
    dots: set[tuple[int, int]] = set()
    before: tuple[int, int] | None = None
    for x, (first, low, high, last) in columns.items():
        if before is not None:
            dots |= set(_line(before, (x, first)))
        dots |= {(x, y) for y in range(low, high + 1)}
        before = (x, last)
    return {(x, height - 1 - y) for x, y in dots}


def _scaled(values: Sequence[float], size: int) -> list[int]:
    """Return values as numbers from 0 to `size` - 1; halves, since the difference of two numbers may be too large."""
    low, high = min(values) / 2, max(values) / 2
    span = high - low
    if span == 0:
        return [(size - 1) // 2] * len(values)
    return [round((value / 2 - low) / span * (size - 1)) for value in values]


def _line(one: tuple[int, int], other: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield the dots between two dots."""
    (x, y), (right, up) = one, other
    steps = max(right - x, abs(up - y), 1)
    for step in range(steps + 1):
        yield x + round((right - x) * step / steps), y + round((up - y) * step / steps)


def _letter(dots: set[tuple[int, int]], cell: int, row: int, *, ascii_only: bool) -> str:
    if ascii_only:
        return "*" if (cell, row) in dots else " "
    bits = sum(
        bit
        for across, column in enumerate(_DOTS)
        for down, bit in enumerate(column)
        if (cell * len(_DOTS) + across, row * len(column) + down) in dots
    )
    return chr(_BRAILLE + bits) if bits else " "


def _number(value: float) -> str:
    return f"{value:.4g}"
