"""Each kind of store has a page, with every setting, the three kinds of keys, what is left over, and the limits.

The overview lists all kinds.
"""

from __future__ import annotations

import json
import re

import pytest

from mvc.model.remote_kinds import KINDS, Kind, Shape
from tests.docs import pages

OVERVIEW = (pages.REFERENCE / "remotes.md").read_text(encoding="utf-8")
FOLDER = pages.REFERENCE / "remotes"
STORES = [kind for kind in KINDS.values() if kind.shape is not Shape.REGISTRY]
PARTS = ("What to set", "Who may do what", "What is left over", "Limits")


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_overview_lists_every_kind(kind: Kind) -> None:
    assert f"`{kind.example}`" in OVERVIEW
    assert f"`pip install 'modelvc[{kind.extra}]'`" in OVERVIEW or not kind.extra


def test_every_page_is_that_of_a_kind_of_store() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(map(_page, STORES))


def _page(kind: Kind) -> str:
    """The page that the overview links to, in the row of the kind's example."""
    row = next((line for line in OVERVIEW.splitlines() if f"`{kind.example}`" in line), "")
    link = re.search(r"\(remotes/([^)]*)\)", row)
    assert link is not None, f"the overview has no row with {kind.example} and a page in remotes/"
    return link[1]


@pytest.mark.parametrize("kind", STORES, ids=lambda kind: kind.scheme)
def test_a_page_is_whole(kind: Kind) -> None:
    page = (FOLDER / _page(kind)).read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == list(PARTS)
    settings = page.partition(f"## {PARTS[0]}")[2].partition("\n## ")[0]
    assert [name for name in kind.option_names if f"`{name}`" not in settings] == []
    assert [key for key in ("reader", "pusher", "collector") if key not in page] == []
    for block in re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        json.loads(block)
