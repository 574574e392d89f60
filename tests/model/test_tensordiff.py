"""Tensors compared by what recipes say of them."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from mvc.model.compare.tensors import TensorDiff, compare
from mvc.model.ids import digest
from mvc.model.segment import STEP, Segment


def tensors(*rows: str) -> list[Segment]:
    """Rows such as `name dtype 2x3 content`; `-` for a name, dtype or shape that is not known, no content for no digest."""
    found: list[Segment] = []
    for row in rows:
        name, dtype, shape, *content = row.split()
        sizes = None if shape == "-" else tuple(int(each) for each in shape.split("x"))
        text = f"{dtype}{content[0]}" if content else None
        name, dtype = ("" if each == "-" else each for each in (name, dtype))
        end = found[-1].end if found else 0
        found.append(Segment(end, 24, name, dtype, sizes, digest(text.encode()) if text else ""))
    return found


def said(diff: TensorDiff) -> list[tuple[str, str | None, str | None]]:
    return [(each.kind, each.old and each.old.name, each.new and each.new.name) for each in diff.tensors]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("a F32 2x3 1", "a F32 2x3 1", "unchanged"),
        ("a F32 2x3 1", "a F32 2x3 2", "changed"),
        ("a F32 2x3 1", "a F32 3x2 1", "reshaped"),
        ("a F32 2x3 1", "a BF16 2x3 1", "retyped"),
        ("a F32 2x3 1", "a BF16 3x3 1", "reshaped"),
        ("a F32 2x3 1", "a F32 2x3", "unknown"),
        ("a F32 2x3", "a F32 2x3", "unknown"),
        ("a F32 2x3", "a F32 2x4", "reshaped"),
        ("a F32 - 1", "a F32 2x3 1", "unchanged"),
        ("a F32 2x3 1", "b F32 2x3 1", "renamed"),
        ("- F32 2x3 1", "b F32 2x3 1", "unchanged"),
        ("- F32 2x3 1", "b F32 2x3 2", "changed"),
        ("- F32 2x3 1", "- F32 2x3 2", "changed"),
    ],
)
def test_what_becomes_of_one(old: str, new: str, kind: str) -> None:
    (change,) = compare(tensors(old), tensors(new)).tensors
    assert change.kind == kind


def test_another_size_is_a_change_though_no_digest_is_known() -> None:
    diff = compare([Segment(0, 8, "a")], [Segment(0, 9, "a")])
    assert diff.counts == {"changed": 1}


def test_digests_taken_in_other_steps_do_not_compare() -> None:
    big = STEP + 4
    old, new = Segment(0, big, "a", "", None, digest(b"1")), Segment(0, big, "a", "F32", None, digest(b"2"))
    assert compare([old], [new]).counts == {"changed": 1}  # F32 is cut at the same places as what is not known
    assert compare([old], [new._replace(dtype="F64")]).counts == {"unknown": 1}
    assert compare([old._replace(size=8)], [new._replace(dtype="F64", size=8)]).counts == {"changed": 1}


def test_added_and_removed() -> None:
    diff = compare(tensors("a F32 2 1", "b F32 2 2"), tensors("c F32 2 3", "b F32 2 2"))
    assert said(diff) == [("added", None, "c"), ("unchanged", "b", "b"), ("removed", "a", None)]
    assert diff.summary() == "0 of 2 changed, 1 added, 1 removed; b unchanged"


def test_names_win_over_bytes_and_moves_are_found_by_their_last_name() -> None:
    diff = compare(tensors("a.w F32 2 1", "b.w F32 2 2"), tensors("a.w F32 2 2", "b.w F32 2 1"))
    assert diff.counts == {"changed": 2}
    diff = compare(tensors("a.w F32 2 0", "a.b F32 2 0"), tensors("x.b F32 2 0", "x.w F32 2 0"))
    assert said(diff) == [("renamed", "a.b", "x.b"), ("renamed", "a.w", "x.w")]


def test_without_names_order_decides_after_bytes() -> None:
    old = tensors("- F32 2 1", "- F32 2 2", "- F32 3 3", "- F32 2 4")
    new = tensors("- F32 2 9", "- F32 2 1", "- F32 3 8", "- F32 2 7")
    diff = compare(old, new)
    assert [(each.kind, each.old and old.index(each.old)) for each in diff.tensors] == [
        ("changed", 1), ("unchanged", 0), ("changed", 2), ("changed", 3),
    ]  # fmt: skip
    assert diff.unchanged_module is None


def test_the_summary_names_the_largest_module_that_did_not_change() -> None:
    old = tensors("net.body.0.w F32 2 1", "net.body.1.w F32 2 2", "net.stem.w F32 2 3", "net.head.w F32 4x5 4")
    new = [*old[:3], *tensors("net.head.w F32 4x6 5")]
    diff = compare(old, new)
    assert diff.summary() == "1 of 4 changed (1 reshaped); net.body unchanged"
    assert compare(old, old).summary() == "all 4 unchanged"
    assert compare(old, tensors("other F32 1 7")).summary() == "0 of 1 changed, 1 added, 4 removed"
    assert compare([], []).summary() == "all 0 unchanged"


def test_json_has_every_changed_tensor() -> None:
    old, new = tensors("a.w F32 2 1", "a.b F32 2 2"), tensors("a.w F32 2 1", "a.b F32 3 3")
    record = compare(old, new).to_json()
    assert record["counts"] == {"reshaped": 1, "unchanged": 1}
    assert record["total"] == 2
    assert record["unchanged_module"] == "a.w"
    assert record["tensors"] == [{"kind": "reshaped", "index": 1, "old": old[1].to_json(), "new": new[1].to_json()}]
    assert record["unchanged"] == [{"index": 0, **new[0].to_json()}]
    assert record["groups"] == [
        {"label": "a.b", "counts": {"reshaped": 1}},
        {"label": "a.w", "counts": {"unchanged": 1}},
    ]


def test_every_tensor_occurs_once(rng: random.Random) -> None:
    names = [f"{a}.{b}" for a in "xyz" for b in range(4)] + [""] * 3

    def some() -> list[Segment]:
        chosen = rng.choices(names, k=rng.randrange(12))
        return tensors(*(f"{name or '-'} F32 {rng.randrange(1, 3)} {rng.randrange(3)}" for name in chosen))

    for _ in range(300):
        old, new = some(), some()
        diff = compare(old, new)
        assert _ids(each.old for each in diff.tensors) == _ids(old)
        assert _ids(each.new for each in diff.tensors) == _ids(new)
        assert sorted(id(change) for group in diff.groups for change in group.members) == sorted(map(id, diff.tensors))


def _ids(segments: Iterable[Segment | None]) -> list[int]:
    return sorted(id(each) for each in segments if each is not None)
