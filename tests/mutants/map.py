"""The map of the tests: which of them run a line, and how long each takes."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from coverage import CoverageData

TOP = Path(__file__).resolve().parents[2]
BUILD = TOP / "build" / "mutants"
COVERAGE, TIMES = BUILD / "coverage", BUILD / "times.xml"
MOST = 60
"""Tests that are run for one mutant, at most: the shortest of each file in turn."""
NEAR = 0.2
"""What a test in the folder of the tests of a module counts, of its time: it fails first."""


def make_map(options: list[str]) -> None:
    """Run all tests but the integrations under coverage; pytest gets the options."""
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", "--dist", "worksteal", f"--junitxml={TIMES}"]
    command += ["--cov=mvc", "--cov-report=", "--cov-context=test", *options]
    subprocess.run(command, cwd=TOP, env=os.environ | {"COVERAGE_FILE": str(COVERAGE)}, check=False)


class Tests:
    """The tests that run a line, as `make_map` found them."""

    def __init__(self) -> None:
        """Read the map; raise SystemExit without one."""
        if not COVERAGE.is_file():
            sys.exit("no map of tests; run: python -m tests.mutants map")
        self._data = CoverageData(str(COVERAGE))
        self._data.read()
        self._seconds: dict[str, float] = {}
        for case in ET.parse(TIMES).iter("testcase"):
            name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}"
            self._seconds[name] = float(case.get("time") or 0)

    def of(self, path: str, line: int) -> list[str]:
        """Return the tests of a line, the shortest of each file first."""
        by_line = self._data.contexts_by_lineno(str(TOP / path))
        for lines in _around(TOP / path, line):
            contexts = {each for number in lines for each in by_line.get(number, [])} - {""}
            if contexts:
                break
        else:  # runs when the module is imported, as a constant does: any test of the module may notice
            contexts = {each for per_line in by_line.values() for each in per_line} - {""}
        folder = f"tests/{path.split('/')[1]}/"
        names = sorted({each.partition("|")[0] for each in contexts}, key=lambda name: self._cost(name, folder))
        rank: dict[str, int] = {}
        turns = []
        for name in names:
            file = name.partition("::")[0]
            rank[file] = rank.get(file, 0) + 1
            turns.append((rank[file], self._cost(name, folder), name))
        return [name for *_, name in sorted(turns)][:MOST]

    def _cost(self, name: str, folder: str) -> float:
        return self._seconds.get(name, 1.0) * (NEAR if name.startswith(folder) else 1)


def _around(path: Path, line: int) -> Iterator[range]:
    """Yield lines whose tests run a line: its own, those of its statement, then the body of its function.

    Coverage knows the lines at which the interpreter stops, which need not be each line of a statement.
    """
    yield range(line, line + 1)
    inside = [
        each for each in ast.walk(ast.parse(path.read_bytes())) if isinstance(each, ast.stmt) and _has(each, line)
    ]
    inside.sort(key=lambda each: each.lineno)
    yield _head(inside[-1]) if inside else range(0)
    for each in reversed(inside):
        if isinstance(each, ast.FunctionDef):
            yield range(each.body[0].lineno, (each.end_lineno or 0) + 1)


def _has(statement: ast.stmt, line: int) -> bool:
    return _head(statement).start <= line <= (statement.end_lineno or 0)


def _head(statement: ast.stmt) -> range:
    """Return the lines of a statement without those of the statements in it."""
    decorators = getattr(statement, "decorator_list", [])
    body = getattr(statement, "body", [])
    end = body[0].lineno if body else (statement.end_lineno or 0) + 1
    start = min([statement.lineno, *(each.lineno for each in decorators)])
    return range(start, max(end, start + 1))
