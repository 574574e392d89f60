from __future__ import annotations

import pytest

from mvc import errors
from mvc.model import labelmap


def test_an_object_or_a_list_of_names_is_a_labelmap() -> None:
    expected = ((0, "helmet"), (1, "head"))
    assert labelmap.parse(b'{"1": "head", "0": "helmet"}', "labels.json") == expected
    assert labelmap.parse(b'["helmet", "head"]', "labels.json") == expected
    assert labelmap.parse(b"{}", "labels.json") == ()


def test_classes_are_in_the_order_of_numbers_not_of_text() -> None:
    assert labelmap.from_table({"10": "b", "9": "a"}, "x") == ((9, "a"), (10, "b"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"5", "neither"),
        (b'"a"', "neither"),
        (b'{"0": "a", "0": "b"}', "class 0 occurs twice"),
        (b'{"00": "a"}', "'00' is not a class number"),
        (b'{"-1": "a"}', "not a class number"),
        (b'{"a": "0"}', "not a class number"),
        ('{"٣": "a"}'.encode(), "not a class number"),
        (b'{"99999999999": "a"}', "not a class number"),
        (b'{"0": 1}', "class 0 is not text"),
        (b'["a", null]', "class 1 is not text"),
        (b'["\\ud800"]', "not valid Unicode"),
        (b'["a",]', "not JSON"),
        (b"\xff", "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b"1" * 5_000, "not JSON"),
        (b" " * (labelmap.MAX_BYTES + 1), "larger than 8 MiB"),
    ],
    ids=lambda each: str(each)[:24],
)
def test_anything_else_is_refused_with_the_file_named(data: bytes, reason: str) -> None:
    with pytest.raises(errors.BadLabels, match=reason) as refused:
        labelmap.parse(data, "data/labels.json")
    assert "data/labels.json" in refused.value.message


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
