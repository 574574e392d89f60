"""npz: arrays where numpy puts them, and headers that numpy would not write refused without being run."""

from __future__ import annotations

import struct
import warnings

import numpy as np
import pytest

from mvc.formats import keras, npz
from tests.formats.archives import archive
from tests.formats.headers import DATA, header_of, refusal, segments, source


def array(header: str | bytes, data: bytes = bytes(8), version: int = 1, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else header.encode()
    size = len(text) if length is None else length
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", size) + text + data


def fields(descr: str = "'<f4'", shape: str = "(2,)", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


def test_finds_what_numpy_wrote() -> None:
    found = segments("arrays.npz")
    data = (DATA / "arrays.npz").read_bytes()
    kinds = {
        "layer.weight": "F32",
        "layer.bias": "F16",
        "columns": "F64",
        "scalar": "I64",
        "empty": "F32",
        "flags": "BOOL",
    }
    with np.load(DATA / "arrays.npz") as arrays:
        assert found.keys() == set(arrays)
        for name, value in arrays.items():
            assert (found[name].dtype, found[name].shape) == (kinds.get(name, ""), value.shape)
            assert data[found[name].offset : found[name].end] == value.tobytes("A")


def test_compressed_arrays_are_not_looked_at() -> None:
    assert segments("compressed.npz") == {}


def test_an_archive_may_hold_other_things() -> None:
    data = archive({"a.npy": array(fields()), "notes.txt": b"x"})
    assert [each.name for each in header_of(data).segments] == ["a"]


@pytest.mark.parametrize("version", [1, 2, 3])
def test_reads_every_version(version: int) -> None:
    assert refusal(npz.read, archive({"a.npy": array(fields(), version=version)})) == ""


BOMB = "9**9**9**9"


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (b"", "not an array"),
        (b"\x93NUMPY\1", "not an array"),
        (array(fields(), version=4), "not an array"),
        (array(fields(), length=60_000), "too long"),
        (array(fields(), version=2, length=(1 << 32) - 1), "too long"),
        (array(fields() + " " * 20_000), "too long"),
        (array(fields(), length=9), "not an array header"),
        (array(fields(shape="(3,)")), "does not match its shape"),
        (array(fields(shape="(0,)")), "does not match its shape"),
        (array(fields(shape="(-2,)")), "shape"),
        (array(fields(shape="(True, 2)")), "shape"),
        (array(fields(shape="(2.0,)")), "shape"),
        (array(fields(shape="[2]")), "shape"),
        (array(fields(shape=f"({1 << 62}, 8)")), "elements"),
        (array(fields(shape="(" + "1," * 70 + ")")), "shape"),
        (array(fields(shape=BOMB)), "not an array header"),
        (array(fields(descr=BOMB)), "not an array header"),
        (array("__import__('os').system('true')"), "not an array header"),
        (array("("), "not an array header"),
        (array("(" * 9_999), "not an array header"),
        (array("-" * 9_000 + "1"), "not an array header"),
        (array("[" * 90 + "]" * 90), "not an array header"),
        (array("{'descr': '<f4', 'shape': (2,)}"), "not an array header"),
        (array("{**{}}"), "not an array header"),
        (array("{[]: 1}"), "not an array header"),
        (array(b"\xff"), "not an array header"),
        (array("\0"), "not an array header"),
    ],
    ids=lambda value: repr(value)[:60],
)  # fmt: skip
def test_refuses(member: bytes, reason: str) -> None:
    with warnings.catch_warnings(action="error"):
        assert reason in refusal(npz.read, archive({"a.npy": member}))


def test_odd_text_warns_nobody() -> None:
    with warnings.catch_warnings(action="error"):
        assert refusal(npz.read, archive({"a.npy": array("{'\\d': 1or 2}")}))


def test_cut_off_anywhere() -> None:
    data = (DATA / "arrays.npz").read_bytes()
    for length in range(len(data)):
        assert refusal(npz.read, data[:length])


def test_keras_archives_are_known_by_name_and_need_weights() -> None:
    data = (DATA / "network.keras").read_bytes()
    assert header_of(data, "net.keras").format == "keras"
    assert not keras.matches(data[:16], source(data, "net.zip"))
    assert "no model.weights.h5" in refusal(keras.read, archive({"metadata.json": b"{}"}))
