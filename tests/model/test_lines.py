"""Three-way merges of texts by line: both edits, or none where they touch."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mvc.model.merge.lines import MAX_LINES, merge_lines

TEXTS = st.lists(st.sampled_from("abc"), max_size=8).map(lambda lines: "".join(f"{line}\n" for line in lines))


def test_edits_of_both_sides_are_kept() -> None:
    assert merge_lines("a\nb\nc\n", "0\na\nb\nc\n", "a\nb\nd\n") == "0\na\nb\nd\n"
    assert merge_lines("a\nb\nc\n", "a\nc\n", "a\nb\nc\nd\n") == "a\nc\nd\n"


def test_edits_that_touch_are_not_merged() -> None:
    assert merge_lines("a\nb\nc\n", "a\nx\nc\n", "a\ny\nc\n") is None
    assert merge_lines("a\nb\nc\n", "a\nx\nc\n", "a\nb\ny\n") is None
    assert merge_lines("a\n", "a\nx\n", "a\ny\n") is None


def test_a_long_text_is_not_merged() -> None:
    long = "a\n" * (MAX_LINES + 1)
    assert merge_lines(long, long, "") is None


@given(TEXTS, TEXTS, TEXTS)
def test_one_side_alone_is_taken_and_the_order_of_sides_has_no_meaning(base: str, one: str, two: str) -> None:
    assert merge_lines(base, one, base) == merge_lines(base, base, one) == merge_lines(base, one, one) == one
    assert merge_lines(base, one, two) == merge_lines(base, two, one)
