"""The documents of an exported page, read as a browser reads them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

_SCRIPT = re.compile(r"mvc\(\"([a-z0-9/._-]+)\",JSON\.parse\('((?:[^'\\\n]|\\.)*)'\)\);\n", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-f]{4}|.)")


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1][1:], 16)) if len(match[1]) > 1 else match[1]


def documents(text: str) -> dict[str, Any]:
    """The documents of scripts by name; nothing else may be in them."""
    found, end = {}, 0
    for match in _SCRIPT.finditer(text):
        assert match.start() == end, text[end : match.start()]
        end = match.end()
        found[match[1]] = json.loads(_ESCAPE.sub(_unescaped, match[2]))
    assert end == len(text), text[end:]
    return found


def read(folder: Path) -> dict[str, Any]:
    """The documents of a folder by name, each of which is the name of its file."""
    found = {}
    for path in sorted(folder.glob("data/**/*.js")):
        [(name, document)] = documents(path.read_text(encoding="utf-8")).items()
        assert f"{name}.js" == path.relative_to(folder).as_posix()
        found[name] = document
    return found


def of_schema(found: dict[str, Any], schema: str) -> list[Any]:
    """The documents of a schema, `site`, `version`."""
    return [
        document
        for document in found.values()
        if document["schema"].split(".", 1)[1] in (f"site.{schema}/1", f"{schema}/1")
    ]


def files(folder: Path) -> dict[str, bytes]:
    """Every file by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
