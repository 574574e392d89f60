"""docs/contributing/architecture.md has every layer and every folder, and the files that it names exist."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.docs import pages

TOP = pages.DOCS.parent
PAGE = (pages.DOCS / "contributing" / "architecture.md").read_text(encoding="utf-8")
ROWS = [line.split("|")[1:3] for line in PAGE.splitlines() if line.startswith("| `mvc/")]


def test_every_layer_is_drawn() -> None:
    contracts = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = (each["layers"] for each in contracts if each["id"] == "layers")
    (drawing,) = re.findall(r"^```mermaid\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert [
        name for layer in layers for name in re.findall(r"\w+", layer) if not re.search(rf"\b{name}\b", drawing)
    ] == []


def test_every_folder_has_a_row() -> None:
    folders = {f"mvc/{path.name}" for path in (TOP / "mvc").iterdir() if (path / "__init__.py").exists()}
    named = {name for folder, _ in ROWS for name in re.findall(r"`([^`]+)`", folder)}
    assert [each for each in folders if not any(f"{name}/".startswith(f"{each}/") for name in named)] == []


@pytest.mark.parametrize(("folders", "files"), ROWS, ids=[row[0].strip() for row in ROWS])
def test_the_files_exist(folders: str, files: str) -> None:
    places = [TOP / name for name in re.findall(r"`([^`]+)`", folders)]
    named = re.findall(r"`([^`]+\.py)`", files)
    assert [name for name in named if not any((place / name).exists() for place in places)] == []
