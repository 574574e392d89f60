"""A hook of mkdocs: the site shows the page of `mvc ui` for the example store, exported beside the documentation."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import mvc

STORE = Path(__file__).resolve().parents[1] / ".mvc-example" / "store"


def on_post_build(config: Any) -> None:
    """Export the page to `example/` of the site; the export reads a copy, as it keeps a cache."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(STORE, Path(folder) / ".mvc")
        mvc.open(folder).export_page(Path(config["site_dir"]) / "example", redact_emails=True)
