"""Files around 4 GiB, and many versions of real weights, go in and come out the same in little memory."""

from __future__ import annotations

import os
import random
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mvc.model.ids import Hasher

TOP = Path(__file__).resolve().parents[1]
GIB = 1 << 30
MEMORY = 400 << 20
_RUN = "import sys; from mvc.cli.app.main import run; code = run(sys.argv[1:]); print(next(int(line.split()[1]) * 1024 for line in open('/proc/self/status') if line.startswith('VmHWM')), file=sys.stderr); sys.exit(code)"


def _mvc(root: Path, *arguments: str) -> int:
    """Run a command in a process of its own; the most memory it had, in bytes."""
    environ = os.environ | {"MVC_AUTHOR_NAME": "Ana", "MVC_AUTHOR_EMAIL": "ana@example.org"}
    command = [sys.executable, "-c", _RUN, "--progress", "none", *arguments]
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stderr.split()[-1])


def _digest(path: Path) -> str:
    hasher = Hasher()
    with open(path, "rb") as file:
        while block := file.read(1 << 24):
            hasher.update(block)
    return hasher.digest()


def _sparse(path: Path, size: int, marks: dict[int, bytes]) -> None:
    with open(path, "wb") as file:
        file.truncate(size)
        for place, data in marks.items():
            file.seek(place)
            file.write(data)


@pytest.mark.skipif(sys.platform == "darwin", reason="APFS makes holes only where it wants")
def test_exactly_4_gib_and_more_come_back_in_bounded_memory(tmp_path: Path) -> None:
    if shutil.disk_usage(tmp_path).free < 12 * GIB:
        pytest.skip("less than 12 GiB free here")
    exact, above = tmp_path / "exact.bin", tmp_path / "above.bin"
    _sparse(exact, 4 * GIB, {0: b"begin", 4 * GIB - 3: b"end"})
    _sparse(above, 4 * GIB + 7, {4 * GIB: b"beyond"})
    before = [_digest(exact), _digest(above)]
    _mvc(tmp_path, "init", "--model", "large")
    _mvc(tmp_path, "add", "exact.bin", "above.bin")
    assert _mvc(tmp_path, "commit", "-m", "large") < MEMORY
    exact.unlink()
    above.unlink()
    assert _mvc(tmp_path, "restore", ".") < MEMORY
    assert [exact.stat().st_size, above.stat().st_size] == [4 * GIB, 4 * GIB + 7]
    assert [_digest(exact), _digest(above)] == before
    assert exact.stat().st_blocks * 512 < GIB
    read_before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock
    _mvc(tmp_path, "status", "--exit-code")
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock - read_before < 1 << 16


def test_versions_of_real_weights_come_back_in_any_order(tmp_path: Path, rng: random.Random) -> None:
    inputs = sorted(path for path in (TOP / ".mvc-example" / "inputs").rglob("*") if path.is_file())
    weights = [path for path in inputs if path.suffix in (".npz", ".onnx", ".safetensors", ".pt")]
    assert len(weights) >= 5
    contents: list[dict[str, bytes]] = []
    _mvc(tmp_path, "init", "--model", "m")
    (tmp_path / "w").mkdir()
    for number in range(10):
        shutil.rmtree(tmp_path / "w")
        (tmp_path / "w").mkdir()
        for path in rng.sample(weights, rng.randrange(2, 5)):
            (tmp_path / "w" / path.name).write_bytes(path.read_bytes() + bytes([number]) * (number % 3))
        (tmp_path / "w" / "version").write_bytes(b"%d" % number)
        if number == 0:
            _mvc(tmp_path, "add", "w", "--as", "w")
        _mvc(tmp_path, "commit", "-m", f"v{number + 1}")
        contents.append({path.name: path.read_bytes() for path in (tmp_path / "w").iterdir()})
    for number in rng.sample(range(10), 10):
        _mvc(tmp_path, "switch", f"main~{9 - number}")
        assert {path.name: path.read_bytes() for path in (tmp_path / "w").iterdir()} == contents[number], number
