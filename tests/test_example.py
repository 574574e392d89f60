"""The committed example: it rebuilds as it is, and a reader that knows only the format page reads it."""

from __future__ import annotations

import ast
import importlib.util
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mvc.porcelain.fsck import fsck
from mvc.repository.repository import Repository
from mvc.storage.chunks import codec, encodings
from mvc.storage.chunks.block_layouts import LAYOUTS
from mvc.storage.chunks.encodings import Shape

EXAMPLE = Path(__file__).resolve().parents[1] / ".mvc-example"
STORE = EXAMPLE / "store"
READER = EXAMPLE / "reader.py"
READER_FILES = ("reader.py", "planes.py", "blocks.py")


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def build() -> Any:
    return _beside("build")


@pytest.fixture(scope="module")
def reader() -> Any:
    return _beside("reader")


def _beside(name: str) -> ModuleType:
    """A script of the example, which finds those beside it as it does when it is run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXAMPLE))
        return _script(name)


@pytest.fixture(scope="module")
def rebuilt(build: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("example")
    build.build(root)
    return Path(root)


def _committed() -> dict[str, bytes]:
    files = [path for path in STORE.rglob("*") if path.is_file()]
    return {path.relative_to(STORE).as_posix(): path.read_bytes() for path in files}


def _rebuilt(build: Any, root: Path) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in build.store_files(root)}


def _is_pack(name: str) -> bool:
    return name.startswith("packs/")


def test_all_but_the_packs_is_rebuilt_byte_for_byte(build: Any, rebuilt: Path) -> None:
    committed = {name: data for name, data in _committed().items() if not _is_pack(name)}
    again = {name: data for name, data in _rebuilt(build, rebuilt).items() if not _is_pack(name)}
    assert again.keys() == committed.keys(), "the format changed; if that was meant: make example"
    assert again == committed


def test_the_packs_are_rebuilt_byte_for_byte_with_the_same_libzstd(build: Any, rebuilt: Path) -> None:
    recorded = json.loads((EXAMPLE / "built-with.json").read_text(encoding="utf-8"))["libzstd"]
    if build.libzstd() != recorded:
        pytest.skip(f"libzstd {build.libzstd()} compresses here, {recorded} did when the example was made")
    committed = {name for name in _committed() if _is_pack(name)}
    assert {name for name in _rebuilt(build, rebuilt) if _is_pack(name)} == committed


def test_both_stores_give_the_same_files(reader: Any, rebuilt: Path) -> None:
    committed, again = reader.Store(STORE), reader.Store(rebuilt / ".mvc")
    ids = [entry["file"] for version in committed.versions().values() for entry in _entries(committed, version)]
    assert len(ids) > 20
    for id_ in ids:
        assert committed.file(id_) == again.file(id_)


def _entries(store: Any, version: dict[str, Any]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = store.object(version["tree"])["entries"]
    return entries


def test_it_holds_what_its_readme_says(reader: Any) -> None:
    store = reader.Store(STORE)
    assert len(store.versions()) == 8
    assert sorted(store.tips()) == [
        "helmet-classifier/aliases/prod",
        "helmet-classifier/heads/main",
        "helmet-classifier/heads/night",
        "helmet-classifier/tags/baseline",
        "shapes-base/heads/main",
        "shapes-base/heads/narrow",
        "shapes-base/tags/2026.1",
    ]
    moves = sorted((STORE / "refs" / "helmet-classifier" / "aliases" / "prod").iterdir())
    assert [path.name for path in moves] == ["0000000001", "0000000002", "0000000003"]


def test_the_reader_is_independent_and_short() -> None:
    sources = [path.read_text(encoding="utf-8") for path in map(EXAMPLE.joinpath, READER_FILES)]
    assert all(len(source.splitlines()) < 100 for source in sources)
    imported = {
        name.partition(".")[0]
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert "mvc" not in imported


@pytest.mark.parametrize("number", LAYOUTS)
def test_the_reader_decodes_quantised_blocks(rng: random.Random, number: int) -> None:
    size = LAYOUTS[number].size
    base = rng.randbytes(500 * size + 20)
    raw = bytearray(base + rng.randbytes(size))  # the base ends within the last block
    for _ in range(500):
        raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    shape = Shape(1, size // 2, number)
    encoding, parts = codec.encode_blocks(bytes(raw), shape, (encodings.BLOCKS, base))
    assert encoding == encodings.BLOCKS
    decoded = _beside("blocks").decoded(b"".join(parts), encoding, shape.byte(encoding), len(raw), base)
    assert decoded == raw


@pytest.mark.parametrize("width", encodings.WIDTHS)
def test_the_reader_decodes_numbers_at_any_phase(rng: random.Random, width: int) -> None:
    decoded = _beside("blocks").decoded
    for phase in range(width):
        base = bytes(rng.randrange(64) for _ in range(2_000 * width))
        raw = bytes((byte ^ (place % 37 == 0)) for place, byte in enumerate(base + b"longer"))
        shape = Shape(width, phase)
        for under in (None, (encodings.DIFFERENCE, base)):
            encoding, parts = codec.encode_numbers(raw, width, under, phase)
            alone = encodings.PHASED if phase else encodings.PLANES
            assert encoding == (encodings.DIFFERENCE if under else alone)
            assert decoded(b"".join(parts), encoding, shape.byte(encoding), len(raw), base if under else b"") == raw


def _read(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, str(READER), *arguments], capture_output=True, check=False)


def test_the_reader_lists_every_version_and_brings_back_the_weights(build: Any, reader: Any) -> None:
    listed = _read(str(STORE)).stdout.decode()
    versions = reader.Store(STORE).versions()
    for (id_, version), step in zip(versions.items(), build.STEPS, strict=True):
        assert f"{id_} v{version['number']} of {step.model}: {step.message}" in listed
        weights = EXAMPLE / "inputs" / step.model / step.inputs[-1] / "weights" / "model.safetensors"
        assert _read(str(STORE), id_, "weights/model.safetensors").stdout == weights.read_bytes()


def test_the_reader_finds_a_flipped_bit_in_a_pack(tmp_path: Path) -> None:
    damaged = tmp_path / "store"
    shutil.copytree(STORE, damaged)
    pack = max(damaged.glob("packs/*/*.pack"), key=lambda path: path.stat().st_size)
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.write_bytes(data)
    done = _read(str(damaged))
    assert done.returncode != 0
    assert f"{pack} is damaged" in done.stderr.decode()


def test_as_a_repository_it_is_sound(tmp_path: Path) -> None:
    shutil.copytree(STORE, tmp_path / ".mvc")
    report = fsck(Repository(tmp_path), read_data=True)
    assert not report.findings
    assert report.counts["versions"] == 8


def test_ids_are_what_b3sum_says(requires: Callable[[str], str]) -> None:
    """Objects and packs are named by a program that is not ours."""
    named = [*STORE.glob("objects/*/*"), *STORE.glob("packs/*/*.pack"), *STORE.glob("recipes/*/*/*")]
    done = subprocess.run([requires("b3sum"), "--no-names", *named], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [path.stem for path in named]
