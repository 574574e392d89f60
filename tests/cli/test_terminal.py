"""What a terminal is shown: nothing that it obeys, colour where it is wanted, sizes, days, columns."""

from __future__ import annotations

import json
import random
import sys
import unicodedata
from collections.abc import Iterator

import pytest

from mvc.cli.app import terminal
from mvc.cli.app.table import aligned
from mvc.model.version import Timestamp

OBEYED = [*map(chr, (*range(0x20), 0x7F, *range(0x80, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F)))]
OBEYED += map(chr, range(0x2066, 0x206A))


@pytest.fixture(autouse=True)
def _colour_as_before() -> Iterator[None]:
    before = terminal.colour
    yield
    terminal.colour = before


@pytest.mark.parametrize("letter", OBEYED, ids=lambda letter: f"U+{ord(letter):04X}")
def test_what_a_terminal_obeys_is_escaped(letter: str) -> None:
    assert terminal.escape(f"a{letter}b").isprintable()
    line = terminal.json_line({"message": f"a{letter}b"})
    assert line[:-1].isprintable()
    assert json.loads(line) == {"message": f"a{letter}b"}


def test_what_people_write_stays() -> None:
    text = "Größe 4 → 5, 安全帽, שלום, 🎯"
    assert terminal.escape(text) == text
    assert text in terminal.json_line({"message": text})


def test_newlines_stay_where_asked() -> None:
    assert terminal.escape("a\nb") == "a\\x0ab"
    assert terminal.escape("a\nb\r", keep_newlines=True) == "a\nb\\x0d"


def test_a_line_of_output_is_one_line_with_its_colours_and_tabs() -> None:
    assert terminal.line("a\tb") == "a\tb"
    assert terminal.line("\x1b[33ma\nb\x1b[0m\x1b[2J") == "\x1b[33ma\\x0ab\x1b[0m\\x1b[2J"


def test_no_text_at_all_reaches_a_terminal_raw(rng: random.Random) -> None:
    text = "".join(chr(rng.choice((rng.randrange(0x100), rng.randrange(sys.maxunicode + 1)))) for _ in range(20_000))
    lines = terminal.line(text.replace("\x1b", "").replace("\t", ""))
    for shown in (terminal.escape(text), lines, terminal.json_line({text: text})[:-1]):
        left = {letter for letter in shown if unicodedata.category(letter) in ("Cc", "Cs")}
        assert not left
        assert shown.encode("utf-8")


@pytest.mark.parametrize(
    ("choice", "environ", "wanted"),
    [
        ("always", {"NO_COLOR": "1"}, True),
        ("never", {"FORCE_COLOR": "1"}, False),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ("auto", {"NO_COLOR": "", "FORCE_COLOR": "1"}, True),
        ("auto", {}, False),  # a test's stdout is no terminal
    ],
)
def test_who_decides_on_colour(choice: str, environ: dict[str, str], wanted: bool) -> None:
    terminal.decide_colour(choice, environ)
    assert terminal.colour is wanted
    assert ("\x1b" in terminal.style("x", fg="red")) is wanted


def test_a_terminal_has_colour_unless_it_is_dumb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for environ, wanted in (({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False)):
        terminal.decide_colour("auto", environ)
        assert terminal.colour is wanted


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (96_573_849, "92.1 MiB"),
        (1 << 40, "1.0 TiB"),
        (1 << 60, "1024.0 PiB"),
    ],
)
def test_sizes(count: int, shown: str) -> None:
    assert terminal.size(count) == shown


def test_ids_and_days() -> None:
    assert terminal.short("0123456789abcdef") == "0123456789"
    assert terminal.date(Timestamp.parse("2026-02-03T23:30:00-05:00")) == "2026-02-03"


def test_columns_line_up_and_nothing_hangs_over() -> None:
    rows = [("a", "1", "x"), ("bbb", "100", "")]
    assert list(aligned(rows, right=frozenset({1}))) == ["a      1  x", "bbb  100"]
    assert list(aligned([])) == []
