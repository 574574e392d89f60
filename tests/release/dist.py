"""The distributions: an sdist, and a wheel made from it, with the man pages in it.

python -m tests.release.dist                    into dist/
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.release import manpages

TOP = Path(__file__).resolve().parents[2]
MAN = Path("build/man")
"""Where pyproject.toml has the build look for the pages."""


def make(top: Path, folder: Path) -> list[Path]:
    """Build the distributions of the sources in `top` into the empty `folder`, and check them; return their paths."""
    shutil.rmtree(top / MAN, ignore_errors=True)
    manpages.write(top / MAN)
    _run("build", "--no-isolation", "--outdir", str(folder), str(top))
    made = sorted(folder.iterdir())
    _run("twine", "check", "--strict", *map(str, made))
    return made


def _run(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.stderr.write(done.stdout + done.stderr)
        raise SystemExit(f"{words[0]} failed")


def main() -> None:
    """Build into dist/, in place of what it holds."""
    folder = TOP / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    for path in make(TOP, folder):
        print(f"{path.stat().st_size:>10,}  {path.relative_to(TOP)}")  # noqa: T201 - this is what it is run for


if __name__ == "__main__":
    main()
