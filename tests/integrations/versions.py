"""The versions that a training left, and a Git repository for its code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import mvc
from tests.docs import pasted

MODEL = "helmet-detector"
TOP = Path(__file__).resolve().parents[2]


def project(folder: Path) -> Path:
    """Make `folder` a Git repository of training code with a model, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    mvc.init(folder, model=MODEL)
    (folder / "train.py").write_text("# the code of the training\n", encoding="utf-8")
    for arguments in (["init", "--quiet"], ["add", "train.py"], ["commit", "--quiet", "--message", "Training code"]):
        subprocess.run(
            ["git", "-c", "user.name=Ana", "-c", "user.email=ana@example.org", *arguments], cwd=folder, check=True
        )
    return folder


def versions(folder: Path) -> list[mvc.Version]:
    """All versions of the model, on any branch, the newest first."""
    try:
        return list(mvc.open(folder).model(MODEL).log(all_refs=True))
    except mvc.errors.NoVersionYet:
        return []


def only(folder: Path) -> mvc.Version:
    """The one version of the model, which must be on its current branch and have what every training leaves."""
    (version,) = versions(folder)
    assert version.names.get("main") == "branch"
    assert {"model-latest", "training-log"} <= {*version.files}
    assert version.code is not None
    assert version.code.commit == git_head(folder)
    return version


def block(page: str) -> str:
    """The Python that a page shows first."""
    return str(pasted.blocks("python", (TOP / page).read_text(encoding="utf-8"))[0])


def git_head(folder: Path) -> str:
    """The Git commit of the training code."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def python(script: str, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program in `folder`, with the modules that this Python finds."""
    program = folder / "program.py"
    program.write_text(script, encoding="utf-8")
    return subprocess.run(
        [sys.executable, *arguments, str(program)],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
