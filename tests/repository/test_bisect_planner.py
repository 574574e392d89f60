"""Which version a bisect tests next, on random histories whose first bad version is known."""

from __future__ import annotations

import math
import random
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from mvc.model.ids import VersionId
from mvc.repository.bisect import planner
from mvc.repository.bisect.planner import Contradiction, Plan, Unrelated, plan

HISTORIES = 1_000
DEEP_HISTORIES = 10_000
LONGEST = 120


def _id(number: int) -> VersionId:
    return VersionId(f"{number:064x}")


@dataclass
class Dag:
    """A history: the parents of each version, and the set of versions that each reaches, as bits."""

    parents: list[tuple[int, ...]]

    def __post_init__(self) -> None:
        self.reached: list[int] = []
        self._by_id = {}
        for number, parents in enumerate(self.parents):
            found = 1 << number
            for parent in parents:
                found |= self.reached[parent]
            self.reached.append(found)
            self._by_id[_id(number)] = tuple(map(_id, parents))

    def above(self, id_: VersionId) -> Sequence[VersionId]:
        return self._by_id[id_]

    def has(self, version: int, ancestor: int) -> bool:
        return bool(self.reached[version] >> ancestor & 1)


def _random(rng: random.Random) -> Dag:
    """Versions that continue one of the last few; some merge another one. Some histories have more branches than others."""
    width, merges = rng.choice(((1, 0.0), (3, 0.2), (6, 1 / 3), (10, 0.5)))
    parents: list[tuple[int, ...]] = []
    for number in range(rng.randint(2, LONGEST)):
        recent = range(max(0, number - width), number)
        count = 2 if rng.random() < merges else 1
        parents.append(tuple(rng.sample(recent, min(count, len(recent)))))
    return Dag(parents)


def _line(count: int) -> Dag:
    return Dag([(), *((number - 1,) for number in range(1, count))])


@dataclass
class Search:
    """A bisect of a history: the versions that were judged, and those that were skipped."""

    dag: Dag
    bads: list[int]
    good: list[int]
    skipped: list[int]
    judged: int = 0

    def plan(self, *, first_parent: bool = False) -> Plan:
        bads, good, skipped = ([*map(_id, some)] for some in (self.bads, self.good, self.skipped))
        return plan(self.dag.above, bads, good, skipped, first_parent=first_parent)

    def run(self, first: int, untestable: set[int]) -> list[int]:
        """Judge what is proposed until the end; the versions that may be the first bad one."""
        while (proposed := self.plan()).next is not None:
            version = int(proposed.next, 16)
            assert version not in {*self.bads, *self.good, *self.skipped}
            if version in untestable:
                self.skipped.append(version)
                continue
            self.judged += 1
            (self.bads if self.dag.has(version, first) else self.good).append(version)
        return [int(id_, 16) for id_ in proposed.suspects]


def test_the_first_bad_version_is_found_in_log2_n_plus_2_tests_although_versions_are_skipped(
    rng: random.Random, *, deep: bool
) -> None:
    for _ in range(DEEP_HISTORIES if deep else HISTORIES):
        dag = _random(rng)
        tip = len(dag.parents) - 1
        ancestors = [version for version in range(tip + 1) if dag.has(tip, version)]
        first = rng.choice(ancestors)
        good = [version for version in ancestors if not dag.has(version, first)]
        known = rng.sample(good, min(1, len(good)))
        rate = rng.choice((0, 0, 0.05, 0.15))
        untestable = {version for version in ancestors if rng.random() < rate and version != tip}
        candidates = len(ancestors) - sum(dag.reached[version].bit_count() for version in known)
        search = Search(dag, [tip], known, [])
        suspects = search.run(first, untestable)
        assert first in suspects
        assert {*suspects} - {search.bads[-1]} <= untestable, "the others were skipped, all of them"
        if not untestable & {*ancestors}:
            assert suspects == [first]
        bound = math.log2(candidates)  # a skip may cost the fraction of a test that is rounded up
        assert search.judged <= (math.ceil(bound) if search.skipped else bound) + 2, (dag.parents, first, known)


def test_a_run_of_versions_that_cannot_be_tested_is_left_after_few_skips() -> None:
    dag = _line(1_024)
    search = Search(dag, [1_023], [0], [])
    assert search.run(200, set(range(400, 700))) == [200]
    assert len(search.skipped) <= 10
    assert search.judged <= 12


def test_only_skipped_versions_are_left() -> None:
    search = Search(_line(8), [7], [0], [])
    assert sorted(search.run(5, {4, 5, 6})) == [4, 5, 6, 7]


def test_the_numbers_are_those_of_git() -> None:
    search = Search(_line(8), [7], [0], [])
    proposed = search.plan()
    assert (proposed.next, proposed.left, proposed.steps) == (_id(3), 3, 2)
    assert [planner.estimated(count) for count in (1, 2, 3, 4, 5, 7, 8, 100, 1_000)] == [0, 0, 1, 1, 1, 2, 2, 6, 9]


def test_the_version_to_test_is_one_of_those_that_git_would_choose_from(tmp_path: Path, rng: random.Random) -> None:
    lines, dags = [], [_random(rng) for _ in range(6)]
    for place, dag in enumerate(dags):
        for number, parents in enumerate(dag.parents):
            mark = 1_000 * (place + 1)
            lines += [
                f"commit refs/heads/d{place}",
                f"mark :{mark + number}",
                f"committer A <a@x> {number} +0000",
                "data 0",
            ]
            lines += [f"{word} :{mark + parent}" for word, parent in zip(("from", "merge"), parents, strict=False)]
            lines.append("" if parents else f"reset refs/tags/root{place}\nfrom :{mark}\n")
    git = partial(subprocess.run, cwd=tmp_path, capture_output=True, text=True, check=True)
    git(["git", "init", "-q"])
    git(["git", "fast-import", "--quiet", "--export-marks=marks"], input="\n".join([*lines, ""]))
    marks = dict(line.split()[::-1] for line in (tmp_path / "marks").read_text().splitlines())
    for place, dag in enumerate(dags):
        listed = git(["git", "rev-list", "--bisect-all", f"d{place}", f"^root{place}"]).stdout.splitlines()
        chosen = Search(dag, [len(dag.parents) - 1], [0], []).plan().next
        distances = {
            int(marks[line.split()[0]][1:]) % 1_000: int(line.partition("dist=")[2].rstrip(")").split(",")[0])
            for line in listed
        }
        assert (chosen is None) == (len(listed) < 2)
        if chosen is not None:
            assert distances[int(chosen, 16)] == max(distances.values()), dag.parents


def test_a_good_version_on_another_branch_has_the_merge_base_tested_first() -> None:
    #   0 ─ 1 ┬ 2 ─ 3 ─ 4   bad
    #         └ 5 ─ 6       good
    dag = Dag([(), (0,), (1,), (2,), (3,), (1,), (5,)])
    search = Search(dag, [4], [6], [])
    proposed = search.plan()
    assert (proposed.next, proposed.is_merge_base) == (_id(1), True)
    search.good.append(1)
    assert not search.plan().is_merge_base
    assert search.run(3, set()) == [3]
    fixed = Search(dag, [4, 1], [6], [])
    with pytest.raises(Contradiction) as caught:
        fixed.plan()
    assert caught.value.good == _id(6)


def test_a_good_version_of_another_history_is_refused_unless_another_one_is_not() -> None:
    #   0 ─ 1   bad      2 ─ 3   good
    dag = Dag([(), (0,), (), (2,)])
    with pytest.raises(Unrelated):
        Search(dag, [1], [3], []).plan()
    ended = Search(dag, [1], [3, 0], []).plan()
    assert (ended.suspects, ended.left, ended.steps) == ((_id(1),), 0, 0)


def test_no_merge_base_is_tested_for_a_good_version_that_the_bisect_itself_chose() -> None:
    #   0 ┬ 1 ─ 2 ┬ 5   bad: 2 was tested and is good; then 4 is bad, of which 2 is no ancestor
    #     └ 3 ─ 4 ┘
    dag = Dag([(), (0,), (1,), (0,), (3,), (2, 4)])
    search = Search(dag, [5, 4], [0, 2], [])
    assert search.plan().next == _id(3)


def test_first_parent_finds_the_merge() -> None:
    dag = Dag([(), (0,), (0,), (2,), (1, 3), (4,)])
    search = Search(dag, [5], [0], [])
    while (proposed := search.plan(first_parent=True)).next is not None:
        version = int(proposed.next, 16)
        assert version in {1, 4}
        (search.bads if dag.has(version, 3) else search.good).append(version)
    assert proposed.suspects == (_id(4),)


def test_marks_that_contradict_each_other_are_refused() -> None:
    for bad, good in ((0, 3), (2, 2)):
        with pytest.raises(Contradiction):
            plan(_line(4).above, [_id(bad)], [_id(good)])
