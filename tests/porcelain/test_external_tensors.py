"""Tensors that another file lists: a version names them, and its next one is a delta against them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from mvc.storage.chunks import encodings
from tests.cli.shell import Shell, begin
from tests.formats.headers import DATA
from tests.porcelain.test_weights import _encodings, _entries
from tests.weights import Tensors, network, tuned


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return begin(tmp_path, monkeypatch)


def graph(tensors: Tensors) -> str:
    """The graph of OpenVINO that lists these tensors."""
    layers, offset = [], 0
    for name, (dtype, shape, data) in tensors.items():
        sizes = f'shape="{",".join(map(str, shape))}" offset="{offset}" size="{len(data)}"'
        layers.append(f'<layer name="{name}" type="Const"><data element_type="{dtype.lower()}" {sizes}/></layer>')
        offset += len(data)
    return f'<?xml version="1.0"?>\n<net name="helmets"><layers>{"".join(layers)}</layers></net>'


def weights(tensors: Tensors) -> bytes:
    """The numbers of these tensors."""
    return b"".join(data for _, _, data in tensors.values())


def test_the_numbers_of_openvino_are_a_delta_by_the_graph_beside(shell: Shell, rng: random.Random) -> None:
    tensors = network(rng, layers=1)
    shell.write("export/model.xml", graph(tensors).encode())
    shell.write("export/model.bin", weights(tensors))
    shell.write("export/model.txt", b"a graph of another file")
    shell.ok("add", "export/model.xml", "--as", "graph")
    shell.ok("add", "export/model.bin", "--as", "weights")
    shell.commit("one")
    listed = json.loads(shell.ok("ls", "--tensors", "main", "--json").out)
    names = {tensor["name"] for file in listed["files"] for tensor in file.get("tensors") or ()}
    assert names == {*tensors}
    moved = tuned(tensors, rng, 1e-6)
    shell.write("export/model.bin", weights(moved))
    changed = shell.ok("diff", "--tensors", "--json").json["tensors"]
    assert [file["difference"] is not None for file in changed] == [True], changed
    shell.commit("two")
    assert _encodings(_entries(shell, "v2")) == {encodings.DIFFERENCE}
    shell.ok("fsck", "--read-data")


def test_a_recorded_graph_describes_the_numbers_that_were_beside_it(shell: Shell, rng: random.Random) -> None:
    tensors = network(rng, layers=1)
    shell.write("export/model.xml", graph(tensors).encode())
    shell.write("export/model.bin", weights(tensors))
    files = ("--file", "graph=export/model.xml", "--file", "weights=export/model.bin")
    shell.ok("record", *files, "-m", "one", "--branch", "run/a")
    listed = json.loads(shell.ok("ls", "--tensors", "run/a", "--json").out)
    names = {tensor["name"] for file in listed["files"] for tensor in file.get("tensors") or ()}
    assert names == {*tensors}


def test_a_malformed_graph_is_reported_and_its_numbers_are_stored(shell: Shell, rng: random.Random) -> None:
    tensors = network(rng, layers=1)
    shell.write("model.xml", graph(tensors).replace("</net>", "").encode())
    shell.write("model.bin", weights(tensors))
    shell.ok("add", "model.xml", "--as", "graph")
    shell.ok("add", "model.bin", "--as", "weights")
    done = shell("commit", "-m", "one")
    assert (done.code, "model.xml: it is truncated or malformed (its graph is not well-formed" in done.err) == (0, True)
    shell.ok("fsck", "--read-data")


def test_a_graph_that_claims_more_than_the_numbers_is_reported(shell: Shell, rng: random.Random) -> None:
    tensors = network(rng, layers=1)
    shell.write("model.xml", graph(tensors).encode())
    shell.write("model.bin", weights(tensors)[:-4])
    shell.ok("add", "model.xml", "--as", "graph")
    shell.ok("add", "model.bin", "--as", "weights")
    done = shell("commit", "-m", "one")
    assert (done.code, "model.bin: head.weight ends at byte" in done.err) == (0, True)


def test_a_distributed_checkpoint_keeps_its_dotfile_and_names_its_tensors(shell: Shell) -> None:
    for name in (".metadata", "__0_0.distcp"):
        shell.write(f"run/{name}", (DATA / "exports" / "dcp" / name).read_bytes())
    shell.ok("add", "run", "--as", "checkpoint")
    shell.commit("one")
    listed = json.loads(shell.ok("ls", "main", "--json").out)
    assert {file["path"] for file in listed["files"]} == {"run/.metadata", "run/__0_0.distcp"}
