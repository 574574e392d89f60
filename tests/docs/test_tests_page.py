"""tests/README.md has every promise and every suite, and what it names exists."""

from __future__ import annotations

import re

from tests.docs import pages

TESTS = pages.DOCS.parent / "tests"
PAGE = (TESTS / "README.md").read_text(encoding="utf-8")
PROMISES = (pages.DOCS / "concepts" / "promises.md").read_text(encoding="utf-8")
ROWS = [re.split(r" *\| *", line.strip("| ")) for line in PAGE.splitlines() if line.startswith("| ")]


def _named(cell: str) -> list[str]:
    """The suites in a cell; a file without a folder is in that of the one before it."""
    found: list[str] = []
    for name in re.findall(r"`([^` ]+)`", cell):
        folder = found[-1].rpartition("/")[0] if found and "/" not in name and name.endswith(".py") else ""
        found.append(f"{folder}/{name}" if folder else name)
    return found


def test_every_promise_has_suites_that_exist() -> None:
    rows = {row[0].split()[0]: _named(row[1]) for row in ROWS if re.match(r"P\d+ ", row[0])}
    assert list(rows) == re.findall(r"^## (P\d+):", PROMISES, re.MULTILINE)
    assert [name for names in rows.values() for name in names if not (TESTS / name).exists()] == []
    assert all(rows.values())


def test_every_suite_has_a_row() -> None:
    suites = {path.name for path in TESTS.iterdir() if path.is_dir() and any(path.glob("test_*.py"))}
    named = {name.partition("/")[0] for row in ROWS for cell in row for name in _named(cell)}
    assert suites - named == set()
