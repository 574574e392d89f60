"""Each verb has a man page, which says what its help says, and renders without a warning."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from mvc.cli.app.main import VERBS
from tests.docs import pages
from tests.release import manpages

NAMES = ("mvc", *(f"mvc-{verb}" for verb in VERBS))
LINT = {"man": ("--warnings=w", "-P", "cat", "-l"), "mandoc": ("-Tlint", "-Wwarning")}


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {path.stem: path for path in manpages.write(tmp_path_factory.mktemp("man"))}


def test_each_verb_has_one(manual: dict[str, Path]) -> None:
    assert sorted(manual) == sorted(NAMES)


def test_the_wheel_has_them_where_man_looks(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        pages = {name.partition(".data/data/share/man/man1/")[2] for name in archive.namelist()}
    assert {f"{name}.1" for name in NAMES} == pages - {""}


def test_a_page_has_every_option_of_the_help(manual: dict[str, Path]) -> None:
    help_texts = re.findall(r"^#+ (mvc[a-z -]*)\n\n```text\n(.*?)^```$", pages.commands(), re.MULTILINE | re.DOTALL)
    missing = [
        (path, option)
        for path, text in help_texts
        for option in re.findall(r"^  (?:-\w, )?(--[a-z-]+)", text, re.MULTILINE)
        if option.replace("-", r"\-") not in manual["-".join(path.split()[:2])].read_text(encoding="utf-8")
    ]
    assert len(help_texts) > len(VERBS)
    assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_the_sections_are_those_of_a_man_page(manual: dict[str, Path], name: str) -> None:
    text = manual[name].read_text(encoding="utf-8")
    assert text.startswith(f'.TH "{name.upper()}" "1" '.replace("-", r"\-"))
    sections = re.findall(r"^\.SH (.*)$", text, re.MULTILINE)
    assert sections[:4] == ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"]
    assert sections[-1] == "SEE ALSO"
    requests = {line.split()[0] for line in text.splitlines() if line.startswith((".", "'"))}
    assert requests <= {".TH", ".SH", ".SS", ".PP", ".TP", ".BR", ".nh", ".ad", ".nf", ".fi"}


def test_they_render_without_a_warning(manual: dict[str, Path]) -> None:
    program = next((name for name in LINT if shutil.which(name)), None)
    if program is None:
        pytest.skip("neither man nor mandoc is installed")
    done = subprocess.run(
        [program, *LINT[program], *map(str, manual.values())],
        env=os.environ | {"LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    if program == "man":
        assert [verb for verb in VERBS if f"mvc {verb}" not in done.stdout] == []


def test_text_has_no_meaning_to_troff() -> None:
    marked = [*manpages._prose(".hidden files and `mvc add`\n\n\b\none\\two\n'three")]
    assert marked == [
        ".PP", r"\&.hidden files and \fBmvc add\fR", ".PP", ".nf", r"one\etwo", r"\&'three", ".fi",
    ]  # fmt: skip
