"""The Python that pages show uses names and arguments that exist."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.docs import pasted, prose


def test_the_examples_are_typed(tmp_path: Path) -> None:
    shown = {path: pasted.blocks("python", path.read_text(encoding="utf-8")) for path in prose.pages()}
    for path, blocks in shown.items():
        if blocks and "contributing" not in path.parts:  # its sketches leave parts out
            (tmp_path / f"{path.stem.replace('-', '_')}.py").write_text("\n".join(blocks), encoding="utf-8")
    examples = [path.name for path in tmp_path.iterdir()]
    assert {"publish.py", "docker_image.py"} <= {*examples}
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", *examples],
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(prose.TOP)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
