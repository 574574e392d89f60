"""Files of torch.save before 1.6: the names of a state dict, whatever order the storages have; nothing is run."""

from __future__ import annotations

import io
import pickle
import struct
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from mvc.formats import torch_legacy
from mvc.formats.fault import fault
from tests.formats import pickles
from tests.formats.headers import DATA, header_of, refusal, segments, source
from tests.formats.pickles import mapping, number, storage, tensor, text
from tests.formats.test_torch import BOMBS

MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
OUTSIDE = 1 << 62


def saved(root: bytes, stored: Mapping[str, tuple[int, bytes]], keys: Any = None) -> bytes:
    """A file whose object is `root`, with the count and bytes of each storage."""
    start = MAGIC + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2) + b"\x80\2" + root + pickles.STOP
    order = pickle.dumps(list(stored) if keys is None else keys, 2)
    return start + order + b"".join(struct.pack("<Q", count) + data for count, data in stored.values())


WEIGHT = tensor(storage("7", 6), 0, (2, 3), (3, 1))
BIAS = tensor(storage("1", 2, "torch HalfStorage"), 0, (2,), (1,))
STORED = {"1": (2, bytes(4)), "7": (6, bytes(24))}


@pytest.mark.parametrize(("name", "of_zip"), [("legacy.ckpt", "checkpoint.ckpt"), ("legacy.pt", "views.pt")])
def test_it_has_the_tensors_of_the_archive_with_the_same_object(name: str, of_zip: str) -> None:
    expected = {name: (each.dtype, each.shape, each.size) for name, each in segments(of_zip).items()}
    assert {name: (each.dtype, each.shape, each.size) for name, each in segments(name).items()} == expected


def test_the_bytes_are_those_of_the_archive() -> None:
    old, new = ((DATA / name).read_bytes() for name in ("legacy.ckpt", "checkpoint.ckpt"))
    expected = {name: new[each.offset : each.end] for name, each in segments("checkpoint.ckpt").items()}
    assert {name: old[each.offset : each.end] for name, each in segments("legacy.ckpt").items()} == expected


@pytest.mark.parametrize("order", [("1", "7"), ("7", "1")])
def test_storages_are_found_by_key(order: tuple[str, str]) -> None:
    data = saved(mapping({"fc.weight": WEIGHT, "fc.bias": BIAS}), {key: STORED[key] for key in order})
    found = {each.name: (each.dtype, each.shape, each.size) for each in header_of(data).segments}
    assert found == {"fc.weight": ("F32", (2, 3), 24), "fc.bias": ("F16", (2,), 4)}


def test_every_protocol_of_pickle_is_read() -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        data = saved(WEIGHT, {"7": STORED["7"]}).removeprefix(MAGIC)
        assert header_of(pickle.dumps(0x1950A86A20F9469CFC6C, protocol) + data).segments[0].shape == (2, 3)


def test_a_pickle_with_lines_is_read() -> None:
    lines = io.BytesIO()
    pickle.Pickler(lines, 0).dump({"epoch": 3, "a": "b" * 60_000})
    assert refusal(torch_legacy.read, saved(lines.getvalue()[:-1], {})) == ""


def test_a_truncated_file_is_a_fault() -> None:
    data = (DATA / "legacy.pt").read_bytes()
    assert fault(source(data, "best.pth")) == ""
    for length in range(16, len(data), 7):
        assert "truncated" in fault(source(data[:length], "best.pth")), length


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (saved(WEIGHT, {"7": (OUTSIDE, bytes(24))}), "longer than the file"),
        (saved(WEIGHT, {"7": ((1 << 64) - 1, bytes(24))}), "longer than the file"),
        (saved(WEIGHT, {"7": (5, bytes(20))}), "the size in its pickle"),
        (saved(WEIGHT, {"7": (6, bytes(20))}), "longer than the file"),
        (saved(WEIGHT, {}, ["8"]), "no known size"),
        (saved(WEIGHT, {}, [8]), "no known size"),
        (saved(WEIGHT, {}, [["7"]]), "no known size"),
        (saved(WEIGHT, {}, "7"), "no list"),
        (saved(WEIGHT, {}, ["7"] * 100_001), "no list"),
        (saved(WEIGHT, {"7": (6, bytes(24))}, ["7", "7"]), "beyond the end"),
        (saved(tensor(storage("7", 6, "torch QUInt2x4Storage"), 0, (6,), (1,)), STORED), "no known size"),
        (saved(tensor(storage("7", 6), 0, (OUTSIDE,), (OUTSIDE,)), {"7": STORED["7"]}), "outside"),
        (MAGIC + pickle.dumps(1002, 2), "protocol"),
        (MAGIC + b"X\xff\xff\xff\xff" + bytes(100), "cannot be read"),
        (MAGIC + b"I" + b"1" * 100_000, "cannot be read"),
    ],
)
def test_refuses_what_torch_would_not_write(data: bytes, reason: str) -> None:
    assert reason in refusal(torch_legacy.read, data)


@pytest.mark.parametrize(
    "name", ["doubled", "deep tuples", "memo", "text", "text of 8 bytes length", "number", "frame"]
)
def test_bombs_end(name: str) -> None:
    refusal(torch_legacy.read, saved(BOMBS[name], {"7": STORED["7"]}))


def test_nothing_is_imported_or_run() -> None:
    evil = pickles.call("antigravity fly", text("x")) + b"0" + pickles.call("os system", text("exit 1")) + b"0"
    modules = set(sys.modules)
    assert refusal(torch_legacy.read, saved(evil + WEIGHT, {"7": STORED["7"]})) == ""
    assert set(sys.modules) == modules


def test_other_pickles_are_left_alone() -> None:
    for value in (number(7) + pickles.STOP, pickle.dumps({"a": 1}, 4), b"\x80" + bytes(30)):
        assert not torch_legacy.matches(value[:16], source(value, "model.pth"))
