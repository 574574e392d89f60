"""What a notebook shows: tables that are escaped, load nothing, and are never long; and a DataFrame."""

from __future__ import annotations

import importlib.util
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import mvc
from mvc import display, errors, lazy
from tests.api.conftest import WEIGHTS

HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(1)>\u202e\"'"
ALLOWED = {"div", "b", "table", "tr", "th", "td"}


class Reader(HTMLParser):
    """Collects tags and attributes, and sees that every tag is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture
def hostile(model: mvc.Model) -> mvc.Model:
    model.update(
        labelmap=[HOSTILE, *(f"class {number} {'x' * 300}" for number in range(500))],
        parameters={HOSTILE: HOSTILE, "nested": {"a": {"b": {"c": {"d": {"e": 1}}}}}},
        metrics={"__proto__": 1},
    )
    (model.folder / "best.onnx").write_bytes(WEIGHTS[:100])
    return model


def pages(model: mvc.Model) -> dict[str, Any]:
    found: dict[str, Any] = {"status": model.status(), "diff": model.diff()}
    found["commit"] = model.commit(HOSTILE)
    found |= {"version": model["HEAD"], "log": model.log(changes=True), "check": model["HEAD"].check()}
    return found


def test_every_page_is_escaped_and_short(hostile: mvc.Model) -> None:
    for name, value in pages(hostile).items():
        page = value._repr_html_()
        assert len(page.encode()) <= display.LIMIT, name
        reader = read(page)
        assert reader.tags <= ALLOWED, name
        assert reader.attributes <= {"style", "colspan"}, name
        assert page.isascii(), name
        assert "\n" not in repr(value), name


def test_a_long_log_is_cut_and_says_so() -> None:
    versions = [{"id": "f" * 64, "message": "m" * 150, "number": number} for number in range(1000)]
    page = display.page("log", {"versions": versions})
    assert len(page) <= display.LIMIT
    assert "more</td>" in page
    read(page)


def test_what_cannot_be_short_is_its_title() -> None:
    deep: dict[str, Any] = {f"k{number}": [{"x": "<" * 200}] * 64 for number in range(64)}
    assert len(display.page("title", deep)) <= display.LIMIT


def test_a_frame_without_pandas_names_the_missing_package(model: mvc.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    load = lazy.load

    def missing(name: str) -> Any:
        if name == "pandas":
            raise ImportError(name)
        return load(name)

    frame = mvc.frame
    monkeypatch.setattr(lazy, "load", missing)
    with pytest.raises(errors.MissingPackage) as caught:
        frame(model)
    assert "pandas, which is not installed" in caught.value.message


@pytest.mark.skipif(importlib.util.find_spec("pandas") is None, reason="pandas is not installed")
def test_a_frame_has_a_row_for_each_version(model: mvc.Model, folder: Path) -> None:
    model.update(metrics={"mAP50": 0.7}, parameters={"aug": {"flip": 0.5}})
    model.commit("Second")
    frame = mvc.frame(model)
    assert list(frame["metrics"]["mAP50"]) == [0.7, 0.5]
    assert list(frame["version"]["number"]) == [2, 1]
    assert frame.loc[model["v2"].short, ("parameters", "aug.flip")] == 0.5
