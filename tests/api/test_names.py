"""The public names: each is there, loads when it is used, hides no module, and is typed."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import mvc
from tests.docs import pages

STUB = Path(mvc.__file__).with_suffix(".pyi")


def test_every_public_name_is_there_and_documented() -> None:
    for name in mvc.HOMES:
        assert getattr(mvc, name).__doc__, name
    assert set(dir(mvc)) == {*mvc.HOMES, "__version__"}


def test_no_public_name_hides_a_module() -> None:
    modules = {module.name for module in pkgutil.iter_modules(mvc.__path__)}
    assert modules & mvc.HOMES.keys() == {"errors", "training"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = mvc.nonsense  # type: ignore[attr-defined]


def test_importing_it_loads_next_to_nothing() -> None:
    code = "import sys, mvc; print(sorted(m for m in sys.modules if m.startswith(('mvc', 'click', 'blake3', 'json'))))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "['mvc', 'mvc.lazy']"


def test_the_stub_says_what_the_table_says() -> None:
    said = _stub()
    if pages.WRITE:
        STUB.write_text(said, encoding="utf-8")
    assert STUB.read_text(encoding="utf-8") == said, "MVC_WRITE_DOCS=1 pytest tests/api writes it anew"
    ast.parse(said)


def _stub() -> str:
    note = '"""The public names, for type checkers; made from `HOMES`: MVC_WRITE_DOCS=1 pytest tests/api writes it anew."""'
    imports = sorted((home, name) for name, home in mvc.HOMES.items())
    lines = [note, "", *(f"from {home} import {name} as {name}" for home, name in imports), "", "__all__ = ["]
    lines += [f'    "{name}",' for name in mvc.HOMES]
    return "\n".join([*lines, "]", "", "__version__: str", "HOMES: dict[str, str]", ""])
