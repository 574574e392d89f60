"""Every reader of foreign bytes on its corpus, and on mutations of it: it reads, or raises an error that it documents."""

from __future__ import annotations

import random

import pytest

from tests.formats.test_fuzz import changed
from tests.fuzz.mutate import structured
from tests.fuzz.reduce import chosen
from tests.fuzz.table import TARGETS
from tests.fuzz.target import CORPUS, Target, limited_memory

MUTATIONS, INPUTS = 20, 40
"""Mutations, and inputs of its corpus, that a target of the usual cost reads."""
DEEP = 200
"""How many times as many with `--deep`. `make fuzz` lets atheris choose them by the code that they reach."""
MOST_BYTES = 300_000


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_raises_what_it_documents_and_nothing_else(name: str, rng: random.Random, *, deep: bool) -> None:
    target = TARGETS[name]
    inputs = _inputs(target)
    assert inputs, f"no input of {name}: python -m tests.fuzz seeds, then keep"
    count = MUTATIONS * (DEEP if deep else 1) // target.cost
    with limited_memory():
        for data in [*inputs, *(_mutated(rng, rng.choice(inputs)) for _ in range(count))]:
            fault = target.fault(data)
            assert fault is None, f"{fault.text}\n{name}: {data!r}"


def _mutated(rng: random.Random, data: bytes) -> bytes:
    """Change an input: half of the time a value of its JSON, if it has any, else its bytes."""
    return (structured(rng, data) if rng.random() < 0.5 else None) or changed(rng, data)


def _inputs(target: Target) -> list[bytes]:
    """Return the regressions and the shortest inputs of a target."""
    files = sorted(target.files(), key=lambda path: (not path.name.startswith("fault-"), path.stat().st_size))
    return [path.read_bytes() for path in files[: INPUTS // target.cost]]


def test_corpora_are_small_and_each_is_of_a_target() -> None:
    names = {path.name for path in CORPUS.iterdir()}
    assert names <= set(TARGETS)
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES


def test_what_is_wrong_is_noticed() -> None:
    def read(data: bytes) -> None:
        if data == b"endless":
            while True:
                pass
        if data == b"large":
            bytearray(1 << 33)
        if data == b"documented":
            raise KeyError
        raise ValueError(data)

    target = Target("trial", read, (KeyError,), seconds=0.01)
    with limited_memory():
        names = [
            fault.name if (fault := target.fault(data)) else "" for data in (b"documented", b"x", b"large", b"endless")
        ]
    assert [name.partition(" ")[0] for name in names] == ["", "ValueError", "MemoryError", "EndlessError"]


def test_a_corpus_keeps_what_reaches_most_for_its_bytes() -> None:
    first, second, third = ("a.py", 1), ("a.py", 2), ("a.py", 3)
    lines = {b"long " * 50: {first, second}, b"short": {first, second}, b"other": {third}, b"nothing new": {first}}
    assert set(chosen(lines)) == {b"short", b"other"}
