"""docs/reference/python-api.md lists what the package offers, and its example runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import mvc
from tests.docs import pages

PAGE = pages.REFERENCE / "python-api.md"


def test_every_public_name_is_on_the_page() -> None:
    page = pages.python_api(PAGE.read_text(encoding="utf-8"))
    pages.check("python-api.md", page)
    assert [name for name in mvc.__all__ if not re.search(rf"^\*\*`mvc\.{name}\b", page, re.MULTILINE)] == []


def test_the_example_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "unknown-revision 2" in done.stdout
    assert (tmp_path / "release" / "weights" / "best.pt").is_file()
