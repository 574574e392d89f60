"""The lines between versions in `log --graph`: one lane for each version that is still to come.

    *    v4           a merge: its lane splits, those to its right move over
    |\\
    | *  v3 (side)
    * |  v3
    |/                two lanes that wait for the same version become one
    *    v2

Versions are told newest first, children before parents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


class Graph:
    """A drawing under way; `lanes` holds, from left to right, the version that each lane waits for."""

    def __init__(self) -> None:
        """Begin with no lane."""
        self.lanes: list[str] = []

    def draw(self, id_: str, parents: Sequence[str], text: Iterable[str]) -> Iterator[str]:
        """The lines of one version: its node, then the lines to its parents, each with its line of `text`."""
        lines = list(text)
        rows = self._rows(id_, parents)
        rows += [self.between()] * (len(lines) - len(rows))
        width = max(map(len, rows[: len(lines)]), default=0)
        for number, row in enumerate(rows):
            line = lines[number] if number < len(lines) else ""
            yield f"{row:<{width}} {line}".rstrip()

    def between(self) -> str:
        """A line between two versions."""
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
        """A lane ends; those to its right move over."""
        del self.lanes[place]
        row = _Row()
        row.straight(range(place))
        row.left(range(place, len(self.lanes)))
        return [str(row)] if place < len(self.lanes) else []

    def _split(self, place: int) -> str:
        """A lane comes from the one to its left; those to its right move over."""
        row = _Row()
        row.straight(range(place))
        row.right(range(place, len(self.lanes) + 1))
        return str(row)

    def _join(self) -> list[str]:
        """Lanes that wait for the same version become one, the leftmost."""
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
    """The lane at `place` goes to `first`, past the lanes between; `left` lanes stay."""
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
    """One line of the drawing: lane n stands at column 2 n, and what moves lies between the lanes."""

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
        """Lines that come from the right and arrive at `lanes`."""
        for lane in lanes:
            self.put(2 * lane + 1, "/")

    def right(self, lanes: range) -> None:
        """Lines that come from the left and arrive at `lanes`."""
        for lane in lanes:
            self.put(2 * lane - 1, "\\")
