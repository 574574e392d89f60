"""What the documentation tells a newcomer to type works as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
README = (TOP / "README.md").read_text(encoding="utf-8")
TUTORIAL = (TOP / "docs" / "tutorial.md").read_text(encoding="utf-8")


def blocks(language: str, text: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(program: list[str], text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `text` in `folder/a/b`, which leaves room for `..`, as somebody else than whoever runs the tests."""
    place = folder / "a" / "b"
    place.mkdir(parents=True)
    (folder / "bin").mkdir()
    mvc = folder / "bin" / "mvc"
    code = "import sys; from mvc.cli.main import run; sys.exit(run())"
    mvc.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{code}' \"$@\"\n", encoding="utf-8")
    mvc.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(TOP),
        **{f"MVC_AUTHOR_{name}": value for name, value in (("NAME", "Ana"), ("EMAIL", "ana@example.org"))},
        **{f"GIT_{who}_NAME": "Ana" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "ana@example.org" for who in ("AUTHOR", "COMMITTER")},
    }
    return subprocess.run(
        program, input=text, cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=900
    )


@pytest.mark.parametrize(
    "text", [README.split("<!-- tour -->")[1].split("<!-- /tour -->")[0], TUTORIAL], ids=["README", "tutorial"]
)
def test_every_line_works_as_it_stands(text: str, tmp_path: Path) -> None:
    script = "set -o pipefail\n" + "\n".join(blocks("sh", text)).replace("/tmp/", f"{tmp_path}/")
    done = run(["bash", "-ex"], script, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_tutorial_has_what_it_promises(tmp_path: Path) -> None:
    typed = "\n".join(blocks("sh", TUTORIAL))
    verbs = (
        "commit",
        "diff",
        "switch",
        "tag",
        "alias",
        "export",
        "restore",
        "reset",
        "reflog",
        "models",
        "fsck",
        "check",
        "remote",
        "push",
        "clone",
        "fetch",
        "pull",
        "gc",
    )
    assert [verb for verb in verbs if f"mvc {verb}" not in typed] == []
    assert all(word in typed for word in ("model.parent", ".mvcignore", "labelmap.path", "--json", "@git"))
