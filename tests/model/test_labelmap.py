from __future__ import annotations

import pytest

from mvc.model import labelmap


def test_classes_are_in_the_order_of_numbers_not_of_text() -> None:
    assert labelmap.from_table({"10": "b", "9": "a"}, "x") == ((9, "a"), (10, "b"))


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([], []),
        ([0, 1, 2], []),
        ([1, 2], []),
        ([0], []),
        ([1], []),
        ([2], [(0, 2)]),
        ([0, 2], [(1, 2)]),
        ([1, 3, 9], [(2, 3), (4, 9)]),
        ([5, 6], [(0, 5)]),
        ([0, 10**9], [(1, 10**9)]),
    ],
)
def test_gaps_are_runs_and_counting_begins_at_0_or_1(numbers: list[int], missing: list[tuple[int, int]]) -> None:
    classes = tuple((number, str(number)) for number in numbers)
    assert labelmap.gaps(classes) == tuple(range(*run) for run in missing)


def test_twins_and_blanks_are_found() -> None:
    classes = ((0, "a"), (1, " "), (2, "a"), (3, ""), (4, "b"))
    assert labelmap.duplicates(classes) == {"a": (0, 2)}
    assert labelmap.nameless(classes) == (1, 3)
