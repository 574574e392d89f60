from __future__ import annotations

import random

import pytest

from mvc.cli.app.graph import Graph


def draw(*versions: str) -> str:
    """`m: a b` is a version m made from a and b; each has one line of text, its name."""
    graph = Graph()
    lines: list[str] = []
    for version in versions:
        id_, _, parents = version.partition(":")
        lines += graph.draw(id_, parents.split(), [id_])
    return "\n".join(lines)


DRAWINGS = {
    "a line": (
        ["c: b", "b: a", "a:"],
        """
* c
* b
* a""",
    ),
    "a merge": (
        ["m: a b", "b: c", "a: c", "c:"],
        r"""
* m
|\
| * b
* | a
|/
* c""",
    ),
    "a lane that ends lets those to its right move over": (
        ["t: p", "u: v", "p:", "v:"],
        """
* t
| * u
* | p
 /
* v""",
    ),
    "a lane passes one that lies between": (
        ["x: r", "y: q", "w: r", "q: r", "r:"],
        """
* x
| * y
| | * w
| |/
|/|
| * q
|/
* r""",
    ),
    "a lane passes several": (
        ["x: r", "y: a", "z: b", "w: r", "a:", "b:", "r:"],
        """
* x
| * y
| | * z
| | | * w
| |_|/
|/| |
| * | a
|  /
| * b
* r""",
    ),
    "a merge of three": (
        ["o: a b c", "a: r", "b: r", "c: r", "r:"],
        r"""
* o
|\
| |\
* | | a
| * | b
|/ /
| * c
|/
* r""",
    ),
    "two roots": (
        ["a:", "b:"],
        """
* a
* b""",
    ),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawings(name: str) -> None:
    versions, drawing = DRAWINGS[name]
    assert draw(*versions) == drawing[1:]


def test_text_of_several_lines_stands_beside_the_lanes() -> None:
    graph = Graph()
    assert list(graph.draw("m", ["a", "b"], ["one", "two", "three"])) == ["*   one", "|\\  two", "| | three"]
    assert graph.between() == "| |"


def test_lanes_are_those_still_to_come_each_once(rng: random.Random) -> None:
    for _ in range(200):
        count = rng.randrange(1, 12)
        parents = {
            number: sorted(rng.sample(range(number + 1, count), min(rng.randrange(4), count - number - 1)))
            for number in range(count)
        }
        graph = Graph()
        told: set[str] = set()
        for number in range(count):
            rows = list(graph.draw(str(number), [str(each) for each in parents[number]], []))
            told.add(str(number))
            awaited = {str(each) for done in map(int, told) for each in parents[done]} - told
            assert sorted(graph.lanes) == sorted(awaited)
            assert "".join(rows).count("*") == 1
            assert rows[0].count("|") + 1 == len(rows[0].split())
        assert graph.lanes == []
