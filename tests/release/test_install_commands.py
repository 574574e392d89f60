"""Every `pip install` that a page or a message recommends installs mvc: its name is ours and its extras exist."""

from __future__ import annotations

import functools
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from mvc import errors, lazy
from mvc.model.remote_kinds import KINDS
from mvc.remotes.backends import address, connect
from tests.release.dist import TOP

PROJECT: dict[str, Any] = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = frozenset(PROJECT["optional-dependencies"]) - {"docs", "test"}
FILLED_IN = re.compile(r"\{\w+\}|\bEXTRA\b")
"""Where a message, or its row in a page, has the name of any extra."""
COMMAND = re.compile(r"\bpip3? install (?:'[^'\n]*'|[^\s`'\"#)]+)(?: (?:'[^'\n]*'|[\w.\[\]-]+))*")


def commands(text: str) -> Iterator[str]:
    """The requirements that the `pip install` commands of a text name."""
    for command in COMMAND.findall(text):
        for word in shlex.split(command)[2:]:
            if word.startswith("-"):
                continue
            yield from (FILLED_IN.sub(extra, word) for extra in sorted(EXTRAS)) if FILLED_IN.search(word) else [word]


@functools.cache
def recommended() -> dict[str, set[str]]:
    """Each requirement, with the files that recommend it."""
    files: dict[str, set[str]] = {}
    for path in [TOP / "README.md", *(TOP / "docs").rglob("*"), *(TOP / "mvc").rglob("*.py")]:
        if path.is_file() and path.suffix not in {".webp", ".pyc"}:
            for requirement in commands(path.read_text(encoding="utf-8")):
                files.setdefault(requirement, set()).add(str(path.relative_to(TOP)))
    return files


def test_a_command_is_found_in_any_spelling() -> None:
    text = "`pip install .`, 'pip3 install 'a[b]' c (pip install d) \"pip install e\"\n    pip install f   # g\n"
    assert [*commands(text)] == [".", "a[b]", "c", "d", "e", "f"]


def test_pages_and_messages_recommend_it() -> None:
    assert {"modelvc", *(f"modelvc[{extra}]" for extra in EXTRAS)} <= {*recommended()}
    files = set().union(*recommended().values())
    assert {"README.md", "docs/reference/remotes.md"} <= files
    assert [file for file in files if file.startswith("mvc/errors")] != []


def test_each_names_this_distribution_and_extras_that_exist() -> None:
    parsed = {requirement: re.fullmatch(r"([\w.-]+)(?:\[([\w,]+)\])?", requirement) for requirement in recommended()}
    wrong = {
        requirement: recommended()[requirement]
        for requirement, match in parsed.items()
        if match is None
        or match[1] not in (PROJECT["name"], ".")
        or not set((match[2] or "").split(",")) <= EXTRAS | {""}
    }
    assert wrong == {}


def test_pip_finds_each_in_a_folder_with_the_wheel_alone(wheel: Path) -> None:
    requirements = sorted(requirement for requirement in recommended() if not requirement.startswith("."))
    done = subprocess.run(
        [*(sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--ignore-installed", "--isolated"),
         *("--no-index", "--find-links", str(wheel.parent), "--disable-pip-version-check", *requirements)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "does not provide the extra" not in done.stdout + done.stderr
    assert f"Would install {PROJECT['name']}-" in done.stdout


@pytest.mark.parametrize("scheme", sorted({*KINDS} - {"file", "picsellia"}))
def test_a_missing_library_is_installed_by_an_extra_that_exists(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> NoReturn:
        raise ImportError(name=name)

    place = address.parse(f"{scheme}://place/path", Path("/"))
    monkeypatch.setattr(lazy, "load", missing)
    with pytest.raises(errors.MissingExtra) as raised:
        connect.connect(place, {})
    (requirement,) = commands(str(raised.value.hint))
    assert requirement in recommended()
