"""diff --tensors, ls --tensors, show: which tensors versions hold, and which of them changed."""

from __future__ import annotations

import os
import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mvc.cli.app import terminal
from mvc.model.ids import digest
from mvc.storage.chunks.extract import Extract
from mvc.storage.disk import hashing
from mvc.storage.packs.reader import ChunkReader
from tests.cli.shell import Shell
from tests.weights import Tensors, network, safetensors

PATH = "weights/best.safetensors"
CHANGED = ("layer.2.weight", "layer.3.weight", "layer.3.bias")


@pytest.fixture
def old(rng: random.Random) -> Tensors:
    return network(rng)


@pytest.fixture
def new(old: Tensors) -> Tensors:
    """The last two layers tuned, one class more, and one tensor under another name."""
    found = dict(old)
    for name in CHANGED:
        dtype, shape, data = old[name]
        found[name] = dtype, shape, (np.frombuffer(data, "<f4") + np.float32(0.24)).tobytes()
    found["head.weight"] = "F32", (11, 256), bytes(11 * 256 * 4)
    found["head.scale"] = found.pop("head.bias")
    return found


@pytest.fixture
def shell(empty: Shell, old: Tensors, new: Tensors) -> Shell:
    """v1 has the old network, v2 the new one."""
    empty.write(PATH, safetensors(old))
    empty.ok("add", PATH, "--as", "weights")
    empty.commit("First")
    empty.write(PATH, safetensors(new))
    empty.commit("Second")
    return empty


GROUPS = [
    "embedding.weight  unchanged",
    "head.scale        renamed from head.bias",
    "head.weight       reshaped [10, 256] -> [11, 256]",
    "layer.0-1.*       4 unchanged",
    "layer.2.bias      unchanged",
    "layer.2.weight    changed",
    "layer.3.*         2 changed",
]


def section(said: Any) -> list[str]:
    """The lines of the section `tensors`, without their margin."""
    lines: list[str] = said.lines
    start = next(place for place, line in enumerate(lines) if line.startswith("tensors"))
    return [line[12:] for line in lines[start:]]


def test_versions_are_compared_by_module(shell: Shell) -> None:
    lines = section(shell.ok("diff", "--tensors", "v1", "v2"))
    assert lines[0] == f"{PATH}  4 of 11 changed (1 reshaped), 1 renamed; embedding.weight unchanged"
    assert [line.strip() for line in lines[1:]] == GROUPS


def test_the_value_comes_after_an_equals_sign_only(shell: Shell) -> None:
    plain = shell.ok("diff", "--tensors", "v1", "v2").out
    assert shell.ok("diff", "v1", "--tensors", "v2").out == plain
    assert shell.ok("diff", "v1", "v2", "--tensors").out == plain
    assert shell.ok("diff", "v1..v2", "--tensors=headers").out == plain
    assert shell("diff", "--tensors=all", "v1", "v2").code == 2
    assert "reshaped" not in shell.ok("diff", "v1", "v2").out


def test_the_working_tree_is_compared_and_only_what_is_modified_is_read(
    shell: Shell, old: Tensors, reads: list[int]
) -> None:
    shell.write(PATH, safetensors(old, {"written": "again"}))
    lines = section(shell.ok("diff", "--tensors", "v1"))
    assert lines == [f"{PATH}  all 11 unchanged"]
    assert sum(reads) < 1.1 * (shell.folder / PATH).stat().st_size
    shell.ok("restore", PATH)  # which reads the edit once, to keep it for `mvc undo`
    reads.clear()
    assert not shell.ok("diff", "--tensors").out
    assert len(section(shell.ok("diff", "--tensors", "v1"))) == 1 + len(GROUPS)
    assert reads == []


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The bytes of each read from the working tree."""
    found: list[int] = []
    monkeypatch.setattr(hashing, "on_read", found.append)
    return found


def test_no_weight_of_a_version_is_read(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Iterator[Any]:
        raise AssertionError

    monkeypatch.setattr(Extract, "_decoded", refuse)
    monkeypatch.setattr(hashing, "on_read", refuse)
    for arguments in (("diff", "--tensors", "v1", "v2"), ("ls", "--tensors"), ("show", "v1")):
        shell.ok(*arguments)


@pytest.mark.parametrize("tensors", [40, 400])
def test_deep_decodes_each_chunk_once_however_many_tensors_share_it(
    empty: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch, tensors: int
) -> None:
    for _ in range(2):
        weights = rng.randbytes(80_000)
        size = len(weights) // tensors
        parts = [weights[start : start + size] for start in range(0, len(weights), size)]
        empty.write(PATH, safetensors({f"t{n:03}": ("F32", (size // 4,), part) for n, part in enumerate(parts)}))
        empty.ok("add", PATH, "--as", "weights")
        empty.commit("x")
    entries = [
        empty.repository.objects.tree(empty.repository.objects.version(each).tree).entries for each in _ids(empty)
    ]
    recipes = [empty.repository.recipes.best(entry.file) for (entry,) in entries]
    decoded: list[int] = []
    inner = ChunkReader._read

    def read(*arguments: Any, **how: Any) -> Any:
        decoded.append(1)
        return inner(*arguments, **how)

    monkeypatch.setattr(ChunkReader, "_read", read)
    assert len(section(empty.ok("diff", "--tensors=deep", "v1", "v2"))) > 1
    bases = 2  # each chunk may be a delta of a delta
    assert len(decoded) <= (1 + bases) * sum(len(recipe.chunks) for recipe in recipes if recipe)


def _ids(shell: Shell) -> list[Any]:
    return shell.ok("log", "--format", "{id}").lines


def test_deep_says_how_far_tensors_moved(shell: Shell, old: Tensors, new: Tensors) -> None:
    lines = section(shell.ok("diff", "--tensors=deep", "v1", "v2"))
    (line,) = [line for line in lines if "layer.2.weight" in line]
    assert line.split() == ["layer.2.weight", "changed", "L2", "1.2e+01", "largest", "2.4e-01", "0%", "equal"]
    (line,) = [line for line in lines if "head.weight" in line]
    assert line.endswith("[11, 256]")


def test_deep_warns_of_what_is_no_number_now(shell: Shell, new: Tensors) -> None:
    dtype, shape, data = new["layer.0.bias"]
    broken = struct.pack("<3f", float("nan"), float("inf"), float("-inf")) + data[12:]
    shell.write(PATH, safetensors({**new, "layer.0.bias": (dtype, shape, broken)}))
    said = shell.ok("diff", "--tensors=deep")
    assert "1 NaN, 2 infinite introduced" in said.out
    assert "98.8% equal" in said.out
    (file,) = shell.ok("diff", "--tensors=deep", "--json").json["tensors"]
    (tensor,) = file["difference"]["tensors"]
    assert tensor["drift"] == {
        "elements": 256,
        "relative_l2": 0.0,
        "largest": 0.0,
        "share_equal": 253 / 256,
        "nan_introduced": 1,
        "infinity_introduced": 2,
    }


def test_json_has_the_tensors_that_changed(shell: Shell) -> None:
    document = shell.ok("diff", "--tensors", "v1", "v2", "--json").json
    (file,) = document["tensors"]
    assert (file["path"], file["role"]) == (PATH, "weights")
    difference = file["difference"]
    assert difference["counts"] == {"changed": 3, "reshaped": 1, "renamed": 1, "unchanged": 6}
    assert {each["new"]["name"] for each in difference["tensors"]} == {*CHANGED, "head.weight", "head.scale"}
    assert all("drift" not in each for each in difference["tensors"])
    assert difference["groups"][3] == {"label": "layer.0-1.*", "counts": {"unchanged": 4}}
    assert "tensors" not in shell.ok("diff", "v1", "v2", "--json").json


def test_json_has_every_tensor_once_with_its_place_in_the_file(empty: Shell) -> None:
    """Changed and unchanged tensors together are the file, in its order: layer0, layer1, … layer10."""
    names = [f"layer{number}" for number in range(12)]
    for changed in (b"old!", b"new!"):
        weights = {name: ("U8", (4,), changed if name == "layer10" else b"same") for name in names}
        empty.write(PATH, safetensors(weights))
        empty.ok("add", PATH, "--as", "weights")
        empty.commit("x")
    (file,) = empty.ok("diff", "--tensors", "v1", "v2", "--json").json["tensors"]
    difference = file["difference"]
    unchanged = difference["unchanged"]
    assert [each["name"] for each in unchanged] == [name for name in names if name != "layer10"]
    assert unchanged[1].keys() == {"index", "name", "dtype", "shape", "size", "offset", "digest"}
    places = {each["index"]: each["new"]["name"] for each in difference["tensors"]}
    places |= {each["index"]: each["name"] for each in unchanged}
    assert [places[index] for index in range(12)] == names
    assert [each["label"] for each in difference["groups"]] == names


def test_stat_is_one_line_a_file(shell: Shell) -> None:
    assert len(section(shell.ok("diff", "--stat", "--tensors", "v1", "v2"))) == 1


def test_a_file_without_tensors_says_so(shell: Shell) -> None:
    shell.write(PATH, b"no tensors" * 3000)
    assert section(shell.ok("diff", "--tensors")) == [f"{PATH}  tensors unknown"]
    assert shell.ok("diff", "--tensors", "--json").json["tensors"][0]["difference"] is None
    shell.write(PATH, struct.pack("<Q", 30_000) + b'{"lies' + bytes(40_000))
    assert section(shell.ok("diff", "--tensors")) == [f"{PATH}  tensors unknown"]
    shell.commit("Other bytes")
    assert section(shell.ok("diff", "--tensors", "v2", "v3")) == [f"{PATH}  tensors unknown"]
    assert shell.ok("ls", "--tensors").lines == [f"weights  {PATH}  tensors unknown"]
    assert " tensors" not in shell.ok("show").out


def test_a_small_file_has_tensors_too(empty: Shell) -> None:
    for place, byte in enumerate((b"a", b"b")):
        tensors = {"kept": ("U8", (4,), b"same"), "\x1b[31m": ("U8", (2, 2), byte * 4)}
        empty.write(PATH, safetensors(tensors))
        if not place:
            empty.ok("add", PATH, "--as", "weights")
        empty.commit("Small")
    lines = section(empty.ok("diff", "--tensors", "v1", "v2"))
    assert lines == [f"{PATH}  1 of 2 changed; kept unchanged", "  \\x1b[31m  changed", "  kept      unchanged"]
    assert "\x1b" not in empty.ok("ls", "--tensors").out


def test_show_counts_the_tensors_of_each_file(shell: Shell) -> None:
    assert "complete  11 tensors, 572.9 K parameters, F32" in shell.ok("show", "v1").out
    (file,) = shell.ok("show", "v1", "--json").json["files"]
    assert file["tensors"] == {"tensors": 11, "parameters": 572_938, "dtypes": ["F32"]}


def test_ls_lists_the_tensors_of_each_file(shell: Shell, old: Tensors) -> None:
    lines = shell.ok("ls", "--tensors", "v1").lines
    assert lines[0] == f"weights  {PATH}  11 tensors, 572.9 K parameters, F32"
    assert len(lines) == 1 + len(old)
    start = 8 + int.from_bytes((safetensors(old))[:8], "little")
    known = digest(old["embedding.weight"][2][: 1 << 20]), digest(old["embedding.weight"][2][1 << 20 :])
    whole = digest(b"".join(map(bytes.fromhex, known)))
    assert lines[1] == f"  embedding.weight  F32  [1200, 256]    1.2 MiB  {start:>7}  {whole[:10]}"
    (file,) = shell.ok("ls", "--tensors", "--json", "v1").json["files"]
    assert file["tensors"][0] == {
        "name": "embedding.weight", "dtype": "F32", "shape": [1200, 256], "size": 1_228_800, "offset": start, "digest": whole,
    }  # fmt: skip
    assert "state" in shell.ok("ls", "-l", "--tensors", "--json").json["files"][0]
    assert "tensors" not in shell.ok("ls", "--json").json["files"][0]


def test_bars_are_drawn_where_the_terminal_shows_them(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "█" not in shell.ok("diff", "--tensors", "v1", "v2").out
    coloured = shell.ok("--color", "always", "diff", "--tensors", "v1", "v2")
    assert "█" * 8 in coloured.out
    assert [terminal.bar(share).count("█") for share in (0, 0.001, 0.5, 0.999, 1)] == [0, 1, 4, 7, 8]


def test_neither_numpy_nor_a_format_is_loaded_for_it(shell: Shell) -> None:
    assert _loaded(shell, "diff", "--tensors", "v1", "v2") == set()
    assert _loaded(shell, "show", "v2") == set()
    assert _loaded(shell, "diff", "--tensors=deep", "v1", "v2") == {"numpy"}


def _loaded(shell: Shell, *arguments: str) -> set[str]:
    code = f"import sys; from mvc.cli.app.main import run; run({list(arguments)!r}); sys.stderr.write(' '.join(sys.modules))"
    top = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=shell.folder,
        env=os.environ | {"PYTHONPATH": top},
        capture_output=True,
        text=True,
        check=True,
    )
    return {"numpy", "h5py", "mvc.formats.safetensors"} & set(done.stderr.split())
