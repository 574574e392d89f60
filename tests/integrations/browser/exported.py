"""Repositories whose pages are visited, and how a browser reaches them: from disk, and from a server."""

from __future__ import annotations

import functools
import http.server
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mvc
from mvc.site.documents import script
from tests.integrations import main

EXAMPLE = main.TOP / ".mvc-example"
AUTHOR = {"MVC_AUTHOR_NAME": "Ben", "MVC_AUTHOR_EMAIL": "ben@example.org"}
EVALUATIONS = (
    ("v1", "night@1", 0.31, ("helmet", 40, 0.8, 0.31)),
    ("v1", "night@1", 0.3, ("helmet", 310, 0.91, 0.25), ("bare head", 140, 0.74, 0.41)),
    ("v2", "night@1", 0.29, ("helmet", 310, 0.93, 0.22), ("bare head", 140, 0.7, 0.44), ("cap", 25, 0.6, 0.6)),
)
"""Versions, datasets, losses, and for each class its name, support, recall and loss."""


def export(repository: Path, target: Path, option: str = "--export") -> Path:
    """Export the page of a repository to a folder, or to one file with `--single`."""
    command = [sys.executable, "-m", "mvc", "ui", option, str(target)]
    subprocess.run(command, cwd=repository, check=True, stdout=subprocess.DEVNULL)
    return target


def example(folder: Path) -> Path:
    """Build the example's repository in `folder`, with evaluations of two versions; the first one was repeated."""
    subprocess.run([sys.executable, EXAMPLE / "build.py", folder], check=True, stdout=subprocess.DEVNULL)
    model = mvc.open(folder, environ=AUTHOR).model("helmet-classifier")
    for version, dataset, loss, *results in EVALUATIONS:
        classes = [dict(zip(("name", "support", "recall", "log_loss"), row, strict=True)) for row in results]
        model[version].add_evaluation(dataset, {"metrics": {"log_loss": loss}, "classes": classes})
    return folder


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name of the base class
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder as the pages of GitLab or a bucket are: below a path."""
    handler = functools.partial(_Silent, directory=str(folder.parent))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{folder.name}/index.html"
    server.shutdown()
    server.server_close()


def document(file: Path) -> dict[str, Any]:
    """Read the document of a data file."""
    text = re.search(r"JSON\.parse\('(.*)'\)\);\n\Z", file.read_text(encoding="utf-8"), re.DOTALL)
    assert text is not None
    found: dict[str, Any] = json.loads(re.sub(r"\\(u[0-9a-f]{4}|.)", _unescaped, text[1]))
    return found


def _unescaped(match: re.Match[str]) -> str:
    return match[1] if len(match[1]) == 1 else chr(int(match[1][1:], 16))


def rewrite(file: Path, record: dict[str, Any]) -> None:
    """Write another document to a data file."""
    name = "/".join(file.with_suffix("").parts[file.parts.index("data") :])
    file.write_bytes(script.script(name, script.text(record)))


def lengthened(page: Path, key: str, count: int) -> None:
    """Make the model `key` of an exported page as long as `count` versions, by repeating those it has."""
    (file,) = (page / "data" / "models").glob(f"{key}-*.js")
    record = document(file)
    versions = record["versions"]
    size = len(versions["id"])
    for name, column in versions.items():
        versions[name] = (column * (count // size + 1))[:count]
    new = count - size
    versions["id"][:new] = [f"{row:064x}" for row in range(new)]
    versions["number"] = [*range(count, 0, -1)]
    versions["parents"] = [[row + 1, row + 9][: 1 + (row % 10 == 0)] if row + 9 < count else [] for row in range(count)]
    for columns in (record["metrics"], record["evaluations"]):
        columns |= {name: (values * (count // size + 1))[:count] for name, values in columns.items()}
    for refs in record["refs"].values():
        for ref in refs:
            ref["row"] += new
    record["head"]["row"] = 0
    rewrite(file, record)
