"""Counts agree with their nouns."""

from __future__ import annotations

from mvc.plural import count


def test_a_count_agrees_with_its_noun() -> None:
    assert [count(number, "class", "classes") for number in (0, 1, 2)] == ["0 classes", "1 class", "2 classes"]
    assert count(2, "file") == "2 files"
