"""The benchmark of growth knows how to make each repository that it measures."""

from __future__ import annotations

from tests.bench import growth, growth_repositories


def test_each_act_has_a_repository_and_a_line_of_its_own() -> None:
    assert {act.kind for act in growth.ACTS} <= growth.SIZES.keys() == growth_repositories.KINDS.keys()
    assert len({(act.kind, act.name) for act in growth.ACTS}) == len(growth.ACTS)
