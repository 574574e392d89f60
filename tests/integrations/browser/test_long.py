"""A model of 5,000 versions: what is not seen is not drawn."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.integrations.browser import exported
from tests.integrations.browser.browser import Browser

COUNT = 5000
PAINT = 1.0
"""Processor seconds of the page's thread until the list is drawn, at most; checked with --deep, as of each time."""
DETAILS = 0.1
"""Processor seconds until a version, or the next part of the list, is drawn, at most."""


@pytest.fixture(scope="module")
def long(example: Path, folder: Path) -> str:
    """The address of the model."""
    shutil.copytree(example, folder / "long")
    exported.lengthened(folder / "long", "helmet-classifier", COUNT)
    return (folder / "long" / "index.html").as_uri() + "#/helmet-classifier"


def test_versions_are_drawn_where_they_are_seen(browser: Browser, long: str) -> None:
    rows = "[...document.querySelectorAll('.row b')].map((label) => label.textContent)"
    steps = [rows, "scrollTo(0, document.documentElement.scrollHeight)", rows, "press:c", "press:j", rows]
    visit = browser.visit(long, steps=steps)
    top, bottom, current = visit.values[0], visit.values[2], visit.values[-1]
    assert visit.errors == []
    assert (top[0], bottom[-1]) == ("v5000", "v1")
    assert max(len(top), len(bottom)) <= 40
    assert "v5000" in current, "the keyboard goes to the first version"


def test_a_filter_finds_any_version(browser: Browser, long: str) -> None:
    visit = browser.visit(long, steps=["press:/", "type:v4321", "document.querySelector('.row b').textContent"])
    assert (visit.values, visit.errors) == (["v4321"], [])


def test_time(browser: Browser, long: str, deep: bool) -> None:
    steps = ["scrollTo(0, 100000)", "go:#/helmet-classifier/v1"]
    found = [browser.visit(long, steps=steps).seconds for _ in range(3)]
    paint = min(seconds[0] for seconds in found)
    scroll, details = (min(seconds[at] - seconds[at - 1] for seconds in found) for at in (1, 2))
    print(
        f"{COUNT} versions: drawn in {paint:.2f} s, a part of the list in {scroll:.3f} s, a version in {details:.3f} s"
    )
    if deep:
        assert paint <= PAINT
        assert max(scroll, details) <= DETAILS
