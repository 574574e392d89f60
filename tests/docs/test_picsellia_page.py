"""docs/concepts/picsellia.md: each statement of Picsellia has a test that shows what mvc does about it, and the test exists."""

from __future__ import annotations

import re

from tests.docs import pages

PAGE = (pages.DOCS / "concepts" / "picsellia.md").read_text(encoding="utf-8")
TESTS = pages.DOCS.parent / "tests"
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if re.match(r"\| (?!Picsellia says)", line)]
_LEAST = 15


def _lacks(name: str) -> bool:
    """Whether the file of a test, or the function in it, does not exist."""
    file, _, function = name.partition("::")
    path = TESTS / file
    return not path.is_file() or (bool(function) and f"\ndef {function}(" not in path.read_text(encoding="utf-8"))


def test_each_statement_has_a_test_that_exists() -> None:
    assert len(ROWS) > _LEAST
    for row in ROWS:
        assert len(row) == 3, row
        named = re.findall(r"`([^`]+\.py[^`]*)`", row[2])
        assert named, row
        assert [name for name in named if _lacks(name)] == []


def test_a_lost_test_is_found() -> None:
    assert _lacks("registry/test_lost.py")
    assert _lacks("registry/test_lineage.py::test_lost")
