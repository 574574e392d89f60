"""Small objects that would take gigabytes or minutes, for each decoder; and what decoding one takes, as JSON.

python -m tests.refusals.hostile NAME   {"mib": 82, "seconds": 0.2, "outcome": "NotCanonical"}
"""

from __future__ import annotations

import io
import json
import os
import struct
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mvc import errors
from mvc.formats import gguf, npz, onnx, safetensors, torch
from mvc.formats.metadata import reader
from mvc.formats.source import HeaderError, Source
from mvc.formats.syntax import pickle_text, zip_directory
from mvc.formats.values import labels
from mvc.model import canonical
from mvc.model.ids import FileId
from mvc.model.manifest import Manifest
from mvc.model.toml import parse
from mvc.model.tree import Tree
from mvc.model.version import Version
from mvc.registry.marker import Marker
from mvc.storage.chunks.recipes import Recipe
from mvc.storage.disk.door import StoreDoor
from mvc.storage.packs import metapacks, packformat
from mvc.storage.packs.metapacks import MetaPacks, MetaWriter
from mvc.storage.packs.packfile import PackFile

ID = "0" * 64
FILE = FileId("1" * 64)

Decode = Callable[[bytes], object]
Case = tuple[Decode, Callable[[], bytes]]


def _header(module: Any) -> Decode:
    return lambda data: module.read(Source(lambda offset, size: data[offset : offset + size], len(data), "x"))


def _metadata(data: bytes) -> object:
    return reader.read(Source(lambda offset, size: data[offset : offset + size], len(data), "x.onnx"))


def _lists() -> bytes:
    """A few KB when it is compressed, and 700 MB as lists."""
    return b'{"a":[' + b"[]," * 8_000_000 + b"[]]}"


def _labels(data: bytes) -> object:
    return labels.read(data, "labels.json")


def _yaml(data: bytes) -> object:
    return labels.read(data, "data.yaml")


def _laughs() -> bytes:
    """Thirty maps, each with the one before twice: a billion in all."""
    rows = [b"a%d: &a%d {<<: [*a%d, *a%d]}" % (n, n, n - 1, n - 1) for n in range(1, 31)]
    return b"a0: &a0 {x: y}\n" + b"\n".join(rows)


def _toml(data: bytes) -> object:
    return parse.load(data, where="model.toml")


def _items(item: bytes, count: int) -> bytes:
    return b"[" + b",".join([item] * count) + b"]"


def _maps(count: int) -> bytes:
    return b"[" + b",".join(b'{"%07d":"ab"}' % number for number in range(count)) + b"]"


def _recipe(chunks: int) -> bytes:
    pairs = b",".join(b'["%064x",262144]' % number for number in range(chunks))
    end = f'],"file":"{ID}","kind":"recipe","segmenter":{{"name":"x"}},"size":{262144 * chunks}}}'
    return b'{"chunks":[' + pairs + end.encode()


def _tree(count: int) -> bytes:
    row = b'{"file":"%s","path":"%090d","role":"%090d","size":%d}'
    rows = b",".join(row % (ID.encode(), number, number, number) for number in range(count))
    return b'{"entries":[' + rows + b'],"kind":"tree"}'


def _packed(kind: int, *data: bytes) -> bytes:
    """A metadata pack with these entries."""
    with tempfile.TemporaryDirectory() as folder:
        door = StoreDoor(Path(folder))
        writer = MetaWriter(door)
        for each in data:
            writer.add(kind, each, file=FILE if kind == packformat.RECIPE else None)
        (pack,) = writer.finish()
        door.barrier()
        return door.read(metapacks.path(pack))


def _verify(data: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pack").write_bytes(data)
        metapacks.verify(PackFile(StoreDoor(Path(folder)), "pack"))
    return None


def _read_recipe(data: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "meta").mkdir()
        (Path(folder) / "meta" / f"{ID}.pack").write_bytes(data)
        ((_, read),) = MetaPacks(StoreDoor(Path(folder))).recipes(FILE)
        return Recipe.decode(read())


def _archive(members: int, data: bytes, extra: bytes = b"") -> bytes:
    """A zip archive of these members, whose sizes are in extra fields."""
    out, directory = bytearray(), bytearray()
    for number in range(members):
        name, size = b"%d.npy" % number, len(data)
        wide = 0xFFFFFFFF if extra else size
        directory += struct.pack(
            "<4s6H3I5HII", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, size, wide, len(name), len(extra), 0, 0, 0, 0, len(out)
        )
        directory += name + extra
        out += struct.pack("<4s5H3IHH", b"PK\3\4", 20, 0, 0, 0, 0, 0, size, size, len(name), 0) + name + data
    end = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, members, members, len(directory), len(out))
    end += struct.pack("<4sIQI", b"PK\6\7", 0, len(out) + len(directory), 1)
    end += struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return bytes(out + directory + end)


def _array(text: bytes) -> bytes:
    return b"\x93NUMPY\2\0" + struct.pack("<I", len(text)) + text


def _torch(pickle: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("run/data.pkl", pickle)
    return out.getvalue()


def _text(value: bytes) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value


TENSOR = (
    b"ctorch._utils\n_rebuild_tensor_v2\n\x94((" + _text(b"storage") + b"ctorch\nFloatStorage\n"
    + _text(b"0") + _text(b"cpu") + b"K\x01tQK\x00K\x01\x85K\x01\x85t\x94R"
)  # fmt: skip
"""Leaves a tensor on the stack, its function and its arguments in the memo as 0 and 1."""


def _gguf(tensors: int, dimensions: int) -> bytes:
    info = struct.pack("<Q1sI", 1, b"t", dimensions) + struct.pack("<Q", 1) * dimensions + struct.pack("<IQ", 0, 0)
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, 0) + info * tensors


def _length(count: int) -> bytes:
    out = b""
    while count > 0x7F:
        out, count = out + bytes([count & 0x7F | 0x80]), count >> 7
    return out + bytes([count])


def _field(number: int, data: bytes) -> bytes:
    return _length(number << 3 | 2) + _length(len(data)) + data


def _safetensors(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header


ABOVE: dict[str, Case] = {
    "canonical JSON": (canonical.decode, _lists),
    "version": (Version.decode, _lists),
    "manifest": (Manifest.decode, _lists),
    "tree of maps": (Tree.decode, lambda: b'{"entries":[' + b"{}," * 8_000_000 + b'{}],"kind":"tree"}'),
    "recipe": (Recipe.decode, _lists),
    "marker": (Marker.decode, _lists),
    "compressed recipe": (_read_recipe, lambda: _packed(packformat.RECIPE, _lists())),
    "compressed objects": (_verify, lambda: _packed(packformat.OBJECT, *(b"%020000000d" % number for number in range(5)))),
    "labels": (_labels, lambda: _items(b"[]", 2_700_000)),
    "yaml nested": (_yaml, lambda: b"names: " + b"[" * 1_000_000),
    "yaml merges": (_yaml, _laughs),
    "yaml items": (_yaml, lambda: b"names: [" + b"a," * 2_000_000 + b"]"),
    "dotted keys": (_toml, lambda: b"\n".join(b"a%d" % n + b".a" * 60 + b"=1" for n in range(40_000))),
    "digits": (_toml, lambda: b"x=" + b"1_" * 4_100_000 + b"1"),
    "safetensors maps": (_header(safetensors), lambda: _safetensors(b'{"a":' + b"{}," * 1_900_000 + b"{}}")),
    "npz headers": (_header(npz), lambda: _archive(400, _array(b"{'descr':[" + b"()," * 3_200 + b"],'fortran_order':False,'shape':(0,)}"))),
    "zip extra fields": (
        lambda data: zip_directory.members(Source(lambda at, size: data[at : at + size], len(data))),
        lambda: _archive(500, b"", b"\2\0\0\0" * 16_000),
    ),
    "gguf dimensions": (_header(gguf), lambda: _gguf(100_000, 64)),
    "onnx properties": (_metadata, lambda: _field(7, b"") + _field(14, _field(1, b"k") + _field(2, b"v")) * 1_000_000),
    "onnx inputs": (_metadata, lambda: _field(7, _field(11, b"") * 1_000_000)),
    "torch names": (pickle_text.read, lambda: (b"\x80\4" + _text(b"x" * 1_000_000) + b"\x94" + b"h\0h\0\x93" * 100_000 + b".")),
    "torch tensors": (
        _header(torch),
        lambda: _torch(b"\x80\4}" + _text(b"n" * 990) + b"](" + TENSOR + b"h\0h\1R" * 200_000 + b"es."),
    ),
}  # fmt: skip
"""Beyond a limit: refused soon, whatever it would have become."""
AT: dict[str, Case] = {
    "maps": (canonical.decode, lambda: b"[" + _maps(449_000)[1:-1] + b"," + _items(b'"ab"', 1_300_000)[1:-1] + b"]"),
    "texts": (canonical.decode, lambda: _items(b'"abcdefghijklmnop"', 2_199_000)),
    "wide text": (canonical.decode, lambda: b'["' + b"x" * 24_000_000 + "\N{GRINNING FACE}".encode() + b'"]'),
    "the largest recipe": (Recipe.decode, lambda: _recipe(699_990)),
    "the largest tree": (Tree.decode, lambda: _tree(199_000)),
    "labels at the limit": (_labels, lambda: _items(b'"ab"', 990_000)),
    "yaml keys": (_yaml, lambda: b"names: {" + b",".join(b"%06d" % n for n in range(149_000)) + b"}"),
    "tables": (_toml, lambda: b"\n".join(b"[a%d]" % number for number in range(249_000))),
    "safetensors texts": (_header(safetensors), lambda: _safetensors(b'{"__metadata__":{' + b",".join(b'"%d":"ab"' % n for n in range(990_000)) + b"}}")),
    "gguf texts": (_header(gguf), lambda: b"GGUF" + struct.pack("<IQQQ1sIIQ", 3, 0, 1, 1, b"a", 9, 8, 3_000_000) + bytes(24_000_000)),
    "gguf arrays": (_header(gguf), lambda: b"GGUF" + struct.pack("<IQQQ1sIIQ", 3, 0, 1, 1, b"a", 9, 9, 3_000_000) + bytes(36_000_000)),
    "onnx fields": (_header(onnx), lambda: _field(7, b"\x0a\0" * 4_300_000)),
    "onnx tensors": (_header(onnx), lambda: _field(7, b"".join(_field(5, b"\x08\0" * 10 + _field(8, b"%06d" % n)) for n in range(100_000)))),
    "onnx class names": (_metadata, lambda: _field(7, b"") + _field(14, _field(1, b"names") + _field(2, b"{0: '" + b"\\" * 900_000))),
    "torch dicts": (_header(torch), lambda: _torch(b"\x80\2](" + b"}" * 999_900 + b"e.")),
}  # fmt: skip
"""At a limit: as much as any object can take."""


def _memory(key: str) -> int:
    """Of this process, in KiB: `VmRSS` is what it has, `VmHWM` the most that it had."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))


def main(name: str) -> None:
    """Measure one case; the memory for the object itself counts, what was needed to make it does not."""
    _, make = {**ABOVE, **AT}[name]
    place = Path(tempfile.mkstemp()[1])
    place.write_bytes(make())
    os.execv(sys.executable, [sys.executable, "-c", f"from tests.refusals.hostile import measure; measure({name!r}, {str(place)!r})"])  # fmt: skip


def measure(name: str, place: str) -> None:
    """Decode what lies at `place`, in a process that has done nothing else."""
    decode, _ = {**ABOVE, **AT}[name]
    before, outcome = _memory("VmRSS"), "decoded"
    data = Path(place).read_bytes()
    Path(place).unlink()
    begun = time.process_time()
    try:
        decode(data)
    except (errors.MvcError, HeaderError) as error:
        outcome = type(error).__name__
    seconds = time.process_time() - begun
    print(json.dumps({"mib": _memory("VmHWM") - before >> 10, "seconds": seconds, "outcome": outcome}))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
