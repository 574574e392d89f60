"""Each screen in light, in dark and on a phone: nothing fails, nothing is loaded from elsewhere, axe finds nothing serious."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integrations.browser import exported
from tests.integrations.browser.browser import Browser
from tests.site.server import serving

SCREENS = (
    "#/",
    "#/helmet-classifier",
    "#/helmet-classifier/v2",
    "#/helmet-classifier/v1...v2",
    "#/helmet-classifier/metrics",
    "#/helmet-classifier/aliases",
    "#/helmet-classifier/aliases/prod",
    "#/helmet-classifier/v1...v3",
    "#/storage",
    "#/helmet-classifier/v99",
)
VISITED = [(place, screen) for place in ("disk", "pages", "server") for screen in SCREENS]
LOOKS: dict[str, dict[str, str | int]] = {"light": {}, "dark": {"scheme": "dark"}, "phone": {"width": 380}}
PICTURES = os.environ.get("MVC_PICTURES")
"""A folder for pictures of all screens, to look at."""
HEADS = "[...document.querySelectorAll('th')].map((head) => head.textContent)"
LAST = ("Author", "Date")
NONE = "\N{EN DASH}"
HEADING = "document.querySelector('h1').textContent"


@pytest.fixture(scope="module")
def server(repository: Path) -> Iterator[str]:
    """The address of the example's page from `mvc ui`, with files."""
    with serving(repository, "--files") as found:
        yield f"http://127.0.0.1:{found.port}/{found.token}/"


@pytest.fixture(scope="module")
def disk(example: Path) -> str:
    """The address of the example's page on disk, in a folder with a space and `#`."""
    return (example / "index.html").as_uri()


@pytest.fixture(scope="module")
def pages(example: Path) -> Iterator[str]:
    """The address of the example's page on static pages."""
    with exported.served(example) as address:
        yield address


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(("place", "screen"), VISITED)
def test_screen(request: pytest.FixtureRequest, browser: Browser, place: str, screen: str, look: str) -> None:
    url = request.getfixturevalue(place)
    picture = f"{PICTURES}/{screen[2:].replace('/', '-') or 'overview'}-{look}.png" if PICTURES else None
    visit = browser.visit(url + screen, axe=True, picture=picture, **LOOKS[look])
    assert visit.errors == []
    assert [address for address in visit.requests if not address.startswith(url.removesuffix("index.html"))] == []
    assert visit.violations == []
    assert visit.wide <= 0, "wider than the window"


HEADINGS = {
    "#/": "example",
    "#/helmet-classifier/v99": "No such version",
    "#/helmet-classifier/abc": "No such version",
    "#/helmet-classifier/aliases/staging": "No such alias",
    "#/helmet-classifier/%E0%A4%A": "No such screen",
    "#/nothing": "No such model",
    "#/helmet-classifier/prod": "v3 Polish the head; ready for deployment",
    "#/helmet-classifier/baseline...5bd78aad": "v1 → v2",
}


@pytest.mark.parametrize("address", HEADINGS)
def test_an_address_names_a_screen(browser: Browser, example: Path, address: str) -> None:
    visit = browser.visit((example / "index.html").as_uri() + address, steps=[HEADING])
    assert (visit.values, visit.errors) == ([HEADINGS[address]], [])


def test_a_pair_that_was_not_exported_names_the_command(browser: Browser, example: Path) -> None:
    address = (example / "index.html").as_uri() + "#/helmet-classifier/v1...v3"
    visit = browser.visit(address, steps=["document.querySelector('main').textContent"])
    assert "mvc ui --export DIR --compare v1...v3" in visit.values[0]


def test_the_server_compares_any_pair_and_links_files(browser: Browser, server: str) -> None:
    squares, links = (
        "document.querySelectorAll('.map i').length",
        "document.querySelectorAll('td a[href^=files]').length",
    )
    visit = browser.visit(f"{server}#/helmet-classifier/v1...v3", steps=[squares, "go:#/helmet-classifier/v1", links])
    assert visit.errors == []
    assert min(visit.values) > 0
    assert [each for each in visit.requests if not each.startswith(server)] == []


def test_classes_that_changed_places_are_marked(browser: Browser, example: Path) -> None:
    rows = "[...document.querySelectorAll('tr.bad')].map((row) => row.innerText.split('\\t'))"
    visit = browser.visit((example / "index.html").as_uri() + "#/helmet-classifier/v1...v2", steps=[rows])
    assert visit.values == [
        [["0", "helmet", "bare head", "moved from 1 breaking"], ["1", "bare head", "helmet", "moved from 0 breaking"]]
    ]


def test_the_keyboard_reaches_all_screens_of_a_model(browser: Browser, example: Path) -> None:
    where, rows = "location.hash.slice(20)", "document.querySelectorAll('.row').length"
    first = ["press:j", "press:j", "press:k", "press:Enter", where, "press:j", where, "press:Escape", where]
    second = ["press:c", "press:j", "press:c", where, "press:x", where, "press:Escape"]
    third = [
        "press:/",
        "type:NIGHT ben",
        rows,
        "press:Escape",
        rows,
        "press:?",
        "document.querySelector('dialog').open",
    ]
    visit = browser.visit((example / "index.html").as_uri() + "#/helmet-classifier", steps=[*first, *second, *third])
    assert visit.errors == []
    assert visit.values == ["v3", "51a3fa0691", "", "v2...51a3fa0691", "51a3fa0691...v2", 1, 4, True]


def test_the_leaderboard_is_sorted_by_its_heads(browser: Browser, disk: str) -> None:
    """The best first, which of a duration is the lowest; then the worst first."""
    accuracy, loss = (
        f"[...document.querySelectorAll('tbody td.n:nth-child({nth})')].map((cell) => cell.textContent)"
        for nth in (2, 4)
    )
    steps = [accuracy, "click:th button", accuracy, *["click:th:nth-child(4) button", loss] * 2, HEADS]
    visit = browser.visit(f"{disk}#/helmet-classifier/metrics", steps=steps)
    falling = ["0.985 ★", "0.979", "0.978", "0.976"]
    assert visit.errors == []
    assert visit.values[:2] == [falling, falling[::-1]]
    assert visit.values[2:4] == [["0.29 ★", "0.3", NONE, NONE], ["0.3", "0.29 ★", NONE, NONE]]
    assert visit.values[4] == ["Version", "accuracy", "latency_ms", "eval.night.log_loss ↓", "eval.night.recall", *LAST]


def test_evaluations_are_shown_and_compared(browser: Browser, disk: str) -> None:
    cards = "[...document.querySelectorAll('.card')].map((card) => card.innerText).filter((text) => text.startsWith('Evaluation'))"
    visit = browser.visit(f"{disk}#/helmet-classifier/v1", steps=[cards, "go:#/helmet-classifier/v1...v2", cards])
    assert visit.errors == []
    (newest, first), (compared,) = visit.values
    assert "superseded" not in newest
    assert first.startswith("Evaluation on night@1 superseded by that on night@1 of 2")
    rows = [line.split("\t") for line in compared.splitlines()]
    assert rows[0] == ["Evaluations on night@1"]
    assert ["helmet", "log_loss", "0.25", "0.22 ★", "\N{MINUS SIGN}0.03 \N{MINUS SIGN}12 %"] in rows
    assert ["bare head", "recall", "0.74 ★", "0.7", "\N{MINUS SIGN}0.04 \N{MINUS SIGN}5.41 %"] in rows
    assert ["cap", "recall", NONE, "0.6", ""] in rows


def test_a_square_of_the_heat_map_names_its_tensor(browser: Browser, example: Path) -> None:
    steps = ["hover:.map i", "document.querySelector('.heat').lastChild.textContent", "click:summary"]
    steps.append("document.querySelectorAll('details tbody tr').length")
    visit = browser.visit((example / "index.html").as_uri() + "#/helmet-classifier/v1...v2", steps=steps)
    assert visit.errors == []
    assert visit.values[0].startswith("conv1.")
    assert visit.values[1] == 8


def test_the_darkest_square_drifted_most(browser: Browser, example: Path, folder: Path) -> None:
    shutil.copytree(example, folder / "drift")
    for file in (folder / "drift" / "data").glob("compare-*/*.js"):
        record = exported.document(file)
        for tensors in (each["tensors"] for each in record["files"]):
            for at, tensor in enumerate(tensors):
                tensor["drift"] = at / 100 if tensor["change"] == "changed" else None
        exported.rewrite(file, record)
    levels = (
        "[...document.querySelectorAll('.map .changed')].map((square) => +square.style.getPropertyValue('--level'))"
    )
    steps = [levels, "document.querySelector('.heat').textContent"]
    visit = browser.visit(
        (folder / "drift" / "index.html").as_uri() + "#/helmet-classifier/v1...v2", steps=steps, axe=True
    )
    assert (visit.errors, visit.violations) == ([], [])
    assert visit.values[0] == sorted(visit.values[0])
    assert (visit.values[0][0], visit.values[0][-1]) == (0, 1)
    assert "6 changed, drift up to 0.05" in visit.values[1]


def test_a_damaged_version_is_named(browser: Browser, example: Path, folder: Path) -> None:
    shutil.copytree(example, folder / "damaged")
    (file,) = (folder / "damaged" / "data" / "models").glob("helmet-classifier-*.js")
    record = exported.document(file)
    record["versions"]["damaged"][0] = "checksum mismatch"
    exported.rewrite(file, record)
    address = (folder / "damaged" / "index.html").as_uri() + "#/helmet-classifier"
    steps = [
        "document.querySelector('.row').innerText",
        "go:#/helmet-classifier/v3",
        "document.body.innerText",
    ]
    visit = browser.visit(address, steps=steps)
    assert visit.errors == []
    assert "damaged" in visit.values[0]
    assert "v3 cannot be read: checksum mismatch" in visit.values[1]


@pytest.mark.parametrize(
    ("commands", "screen", "text"),
    [
        ([["init"]], "#/", "No model yet."),
        ([["init", "--model", "new"]], "#/new", "No version yet."),
        (
            [["init", "--model", "new"], ["commit", "-m", "One", "--allow-empty"]],
            "#/new/metrics",
            "No version has a metric.",
        ),
        ([["init", "--model", "new"]], "#/new/aliases", "No alias yet."),
    ],
)
def test_what_is_empty_names_the_next_command(
    browser: Browser, tmp_path: Path, commands: list[list[str]], screen: str, text: str
) -> None:
    (tmp_path / "repository").mkdir()
    for command in commands:
        subprocess.run([sys.executable, "-m", "mvc", *command], cwd=tmp_path / "repository", check=True)
    page = exported.export(tmp_path / "repository", tmp_path / "page")
    visit = browser.visit((page / "index.html").as_uri() + screen, steps=["document.body.innerText"], axe=True)
    assert (visit.errors, visit.violations) == ([], [])
    assert text in visit.values[0]


def test_a_page_in_one_file(browser: Browser, example: Path, folder: Path) -> None:
    page = exported.export(folder.parent / "example", folder / "page.html", "--single")
    for screen in ("#/", "#/helmet-classifier/v1...v2"):
        visit = browser.visit(page.as_uri() + screen, steps=[HEADING])
        assert visit.errors == []
        assert len(visit.requests) == 1
