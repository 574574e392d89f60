from __future__ import annotations

import itertools
import random

import pytest

from mvc import errors
from mvc.model.ids import VersionId
from mvc.model.version import Version
from mvc.repository import history
from tests.repository.graph import Graph


def walked(graph: Graph, *tips: str, exclude: str = "", first_parent: bool = False) -> str:
    ids = [graph.ids[tip] for tip in tips]
    hidden = [graph.ids[name] for name in exclude.split()]
    return graph.names(id_ for id_, _ in history.walk(graph.objects, ids, exclude=hidden, first_parent=first_parent))


@pytest.fixture
def merged() -> Graph:
    r"""a - b - c - e - m - n     (x joins in m)
    \- d - x -/
    """
    graph = Graph()
    graph.chain("a b c")
    graph.add("d", "b")
    graph.chain("c e")
    graph.add("x", "d")
    graph.add("m", "e", "x")
    graph.chain("m n")
    return graph


def test_reach_yields_each_once_the_nearest_first_and_stops_where_there_are_no_parents(merged: Graph) -> None:
    def parents(id_: VersionId) -> tuple[VersionId, ...]:
        return () if id_ in stops else merged.versions[id_].parents

    stops: set[VersionId] = set()
    assert merged.names(history.reach([merged.ids["n"]], parents)) == "n m e x c d b a"
    stops = {merged.ids["c"], merged.ids["d"]}
    assert merged.names(history.reach([merged.ids["n"], merged.ids["m"]], parents)) == "n m e x c d"


def test_reachable_reads_each_once_and_ends_where_nothing_is_read(merged: Graph) -> None:
    read: list[VersionId] = []

    def version(id_: VersionId) -> Version | None:
        read.append(id_)
        return None if id_ == merged.ids["x"] else merged.versions[id_]

    assert merged.names(history.reachable([merged.ids["n"]], version)) == "n m e c b a"
    assert len(read) == len(set(read))


def test_newest_first_children_before_parents(merged: Graph) -> None:
    assert walked(merged, "n") == "n m x e d c b a"
    assert walked(merged, "e", "x") == "x e d c b a"
    assert walked(merged, "n", "b", "n") == "n m x e d c b a"
    assert walked(merged, "n", first_parent=True) == "n m e c b a"
    assert walked(merged) == ""


def test_a_clock_that_is_wrong_does_not_put_a_parent_before_its_child() -> None:
    graph = Graph()
    graph.add("a", time=900)
    graph.add("b", "a", time=1)
    graph.add("c", "a", time=1000)
    graph.add("m", "c", "b", time=2)
    assert walked(graph, "m") == "m c b a"


def test_what_others_reach_is_left_out(merged: Graph) -> None:
    assert walked(merged, "n", exclude="e") == "n m x d"
    assert walked(merged, "n", exclude="c") == "n m x e d"
    assert walked(merged, "n", exclude="m") == "n"
    assert walked(merged, "e", exclude="x") == "e c"
    assert walked(merged, "b", exclude="n") == ""
    assert walked(merged, "n", exclude="n") == ""
    assert walked(merged, "n", exclude="b", first_parent=True) == "n m e c"
    assert walked(merged, "e", "x", exclude="c d") == "x e"


def test_a_straight_line_is_read_only_as_far_as_it_is_asked_for() -> None:
    graph = Graph()
    graph.chain(" ".join(f"n{i}" for i in range(1000)))
    found = list(itertools.islice(history.walk(graph.objects, [graph.ids["n999"]]), 20))
    assert graph.names(id_ for id_, _ in found) == " ".join(f"n{i}" for i in range(999, 979, -1))
    assert len(set(graph.reads)) <= 21
    graph.reads.clear()
    assert walked(graph, "n999", exclude="n989").split() == [f"n{i}" for i in range(999, 989, -1)]
    assert len(set(graph.reads)) <= 12


def test_a_tip_that_is_left_out_is_not_walked_from() -> None:
    """As in a fetch that brings nothing new, whatever other refs are known."""
    graph = Graph()
    graph.chain(" ".join(f"n{i}" for i in range(100)))
    graph.add("side", "n50")
    assert walked(graph, "n99", "side", exclude="n3 side n99 n70") == ""
    assert graph.reads == []


def test_a_deep_history_needs_no_recursion() -> None:
    graph = Graph()
    graph.add("n0")
    graph.add("side", "n0")
    for i in range(1, 5_000):
        graph.add(f"n{i}", f"n{i - 1}")
    assert len(walked(graph, "n4999", "side").split()) == 5_001
    assert history.is_ancestor(graph.objects, graph.ids["n0"], graph.ids["n4999"])


def test_who_was_made_from_whom(merged: Graph) -> None:
    ids = merged.ids
    assert history.is_ancestor(merged.objects, ids["d"], ids["n"])
    assert history.is_ancestor(merged.objects, ids["n"], ids["n"])
    assert not history.is_ancestor(merged.objects, ids["n"], ids["d"])
    assert not history.is_ancestor(merged.objects, ids["c"], ids["x"])
    assert history.merge_bases(merged.objects, ids["e"], ids["x"]) == [ids["b"]]
    assert history.merge_bases(merged.objects, ids["n"], ids["x"]) == [ids["x"]]
    assert history.ahead_behind(merged.objects, ids["e"], ids["x"]) == (2, 2)
    assert history.ahead_behind(merged.objects, ids["n"], ids["e"]) == (4, 0)


def test_a_cross_has_two_merge_bases_and_strangers_none() -> None:
    graph = Graph()
    graph.chain("a b")
    graph.add("c", "a")
    graph.add("x", "b", "c")
    graph.add("y", "c", "b")
    graph.add("stranger")
    both = sorted([graph.ids["b"], graph.ids["c"]])
    assert history.merge_bases(graph.objects, graph.ids["x"], graph.ids["y"]) == both
    assert history.merge_bases(graph.objects, graph.ids["x"], graph.ids["stranger"]) == []


def test_a_number_is_found_by_walking_and_checked(merged: Graph) -> None:
    ids = merged.ids
    assert history.numbered(merged.objects, ids["n"], 3) == ids["c"]
    assert history.numbered(merged.objects, ids["x"], 3) == ids["d"]
    assert history.numbered(merged.objects, ids["x"], 9) is None
    assert history.numbered(merged.objects, ids["x"], 0) is None
    assert history.numbered(merged.objects, None, 1) is None
    merged.add("liar", "c", number=9)
    with pytest.raises(errors.Damaged, match="its number, 9"):
        history.numbered(merged.objects, merged.ids["liar"], 3)


def test_a_missing_version_is_named(merged: Graph) -> None:
    del merged.versions[merged.ids["b"]]
    with pytest.raises(errors.Missing, match=merged.ids["b"]):
        walked(merged, "n")


def test_any_history_is_given_once_in_order_and_as_the_sets_say() -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)  # noqa: T201 - a failure is repeated with it
    rng = random.Random(seed)
    for _ in range(150):
        graph = Graph()
        for i in range(rng.randrange(1, 14)):
            parents = rng.sample(sorted(graph.ids), k=min(len(graph.ids), rng.choice([0, 1, 1, 1, 2, 3])))
            graph.add(f"n{i}", *parents, time=rng.randrange(20))
        tips = rng.choices(sorted(graph.ids), k=rng.randrange(1, 4))
        exclude = rng.choices(sorted(graph.ids), k=rng.randrange(3))
        _check(graph, [graph.ids[tip] for tip in tips], [graph.ids[name] for name in exclude])


def _check(graph: Graph, tips: list[VersionId], exclude: list[VersionId]) -> None:
    found = [id_ for id_, _ in history.walk(graph.objects, tips, exclude=exclude)]
    assert len(found) == len(set(found))
    assert set(found) == history.ancestors(graph.objects, tips) - history.ancestors(graph.objects, exclude)
    place = {id_: i for i, id_ in enumerate(found)}
    for id_ in found:
        assert all(place[id_] < place[parent] for parent in graph.versions[id_].parents if parent in place)
