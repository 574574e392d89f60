"""Texts of a store stay texts, on each screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integrations.browser import exported
from tests.integrations.browser.browser import Browser
from tests.integrations.browser.hostile import TEXTS

SCREENS = (
    "#/",
    "#/trap",
    "#/trap/v2",
    "#/trap/v1...v2",
    "#/trap/metrics",
    "#/trap/aliases",
    "#/storage",
    "#/trap/%3Cimg src%3Dx%3E",
)
TOUCH = """
for (const node of document.querySelectorAll("i, .plot, details")) {
  node.open = true;
  for (const kind of ["pointerenter", "pointermove"]) node.dispatchEvent(new PointerEvent(kind, { clientX: 99 }));
}
null
"""
"""Point at everything, and open everything."""
MARKUP = "main img, main script, main [onload], main [onerror], main [onfocus]"


@pytest.mark.parametrize("width", [1280, 380])
@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_runs(browser: Browser, trap: Path, screen: str, width: int) -> None:
    steps = [TOUCH, "typeof window.pwn", f"document.querySelectorAll('{MARKUP}').length"]
    visit = browser.visit((trap / "index.html").as_uri() + screen, width=width, steps=steps, axe=True)
    assert visit.values == [None, "undefined", 0]
    assert visit.errors == []
    assert visit.violations == []
    assert [address for address in visit.requests if not address.startswith(trap.as_uri())] == []
    assert visit.wide <= 0


def test_every_text_is_shown(browser: Browser, trap: Path) -> None:
    steps = ["[...document.querySelectorAll('dt, td')].map((cell) => cell.textContent)"]
    version, metrics, compared = (
        browser.visit((trap / "index.html").as_uri() + screen, steps=steps).values[0]
        for screen in ("#/trap/v2", "#/trap/metrics", "#/trap/v1...v2")
    )
    shown = [text.replace("\u202e", "\\u202e").replace("\u2066", "\\u2066") for text in TEXTS]
    assert {*shown} <= {*version}, "classes, parameters and metrics"
    assert sum(text.startswith("2.5") for text in metrics) == len(TEXTS), "the best of two"
    assert {f"metrics.{text}" for text in shown} <= {*compared}
    assert {*shown} <= {*compared}, "classes of evaluations"


def test_nothing_runs_in_a_page_of_one_file(browser: Browser, trap: Path, folder: Path) -> None:
    exported.export(folder.parent / "trap", folder / "one.html", "--single")
    visit = browser.visit((folder / "one.html").as_uri() + "#/trap/v1...v2", steps=["typeof window.pwn"])
    assert (visit.values, visit.errors, len(visit.requests)) == (["undefined"], [], 1)
