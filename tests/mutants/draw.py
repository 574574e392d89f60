"""Draw mutants of modules, a JSON document a line; runs in an environment that has cosmic-ray, whose operators these are.

    python draw.py SEED COUNT FILE...

A line is drawn first, from all lines on which an operator changes something, and then one of the changes on it. So a line
that has many operators is not drawn more often. Annotations are left out: no test can tell them apart at run time.
"""

from __future__ import annotations

import ast
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast  # type: ignore[import-not-found]
from cosmic_ray.mutating import mutate_code  # type: ignore[import-not-found]
from cosmic_ray.plugins import get_operator, operator_names  # type: ignore[import-not-found]

_Place = tuple[int, int]


def changes(path: str) -> Iterator[tuple[int, str, int]]:
    """Return (line, operator, occurrence) of each change that an operator can make to the file outside annotations."""
    source = Path(path).read_text(encoding="utf-8")
    passed = [*_annotations(source)]
    nodes = [*ast_nodes(get_ast(source))]
    for name in operator_names():
        operator = get_operator(name)
        if operator.arguments():
            continue
        places = (place for node in nodes for place in operator().mutation_positions(node))
        for occurrence, (start, end) in enumerate(places):
            if not any(first <= start and end <= last for first, last in passed):
                yield start[0], name, occurrence


def _annotations(source: str) -> Iterator[tuple[_Place, _Place]]:
    for node in ast.walk(ast.parse(source)):
        for field in ("annotation", "returns"):
            found: Any = getattr(node, field, None)
            if isinstance(found, ast.expr):
                yield (found.lineno, found.col_offset), (found.end_lineno or 0, found.end_col_offset or 0)


def changed(path: str, name: str, occurrence: int) -> str | None:
    """Return the module after the change, or None where the operator makes none that compiles.

    ExceptionReplacer fails for a tuple of dotted names. A module that does not compile would be killed by any test.
    """
    source = Path(path).read_text(encoding="utf-8")
    try:
        text: str | None = mutate_code(source, get_operator(name)(), occurrence)
        compile(text or "", path, "exec")
    except (AttributeError, SyntaxError):
        return None
    return None if text == source else text


def main(seed: str, count: str, *paths: str) -> None:
    """Print the mutants: `path`, `line`, `operator`, `occurrence` and `text`, the whole module after the change."""
    by_line: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for path in paths:
        for line, name, occurrence in changes(path):
            by_line.setdefault((path, line), []).append((name, occurrence))
    chance = random.Random(seed)
    lines = sorted(by_line)
    drawn = 0
    for path, line in chance.sample(lines, len(lines)):
        options = by_line[path, line]
        for name, occurrence in chance.sample(options, len(options)):
            text = changed(path, name, occurrence)
            if text is not None:
                mutant = {"path": path, "line": line, "operator": name, "occurrence": occurrence, "text": text}
                print(json.dumps(mutant), flush=True)
                drawn += 1
                break
        if drawn == int(count):
            return


if __name__ == "__main__":
    main(*sys.argv[1:])
