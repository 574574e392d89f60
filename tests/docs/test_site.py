"""The documentation is built as a site: every page is in the navigation, and no link or heading is lost."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import mvc
from tests.conftest import absent
from tests.docs import pages, prose


def test_it_builds_strictly(tmp_path: Path) -> None:
    for module in ("material", "mkdocstrings_handlers"):
        if importlib.util.find_spec(module) is None:
            absent("the extra `docs` is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=prose.TOP,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "mermaid" in (tmp_path / "site" / "concepts" / "storage.html").read_text(encoding="utf-8")
    frame = re.search(r'<iframe src="([^"]+)"', (tmp_path / "site/how-to/page.html").read_text(encoding="utf-8"))
    assert frame is not None
    assert (tmp_path / "site" / "how-to" / frame[1]).exists()


def test_the_readme_links_every_page_to_read() -> None:
    """A page that only other pages link is not found."""
    readme = (prose.TOP / "README.md").read_text(encoding="utf-8")
    folders = [prose.TOP / "docs" / name for name in ("how-to", "reference", "concepts")]
    all_pages = [page.relative_to(prose.TOP).as_posix() for folder in folders for page in sorted(folder.glob("*.md"))]
    assert all_pages
    assert [page for page in all_pages if f"({page})" not in readme] == []


def test_every_public_name_has_its_signature_there() -> None:
    page = (pages.REFERENCE / "python-classes.md").read_text(encoding="utf-8")
    members = {
        f"{home}.{name}"
        for home, names in re.findall(r"::: (\S+)\n.*\n +members: \[(.*)\]", page)
        for name in names.split(", ")
    }
    shown = {*re.findall(r"^::: (\S+)$", page, re.MULTILINE), *members}
    assert [name for name, home in mvc.HOMES.items() if home != "mvc" and f"{home}.{name}" not in shown] == []
