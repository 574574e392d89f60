"""Each kind of store has a page, with every setting, the three kinds of keys, what is left over, and the limits.

The overview lists all kinds.
"""

from __future__ import annotations

import json
import re

import pytest

from mvc.model.remote_kinds import KINDS, Kind, Shape
from tests.docs import pages

PAGES = {"file": "folder.md", "s3": "s3.md", "gs": "google.md", "az": "azure.md", "sftp": "sftp.md"}
FOLDER = pages.REFERENCE / "remotes"
PARTS = ("What to set", "Who may do what", "What is left over", "Limits")


def test_every_kind_of_store_has_a_page() -> None:
    assert sorted(PAGES) == sorted(kind.scheme for kind in KINDS.values() if kind.shape is not Shape.REGISTRY)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_overview_lists_every_kind(kind: Kind) -> None:
    overview = (pages.REFERENCE / "remotes.md").read_text(encoding="utf-8")
    assert f"`{kind.example}`" in overview
    assert f"`pip install 'modelvc[{kind.extra}]'`" in overview or not kind.extra


def test_the_overview_links_to_each_page() -> None:
    overview = (pages.REFERENCE / "remotes.md").read_text(encoding="utf-8")
    assert [page for page in PAGES.values() if f"(remotes/{page})" not in overview] == []
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(PAGES.values())


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_is_whole(kind: str) -> None:
    page = (FOLDER / PAGES[kind]).read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == list(PARTS)
    settings = page.partition(f"## {PARTS[0]}")[2].partition("\n## ")[0]
    assert [name for name in KINDS[kind].option_names if f"`{name}`" not in settings] == []
    assert [key for key in ("reader", "pusher", "collector") if key not in page] == []
    for block in re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        json.loads(block)
