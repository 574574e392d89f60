"""docs/reference/python-api.md lists what the package offers, and its examples run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import mvc
from tests.docs import pages

PAGE = pages.REFERENCE / "python-api.md"
ROOT = Path(__file__).resolve().parents[2]
ENVIRON = os.environ | {
    "PYTHONPATH": str(ROOT),
    "MVC_AUTHOR_NAME": "Ana",
    "MVC_AUTHOR_EMAIL": "ana@example.org",
}


def _code() -> str:
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return "\n".join(blocks)


def _run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=ENVIRON, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_public_name_is_on_the_page() -> None:
    page = pages.python_api(PAGE.read_text(encoding="utf-8"))
    pages.check("python-api.md", page)
    assert [name for name in mvc.HOMES if not re.search(rf"^\*\*`mvc\.{name}\b", page, re.MULTILINE)] == []


def test_the_examples_run(tmp_path: Path) -> None:
    said = _run(tmp_path, "-W", "error", "-c", _code())
    assert "unknown-revision 2" in said
    assert "2 Ana Vests too {'mAP50': 0.71}" in said
    assert (tmp_path / "release" / "weights" / "best.pt").is_file()
