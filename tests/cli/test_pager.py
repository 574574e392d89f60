"""The pager: for what is longer than the screen, on a terminal, chosen by the environment and the settings."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from mvc.cli.output.pager import page

LONG = "".join(f"line {number}\n" for number in range(100))


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 24 lines."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((80, 24)))


def pager(folder: Path, name: str, body: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_long_text_is_given_to_the_pager(screen: None, tmp_path: Path) -> None:
    page(LONG, None, {"MVC_PAGER": pager(tmp_path, "first", f"cat > {tmp_path}/read"), "PAGER": "false"})
    assert (tmp_path / "read").read_text() == LONG


def test_the_setting_stands_between_mvc_pager_and_pager(screen: None, tmp_path: Path) -> None:
    names = ("mvc", "setting", "pager")
    programs = {name: pager(tmp_path, name, f"echo {name} >> {tmp_path}/used; cat >/dev/null") for name in names}
    page(LONG, programs["setting"], {"MVC_PAGER": programs["mvc"], "PAGER": programs["pager"]})
    page(LONG, programs["setting"], {"PAGER": programs["pager"]})
    page(LONG, None, {"PAGER": programs["pager"]})
    assert (tmp_path / "used").read_text().split() == list(names)


@pytest.mark.parametrize("program", ["cat", " ", "nosuch-pager-anywhere -x", "'unbalanced"])
def test_without_a_pager_text_comes_straight(screen: None, program: str, capsys: pytest.CaptureFixture[str]) -> None:
    page(LONG, None, {"MVC_PAGER": program})
    assert capsys.readouterr().out == LONG


def test_what_fits_comes_straight(screen: None, capsys: pytest.CaptureFixture[str]) -> None:
    page("one\ntwo\n", None, {"MVC_PAGER": "false"})
    assert capsys.readouterr().out == "one\ntwo\n"


def test_what_is_no_terminal_is_not_paged(capsys: pytest.CaptureFixture[str]) -> None:
    page(LONG, None, {"MVC_PAGER": "false"})
    assert capsys.readouterr().out == LONG


def test_a_pager_that_stops_reading_is_no_error(screen: None) -> None:
    page(LONG * 2_000, None, {"MVC_PAGER": "true"})


def test_ctrl_c_is_the_pagers(screen: None, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    body = f"kill -INT {os.getpid()}; cat > {tmp_path}/read"
    page(LONG, None, {"MVC_PAGER": pager(tmp_path, "interrupting", body)})
    assert (tmp_path / "read").read_text() == LONG
    assert signal.getsignal(signal.SIGINT) is before
