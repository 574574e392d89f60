from __future__ import annotations

import pytest
from hypothesis import given

from mvc.model.compare import labels
from mvc.model.compare.labels import LabelDiff, Reindexed, Renamed
from mvc.model.labelmap import Labelmap
from tests.model.strategies import labelmaps


def classes(text: str) -> Labelmap:
    return tuple(enumerate(text.split()))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("a b", "a b", LabelDiff()),
        ("", "a", LabelDiff(added=((0, "a"),))),
        ("a b", "a", LabelDiff(removed=((1, "b"),))),
        ("a b", "a c", LabelDiff(renamed=(Renamed(1, "b", "c"),))),
        ("a b", "b a", LabelDiff(reindexed=(Reindexed("a", 0, 1), Reindexed("b", 1, 0)))),
        ("a b", "x a b", LabelDiff(added=((0, "x"),), reindexed=(Reindexed("a", 0, 1), Reindexed("b", 1, 2)))),
        ("a b c", "b c", LabelDiff(removed=((0, "a"),), reindexed=(Reindexed("b", 1, 0), Reindexed("c", 2, 1)))),
        ("a b", "b c", LabelDiff(removed=((0, "a"),), added=((1, "c"),), reindexed=(Reindexed("b", 1, 0),))),
        ("a truck", "a bus truck", LabelDiff(added=((1, "bus"),), reindexed=(Reindexed("truck", 1, 2),))),
    ],
)
def test_each_class_is_named_with_what_became_of_it(old: str, new: str, expected: LabelDiff) -> None:
    assert labels.compare(classes(old), classes(new)) == expected


@pytest.mark.parametrize("new", ["b a", "x a b", "a c", "a c b", "a", ""])
def test_all_but_an_added_class_breaks_consumers(new: str) -> None:
    assert labels.compare(classes("a b"), classes(new)).breaking
    assert not labels.compare(classes("a b"), classes("a b c d")).breaking


@given(labelmaps(), labelmaps())
def test_the_difference_carried_out_gives_the_new_labelmap(old: Labelmap, new: Labelmap) -> None:
    difference = labels.compare(old, new)
    assert difference.apply(old) == new
    assert difference.is_empty == (old == new)


@given(labelmaps(), labelmaps())
def test_each_class_of_either_side_is_named_at_most_once(old: Labelmap, new: Labelmap) -> None:
    difference = labels.compare(old, new)
    left = [number for number, _ in difference.removed]
    left += [each.index for each in difference.renamed] + [each.old for each in difference.reindexed]
    right = [number for number, _ in difference.added]
    right += [each.index for each in difference.renamed] + [each.new for each in difference.reindexed]
    assert sorted(left) == [number for number, name in old if dict(new).get(number) != name]
    assert sorted(right) == [number for number, name in new if dict(old).get(number) != name]


@given(labelmaps(), labelmaps())
def test_a_name_on_both_sides_is_never_called_added_or_renamed_away(old: Labelmap, new: Labelmap) -> None:
    difference = labels.compare(old, new)
    kept = {name for _, name in difference.removed} & {name for _, name in difference.added}
    assert not kept
