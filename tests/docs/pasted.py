"""The shell blocks of the documentation, and a folder to run them in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")
TUTORIAL = (TOP / "docs" / "tutorial.md").read_text(encoding="utf-8")
MONTH = (TOP / "docs" / "month.md").read_text(encoding="utf-8")
SEVERAL_MODELS = (TOP / "docs" / "how-to" / "several-models.md").read_text(encoding="utf-8")
RUN = (TOP / "docs" / "how-to" / "run.md").read_text(encoding="utf-8")
COMPARE_FILES = (TOP / "docs" / "how-to" / "compare-files.md").read_text(encoding="utf-8")
RECORD = (TOP / "docs" / "how-to" / "record.md").read_text(encoding="utf-8")
EVALUATE = (TOP / "docs" / "how-to" / "evaluate.md").read_text(encoding="utf-8")
TOUR = README.split("<!-- tour -->")[1].split("<!-- /tour -->")[0]


def blocks(language: str, text: str) -> list[str]:
    """The blocks of code in `language` that a page has."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def paste(page: str, folder: Path, mvc: Path) -> subprocess.CompletedProcess[str]:
    """Run every shell block of a page in `folder/a/b`, which leaves room for `..`, with the program `mvc`.

    The environment is that of a person with a name and without settings. The first command that fails ends it.
    """
    place = folder / "a" / "b"
    place.mkdir(parents=True, exist_ok=True)
    script = "set -o pipefail\n" + "\n".join(blocks("sh", page)).replace("/tmp/", f"{folder}/")
    environment = os.environ | {
        "PATH": f"{mvc.parent}{os.pathsep}{os.environ['PATH']}",
        **{f"MVC_AUTHOR_{name}": value for name, value in (("NAME", "Ana"), ("EMAIL", "ana@example.org"))},
        **{f"GIT_{who}_NAME": "Ana" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "ana@example.org" for who in ("AUTHOR", "COMMITTER")},
    }
    return subprocess.run(
        ["bash", "-ex"],
        input=script,
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def program(folder: Path) -> Path:
    """A program `mvc` in `folder` that runs the sources, with the Python that runs the tests."""
    folder.mkdir()
    path = folder / "mvc"
    code = f"import sys; sys.path.insert(0, {str(TOP)!r}); from mvc.cli.app.main import run; sys.exit(run())"
    path.write_text(f"#!{sys.executable}\n{code}\n", encoding="utf-8")
    path.chmod(0o755)
    return path
