"""The identity that Git has: asked by one command, without GitPython."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from mvc.repository import provenance
from mvc.repository.git import command


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    (tmp_path / "r").mkdir()
    subprocess.run(["git", "init", "-q"], cwd=tmp_path / "r", check=True)
    return tmp_path / "r"


def _config(folder: Path, text: str) -> None:
    with (folder / ".git/config").open("a") as file:
        file.write(text)


def test_it_is_the_last_name_and_address_of_the_settings(folder: Path) -> None:
    (folder.parent / "gitconfig").write_text("[user]\nname = Ben\nemail = ben@example.org\n")
    assert provenance.identity(folder) == ("Ben", "ben@example.org")
    _config(folder, '[User]\n\tName = "Ana Lima "\n')
    assert provenance.identity(folder) == ("Ana Lima", "ben@example.org")


@pytest.mark.parametrize("text", ["", "[user]\nname = Ana\n", "[user]\nemail = a@example.org\n", "[user\n"])
def test_it_is_none_without_both(folder: Path, text: str) -> None:
    _config(folder, text)
    assert provenance.identity(folder) is None


def test_it_takes_one_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, ...]] = []
    run = command.run

    def counted(folder: Path, *arguments: str, settings: Mapping[str, str] | None = None) -> command.Answer:
        started.append(arguments)
        return run(folder, *arguments, settings=settings)

    monkeypatch.setattr(command, "run", counted)
    _config(folder, "[user]\nname = Ana\nemail = ana@example.org\n")
    assert provenance.identity(folder) == ("Ana", "ana@example.org")
    assert len(started) == 1


def test_gitpython_is_not_imported_for_it(folder: Path) -> None:
    code = "import sys, pathlib; from mvc.repository import provenance; provenance.identity(pathlib.Path()); print('git' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


def test_variables_of_another_repository_do_not_count(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a hook of Git, GIT_DIR names the repository of the hook."""
    other = folder.parent / "other"
    other.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=other, check=True)
    _config(other, "[user]\nname = Eve\nemail = eve@example.org\n")
    _config(folder, "[user]\nname = Ana\nemail = ana@example.org\n")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert provenance.identity(folder) == ("Ana", "ana@example.org")
