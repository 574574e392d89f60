"""Makes bundle.nemo and bundle.mar beside it: a tar and a stored zip archive of other files here, and of a configuration.

python tests/formats/data/make_archives.py
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
MEMBERS = {
    "./model_config.yaml": b"name: helmet-detector\n" * 10,
    "./model_weights.ckpt": (HERE / "state.pt").read_bytes(),
    f"./{'long' * 30}/export.onnx": (HERE / "everything.onnx").read_bytes(),
}


def inner() -> bytes:
    """An archive for the other one."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo("quantized.gguf"), (HERE / "quantized.gguf").read_bytes())
        archive.writestr(zipfile.ZipInfo("notes.txt"), b"helmets " * 100, zipfile.ZIP_DEFLATED)
    return out.getvalue()


if __name__ == "__main__":
    with tarfile.open(HERE / "bundle.nemo", "w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in (MEMBERS | {"inner.zip": inner()}).items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    with zipfile.ZipFile(HERE / "bundle.mar", "w") as archive:
        for name, data in MEMBERS.items():
            archive.writestr(zipfile.ZipInfo(name.removeprefix("./")), data)
        archive.writestr(zipfile.ZipInfo("handler.py"), b"import torch\n" * 50, zipfile.ZIP_DEFLATED)
