"""Files around 4 GiB, and many versions of real weights, go in and come out the same in little memory."""

from __future__ import annotations

import errno
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.crash.harness import mvc

TOP = Path(__file__).resolve().parents[1]
GIB = 1 << 30
BLOCK = 1 << 20
MEMORY = 400 << 20
_RUN = """
import re, sys
from mvc.cli.app.main import run
code = run(sys.argv[1:])
memory = re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())
read = re.search(r"rchar: (\\d+)", open("/proc/self/io").read())
print(int(memory[1]) * 1024, read[1], file=sys.stderr)
sys.exit(code)
"""


class Used(NamedTuple):
    """The most memory that a command had, and what it read of files, in bytes."""

    memory: int
    read: int


def _mvc(root: Path, *arguments: str) -> Used:
    """Run a command in a process of its own."""
    environ = os.environ | {"MVC_AUTHOR_NAME": "Ana", "MVC_AUTHOR_EMAIL": "ana@example.org"}
    command = [sys.executable, "-c", _RUN, "--progress", "none", *arguments]
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Used(*map(int, done.stderr.split()[-2:]))


def _marks(path: Path) -> dict[int, bytes]:
    """The blocks that are not all zeros, by their offsets; holes are skipped."""
    found: dict[int, bytes] = {}
    end = 0
    with open(path, "rb") as file:
        while (begin := _data(file.fileno(), end)) is not None:
            end = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
            for place in range(begin - begin % BLOCK, end, BLOCK):
                block = os.pread(file.fileno(), BLOCK, place)
                if block.strip(b"\0"):
                    found[place] = block
    return found


def _data(file: int, place: int) -> int | None:
    """Where the next data begins that is not a hole; None behind the last."""
    try:
        return os.lseek(file, place, os.SEEK_DATA)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return None


def _sparse(path: Path, size: int, marks: dict[int, bytes]) -> None:
    with open(path, "wb") as file:
        file.truncate(size)
        for place, data in marks.items():
            file.seek(place)
            file.write(data)


@pytest.mark.skipif(sys.platform == "darwin", reason="APFS makes holes only where it wants")
def test_exactly_4_gib_and_more_come_back_in_bounded_memory(tmp_path: Path, rng: random.Random, *, deep: bool) -> None:
    """Both sizes with --deep, else one of them."""
    if shutil.disk_usage(tmp_path).free < 12 * GIB:
        pytest.skip("less than 12 GiB free here")
    files = {
        "exact.bin": (4 * GIB, {0: b"begin", 4 * GIB - 3: b"end"}),
        "above.bin": (4 * GIB + 7, {4 * GIB: b"beyond"}),
    }
    names = sorted(files) if deep else [rng.choice(sorted(files))]
    paths = [tmp_path / name for name in names]
    for path in paths:
        _sparse(path, *files[path.name])
    before = [_marks(path) for path in paths]
    assert all(before)
    _mvc(tmp_path, "init", "--model", "large")
    _mvc(tmp_path, "add", *names)
    assert _mvc(tmp_path, "commit", "-m", "large").memory < MEMORY
    for path in paths:
        path.unlink()
    assert _mvc(tmp_path, "restore", ".").memory < MEMORY
    for path, marks in zip(paths, before, strict=True):
        assert path.stat().st_size == files[path.name][0]
        assert _marks(path) == marks
        assert path.stat().st_blocks * 512 < GIB
    assert _mvc(tmp_path, "status", "--exit-code").read < GIB // 16


def test_versions_of_real_weights_come_back_in_any_order(tmp_path: Path, rng: random.Random) -> None:
    inputs = sorted(path for path in (TOP / ".mvc-example" / "inputs").rglob("*") if path.is_file())
    weights = [path for path in inputs if path.suffix in (".npz", ".onnx", ".safetensors", ".pt")]
    assert len(weights) >= 5
    contents: list[dict[str, bytes]] = []
    mvc(tmp_path, "init", "--model", "m")
    (tmp_path / "w").mkdir()
    for number in range(10):
        shutil.rmtree(tmp_path / "w")
        (tmp_path / "w").mkdir()
        for path in rng.sample(weights, rng.randrange(2, 5)):
            (tmp_path / "w" / path.name).write_bytes(path.read_bytes() + bytes([number]) * (number % 3))
        (tmp_path / "w" / "version").write_bytes(b"%d" % number)
        if number == 0:
            mvc(tmp_path, "add", "w", "--as", "w")
        mvc(tmp_path, "commit", "-m", f"v{number + 1}")
        contents.append({path.name: path.read_bytes() for path in (tmp_path / "w").iterdir()})
    for number in rng.sample(range(10), 10):
        mvc(tmp_path, "switch", f"main~{9 - number}")
        assert {path.name: path.read_bytes() for path in (tmp_path / "w").iterdir()} == contents[number], number
