from __future__ import annotations

import random
import re

import pytest

from mvc import errors
from mvc.model import paths


def test_a_plain_path_is_one_that_passes_the_closer_look(monkeypatch: pytest.MonkeyPatch) -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)  # noqa: T201 - a failure is repeated with it
    rng = random.Random(seed)
    letters = "aCoOnNxX./..--_1~ é:"
    starts = ["", "con", "NUL", "com1", "lpt9.", "aux/", "prn.x"]
    made = {rng.choice(starts) + "".join(rng.choices(letters, k=rng.randrange(9))) for _ in range(20_000)}
    plain = [path for path in made if paths._PLAIN.match(path)]
    assert len(plain) > 1_000
    monkeypatch.setattr(paths, "_PLAIN", re.compile(r"(?!)"))
    for path in plain:
        paths.check_path(path)


def test_a_collision_of_folders_is_found_between_any_paths() -> None:
    assert paths.collisions(["A/x", "b/y", "a/z", "A/y"]) == [("A/x", "a/z")]
    assert paths.collisions(["a", "a/b"]) == [("a", "a/b")]
    assert paths.collisions(["A/b/c", "A/b/d", "a"]) == [("A/b/c", "a")]


@pytest.mark.parametrize("path", ["a/", "a//b", "/a", "a.", "con", "a/nul.txt", "COM1.pt", "-/aux"])
def test_unusual_paths_are_checked_in_full(path: str) -> None:
    with pytest.raises(errors.Refused):
        paths.check_path(path)
