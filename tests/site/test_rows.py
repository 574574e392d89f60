"""The cache of the index: it may be lost, corrupt or made by somebody else at any time."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from mvc.storage.caches import cachefile, page
from tests.cli.shell import Shell
from tests.site.documents import files

NAME = f"{page.FOLDER}/helmets"


def _export(shell: Shell) -> dict[str, bytes]:
    shell.ok("ui", "--export", "../out")
    return files(shell.folder.parent / "out")


def _cached(shell: Shell) -> Any:
    return cachefile.read(shell.repository.door, NAME, 1, 1 << 20)


def test_only_what_is_new_is_read_and_the_page_is_the_same(shell: Shell) -> None:
    first = _export(shell)
    assert len(_cached(shell)) == 3
    for path in (shell.folder / ".mvc" / "cache" / "page").iterdir():
        path.unlink()
    assert _export(shell) == first
    shell.set(metrics__mAP50=0.9)
    shell.commit("Later")
    _export(shell)
    assert len(_cached(shell)) == 4


@pytest.mark.parametrize("content", [None, [], {"x": []}, {"0" * 64: []}, {"0" * 64: [[], "7"]}, 7, "text"])
def test_a_cache_of_something_else_is_rebuilt(shell: Shell, content: Any) -> None:
    first = _export(shell)
    cachefile.write(shell.repository.door, NAME, 1, content)
    assert _export(shell) == first


def test_a_cache_with_any_other_type_is_rebuilt(shell: Shell, rng: random.Random) -> None:
    first, kept = _export(shell), _cached(shell)
    others: tuple[Any, ...] = (
        None,
        -1,
        "x",
        [],
        {},
        {"m": None},
        {"m": float("nan")},
        {"m": [1]},
        [["x"]],
        10**30,
        True,
        0.5,
    )
    for _ in range(30):
        changed = json.loads(json.dumps(kept))
        row = rng.choice(sorted(changed))
        at = rng.randrange(len(changed[row]))
        other = rng.choice([each for each in others if type(each) is not type(changed[row][at])])
        if at == 10 and other in (None, "x"):  # the text of model.parent may be any
            continue
        changed[row][at] = other
        cachefile.write(shell.repository.door, NAME, 1, changed)
        assert _export(shell) == first, (at, other)


def test_gc_of_a_version_deletes_it(shell: Shell) -> None:
    side = shell.ok("rev-parse", "side").out.strip()
    _export(shell)
    shell.ok("branch", "-D", "side")
    shell.tick(400 * 86_400)  # undo and the reflog do not keep it any more
    shell.ok("gc", "--grace", "0d")
    assert shell("show", side).code != 0
    assert _cached(shell) is None
