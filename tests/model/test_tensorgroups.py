"""Tensors grouped by module: few lines, and none that hides a difference within the limit."""

from __future__ import annotations

import random

from mvc.model.compare.tensor_groups import Leaf, group, largest_module


def labels(states: dict[str, str], lines: int = 20) -> list[tuple[str, str]]:
    """Label and states of each group."""
    groups = group([Leaf(name, state, state) for name, state in states.items()], lines)
    return [(group.label, "".join(sorted(set(group.members)))) for group in groups]


def layers(first: int, last: int, state: str, name: str = "encoder.layer") -> dict[str, str]:
    return {f"{name}.{number}.{part}": state for number in range(first, last + 1) for part in ("w", "b")}


def test_nothing_has_no_groups() -> None:
    assert labels({}) == []


def test_tensors_of_one_state_are_one_line() -> None:
    assert labels(layers(0, 11, "u")) == [("encoder.layer.*", "u")]
    assert labels({"a": "u", "b.c": "u"}) == [("*", "u")]
    assert labels({"head.weight": "c"}) == [("head.weight", "c")]


def test_numbered_modules_of_one_state_are_joined() -> None:
    states = layers(0, 8, "u") | layers(9, 11, "c") | {"embeddings.w": "u", "embeddings.b": "u", "head.out.w": "c"}
    assert labels(states) == [
        ("embeddings.*", "u"),
        ("encoder.layer.0-8.*", "u"),
        ("encoder.layer.9-11.*", "c"),
        ("head.out.w", "c"),
    ]


def test_modules_with_the_same_pattern_are_taken_apart_together() -> None:
    states = {name: "u" if name.endswith("b") else "c" for name in layers(0, 11, "")}
    assert labels(states) == [("encoder.layer.0-11.b", "u"), ("encoder.layer.0-11.w", "c")]


def test_numbers_are_in_their_order_and_may_have_gaps() -> None:
    states = {f"s.{number}.w": "u" if number < 10 else "c" for number in (10, 0, 3, 1, 12)}
    assert labels(states) == [("s.0-3.w", "u"), ("s.10-12.w", "c")]


def test_other_separators_and_names_that_are_prefixes() -> None:
    assert labels({"/a/0/w": "u", "/a/1/w": "c", "/a": "c"}) == [("/a", "c"), ("/a/0/w", "u"), ("/a/1/w", "c")]
    assert labels({"": "u", ".": "c", "a.": "c", "a": "u"}) == [("", "u"), (".", "c"), ("a", "u"), ("a.", "c")]


def test_lines_stay_within_the_limit_and_the_top_is_split_first() -> None:
    states = {f"m{a}.n{b}.w": "cu"[(a + b) % 2] for a in range(5) for b in range(6)}
    assert labels(states, 4) == [("*", "cu")]
    assert labels(states, 5) == [(f"m{a}.*", "cu") for a in range(5)]
    assert labels(states, 10) == [*((f"m0.n{b}.w", "cu"[b % 2]) for b in range(6)), *labels(states, 5)[1:]]


def test_of_many_names_those_that_differ_are_shown() -> None:
    states = {f"t{number:03}": "u" for number in range(400)} | {"t007": "c", "t100": "c"}
    assert labels(states) == [("t007", "c"), ("t100", "c"), ("* (rest)", "u")]


def test_groups_are_few_and_have_each_leaf_once(rng: random.Random) -> None:
    for _ in range(200):
        names = {
            ".".join(rng.choice(["a", "bb", "0", "1", "2", "10", ""]) for _ in range(rng.randrange(1, 22)))
            for _ in range(rng.randrange(80))
        }
        leaves = [Leaf(name, rng.choice("cu"), name) for name in names]
        groups = group(leaves)
        assert len(groups) <= 20
        assert sorted(name for group in groups for name in group.members) == sorted(names)


def test_the_largest_module_is_the_heaviest_entirely_in_the_state() -> None:
    def steady(states: dict[str, str]) -> str | None:
        return largest_module([Leaf(name, state, 1) for name, state in states.items()], "u", lambda value: value)

    assert steady(layers(0, 3, "u") | {"encoder.norm": "u", "head.w": "c", "stem.w": "u"}) == "encoder"
    assert steady(layers(0, 3, "u", "model") | layers(4, 5, "c", "model")) == "model.0-3"
    assert steady({"head.w": "c"}) is None
    assert steady({}) is None
