"""The Python that pages show uses names and arguments that exist."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.docs import pasted, prose

ELSEWHERE = ("accelerate", "keras", "lightning", "my_project", "transformers", "ultralytics")
"""What examples import and is not installed here: `tests/integrations` runs these."""


def test_the_examples_are_typed(tmp_path: Path) -> None:
    shown = {path: pasted.blocks("python", path.read_text(encoding="utf-8")) for path in prose.pages()}
    for path, blocks in shown.items():
        if blocks and "contributing" not in path.parts:  # its sketches leave parts out
            (tmp_path / f"page_{path.stem.replace('-', '_')}.py").write_text("\n".join(blocks), encoding="utf-8")
    examples = [path.name for path in tmp_path.glob("*.py")]
    assert {"page_publish.py", "page_docker_image.py"} <= {*examples}
    absent = ",".join(f"{name}.*" for name in ELSEWHERE)
    (tmp_path / "mypy.ini").write_text(f"[mypy]\n[mypy-{absent}]\nignore_missing_imports = True\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", *examples],
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(prose.TOP)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
