"""The lines beside a log: which version came from which, drawn with ASCII.

    *    v4  merge        each column is a line of history; `*` is the version of this row
    |\\
    | *  v3  side
    * |  v3  main
    |/
    *    v2
"""

from __future__ import annotations

from collections.abc import Sequence


class Graph:
    """Draws rows one after the other; versions come with children before their parents."""

    def __init__(self) -> None:
        """Begin with no line."""
        self._columns: list[str] = []

    @property
    def width(self) -> int:
        """How many lines run now."""
        return len(self._columns)

    def row(self, id_: str, parents: Sequence[str]) -> tuple[list[str], str, str]:
        """The lines above the version's own, the prefix of its own, and that of what is written below it."""
        above: list[str] = []
        if id_ not in self._columns:
            self._columns.append(id_)
        place = self._columns.index(id_)
        while self._columns.count(id_) > 1:  # lines that meet here
            above.append(self._join(id_, place))
        own = " ".join("*" if column == place else "|" for column in range(len(self._columns)))
        below = self._follow(place, parents)
        return above, own, below

    def _join(self, id_: str, place: int) -> str:
        """Draw the last further line of `id_` into its first one, and end it."""
        last = len(self._columns) - 1 - self._columns[::-1].index(id_)
        width = len(self._columns)
        line = [" "] * (2 * width - 1)
        for column in range(width):
            if column < last:
                line[2 * column] = "|"
            elif column > last:
                line[2 * column - 1] = "/"
        line[2 * last - 1] = "/"
        for gap in range(2 * place + 1, 2 * last - 1, 2):
            line[gap] = "_"
        del self._columns[last]
        return "".join(line).rstrip()

    def _follow(self, place: int, parents: Sequence[str]) -> str:
        """Have the columns stand at the parents; the prefix below the version, with a line that opens for a merge."""
        if not parents:
            del self._columns[place]
            return " ".join("|" for _ in self._columns)
        self._columns[place] = parents[0]
        prefix = ["|"] * len(self._columns)
        for number, parent in enumerate(parents[1:], start=1):
            self._columns.insert(place + number, parent)
        opened = len(parents) - 1
        if not opened:
            return " ".join(prefix)
        left, right = prefix[: place + 1], prefix[place + 1 :]
        return (" ".join(left) + "\\" + " ".join([" " * (opened - 1), *(["\\"] * len(right))]).rstrip()).rstrip()
