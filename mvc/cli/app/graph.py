"""The graph of `log --graph`: one lane for each version that is still to be drawn.

    *    v4           a merge: its lane splits, the lanes to its right shift
    |\\
    | *  v3 (side)
    * |  v3
    |/                two lanes with the same next version join
    *    v2

Versions are drawn newest first, children before parents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


class Graph:
    """A graph in progress; `lanes` has, from left to right, the next version of each lane."""

    def __init__(self) -> None:
        """Start without lanes."""
        self.lanes: list[str] = []

    def draw(self, id_: str, parents: Sequence[str], text: Iterable[str]) -> Iterator[str]:
        """Yield the lines of one version: its node, then the edges to its parents, each with a line of `text`."""
        lines = list(text)
        rows = self._rows(id_, parents)
        rows += [self.between()] * (len(lines) - len(rows))
        width = max(map(len, rows[: len(lines)]), default=0)
        for number, row in enumerate(rows):
            line = lines[number] if number < len(lines) else ""
            yield f"{row:<{width}} {line}".rstrip()

    def between(self) -> str:
        """Return the line between two versions."""
        return " ".join("|" for _ in self.lanes)

    def _rows(self, id_: str, parents: Sequence[str]) -> list[str]:
        if id_ not in self.lanes:
            self.lanes.append(id_)
        place = self.lanes.index(id_)
        rows = [" ".join("*" if lane == place else "|" for lane in range(len(self.lanes)))]
        if not parents:
            rows += self._end(place)
        else:
            self.lanes[place] = parents[0]
            for number, parent in enumerate(parents[1:], 1):
                rows.append(self._split(place + number))
                self.lanes.insert(place + number, parent)
        return rows + self._join()

    def _end(self, place: int) -> list[str]:
        """End a lane, and shift the lanes to its right."""
        del self.lanes[place]
        row = _Row()
        row.straight(range(place))
        row.left(range(place, len(self.lanes)))
        return [str(row)] if place < len(self.lanes) else []

    def _split(self, place: int) -> str:
        """Split a lane off the one to its left, and shift the lanes to its right."""
        row = _Row()
        row.straight(range(place))
        row.right(range(place, len(self.lanes) + 1))
        return str(row)

    def _join(self) -> list[str]:
        """Join lanes with the same next version into the leftmost."""
        rows = []
        place = 0
        while place < len(self.lanes):
            first = self.lanes.index(self.lanes[place])
            if first == place:
                place += 1
                continue
            del self.lanes[place]
            rows += _across(first, place, len(self.lanes))
        return rows


def _across(first: int, place: int, left: int) -> list[str]:
    """Draw the lane at `place` across to `first`; `left` lanes remain."""
    row = _Row()
    row.straight(range(place))
    row.left(range(place - 1, left))
    if place == first + 1:
        return [str(row)]
    for between in range(first + 1, place - 1):
        row.put(2 * between + 1, "_")
    last = _Row()
    last.straight(range(left))
    last.put(2 * first + 1, "/")
    return [str(row), str(last)]


class _Row:
    """One line of the graph: lane n is column 2 n, and diagonal edges are between the lanes."""

    def __init__(self) -> None:
        self._columns: dict[int, str] = {}

    def __str__(self) -> str:
        return "".join(self._columns.get(column, " ") for column in range(max(self._columns, default=-1) + 1))

    def put(self, column: int, letter: str) -> None:
        self._columns[column] = letter

    def straight(self, lanes: range) -> None:
        for lane in lanes:
            self.put(2 * lane, "|")

    def left(self, lanes: range) -> None:
        """Draw edges that arrive at `lanes` from the right."""
        for lane in lanes:
            self.put(2 * lane + 1, "/")

    def right(self, lanes: range) -> None:
        """Draw edges that arrive at `lanes` from the left."""
        for lane in lanes:
            self.put(2 * lane - 1, "\\")
