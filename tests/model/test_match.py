from __future__ import annotations

from mvc.model.compare.match import match


def test_pairs_are_of_equal_likeness_each_once_and_in_order() -> None:
    pairs, left, right = match(["a1", "b1", "a2", "c1"], ["a3", "a4", "a5", "d1", "b2"], lambda text: text[0])
    assert pairs == [("a1", "a3"), ("a2", "a4"), ("b1", "b2")]
    assert (left, right) == (["c1"], ["a5", "d1"])


def test_what_has_no_likeness_is_left() -> None:
    assert match(["a"], ["a"], lambda _: None) == ([], ["a"], ["a"])
