"""HDF5 files: the datasets that lie there as in memory, and no file that harms the process which reads it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from mvc.formats import hdf5, hdf5_child, keras
from mvc.formats.header import Header
from mvc.formats.source import HeaderError
from mvc.model.segment import Segment
from tests.formats.headers import DATA, source

RNG = np.random.default_rng(7)
Fill = Callable[[Any], object]


def made(fill: Fill, libver: str = "latest") -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w", libver=libver) as root:
        fill(root)
    return file.getvalue()


def read(data: bytes) -> Header:
    return hdf5.read(source(data))


def found(data: bytes) -> dict[str, tuple[str, tuple[int, ...] | None, bytes]]:
    """What the segments of a file are, by name, with their bytes."""
    return {each.name: (each.dtype, each.shape, data[each.offset : each.end]) for each in read(data).segments}


def numbers(dtype: str, *shape: int) -> Any:
    return np.frombuffer(RNG.bytes(int(np.prod(shape)) * np.dtype(dtype).itemsize), dtype).reshape(shape)


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_contiguous_datasets_are_segments(libver: str) -> None:
    arrays = {
        "f32": ("F32", numbers("<f4", 4, 8)), "f64": ("F64", numbers("<f8", 3)), "f16": ("F16", numbers("<f2", 2, 3)),
        "i8": ("I8", numbers("i1", 3)), "u16": ("U16", numbers("<u2", 3)), "i64": ("I64", numbers("<i8", 3)),
        "bool": ("BOOL", np.array([True, False])), "scalar": ("F32", np.array(2.5, "<f4")),
        "layers/dense/vars/0": ("F32", numbers("<f4", 20, 30)), "größe": ("U32", numbers("<u4", 2)),
    }  # fmt: skip
    data = made(lambda root: [root.create_dataset(name, data=each) for name, (_, each) in arrays.items()], libver)
    assert found(data) == {name: (dtype, each.shape, each.tobytes()) for name, (dtype, each) in arrays.items()}


def test_bfloat16_is_known_by_its_bits() -> None:
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_fields(15, 7, 8, 0, 7)
    kind.set_size(2)

    def fill(root: Any) -> None:
        dataset = h5py.h5d.create(root.id, b"weight", kind, h5py.h5s.create_simple((3,)))
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ones(3, "<f4"))

    assert found(made(fill)) == {"weight": ("BF16", (3,), b"\x80\x3f" * 3)}


def test_numbers_in_another_order_or_of_another_kind_have_no_dtype() -> None:
    def fill(root: Any) -> None:
        root.create_dataset("big", data=np.ones(3, ">f4"))
        root.create_dataset("pair", data=np.zeros(3, [("a", "<f4"), ("b", "<i4")]))

    assert found(made(fill)) == {"big": ("", None, b"\x3f\x80\0\0" * 3), "pair": ("", None, bytes(24))}


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_chunks_that_are_not_compressed_are_segments(libver: str) -> None:
    weights = numbers("<f4", 16, 12)
    data = made(lambda root: root.create_dataset("w", data=weights, chunks=(8, 8), maxshape=(None, 12)), libver)
    segments = found(data)
    assert segments.keys() == {"w[0,0]", "w[0,8]", "w[8,0]", "w[8,8]"}
    assert segments["w[8,0]"] == ("F32", (8, 8), weights[8:, :8].tobytes())


def test_what_does_not_lie_as_in_memory_has_no_segment() -> None:
    def fill(root: Any) -> None:
        weights = numbers("<f4", 40, 40)
        root.create_dataset("zipped", data=weights, chunks=(8, 8), compression="gzip")
        root.create_dataset("shuffled", data=weights, shuffle=True)
        root.create_dataset("many", data=numbers("u1", 2000), chunks=(1,))
        root.create_dataset("nothing", shape=(4, 4), dtype="<f4")
        root.create_dataset("null", data=h5py.Empty("<f4"))
        compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        compact.set_layout(h5py.h5d.COMPACT)
        h5py.h5d.create(root.id, b"compact", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((3,)), dcpl=compact)
        layout = h5py.VirtualLayout((40,), "<f4")
        layout[:] = h5py.VirtualSource("other.h5", "w", (40,))
        root.create_virtual_dataset("virtual", layout)
        root.create_dataset("outside", shape=(4,), dtype="<f4", external=[("/etc/passwd", 0, 16)])

    assert found(made(fill)) == {}


def test_links_are_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.h5").write_bytes(made(lambda root: root.create_dataset("secret", data=numbers("<f4", 4))))

    def fill(root: Any) -> None:
        root.create_dataset("w", data=numbers("<f4", 4))
        root["group/soft"] = h5py.SoftLink("/w")
        root["group/hard"] = root["w"]
        root["group/round"] = root
        root["group/external"] = h5py.ExternalLink("other.h5", "/secret")

    assert len(found(made(fill))) == 1


def test_the_process_that_reads_can_open_nothing() -> None:
    program = (
        f"import runpy, os; child = runpy.run_path({hdf5_child.__file__!r}); child['confine']()\n"
        "for path in ('/dev/null', '/etc/passwd', 'x'):\n"
        "    try: os.open(path, os.O_RDWR | os.O_CREAT)\n"
        "    except OSError: print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refused"] * 3


def test_modules_in_the_current_folder_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("h5py", "json", "mvc"):
        (tmp_path / f"{name}.py").write_text(f"open({name + '.was-run'!r}, 'w')")
    assert found(made(lambda root: root.create_dataset("w", data=np.zeros(3, "u1")))) == {"w": ("U8", (3,), bytes(3))}
    assert not list(tmp_path.glob("*.was-run"))


def test_thousands_of_datasets_are_read_within_the_budget() -> None:
    weights = np.zeros(4, "<f4")
    data = made(lambda root: [root.create_dataset(f"{n}/kernel", data=weights) for n in range(2000)], "earliest")
    assert len(read(data).segments) == 2000


def test_without_h5py_it_is_a_file_of_no_known_format(monkeypatch: pytest.MonkeyPatch) -> None:
    data = made(lambda root: root.create_dataset("w", data=np.zeros(3)))
    assert hdf5.matches(data[:16], source(data))
    assert not hdf5.matches(b"\x89PNG\r\n\x1a\n" + bytes(8), source(data))
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert not hdf5.matches(data[:16], source(data))
    assert hdf5.segments_at(source(data), 0, len(data)) == ()


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_weights_in_a_keras_archive_are_segments(compression: int) -> None:
    weights = numbers("<f4", 30, 30)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps({"name": "x" * 5000}))
        inner = made(lambda root: root.create_dataset("layers/dense/vars/0", data=weights))
        archive.writestr("model.weights.h5", inner)
    data = out.getvalue()
    segments = keras.read(source(data, "x.keras")).segments
    if compression == zipfile.ZIP_DEFLATED:
        assert segments == ()
    else:
        place = data.index(inner) + inner.index(weights.tobytes())
        assert segments == (Segment(place, 3600, "layers/dense/vars/0", "F32", (30, 30)),)


def test_a_file_that_ends_the_process_is_refused() -> None:
    data = bytearray((DATA / "chunks.h5").read_bytes())
    data[447] = 0  # ends h5py 3.16 with HDF5 2.0
    with pytest.raises(HeaderError, match="HDF5 library"):
        read(bytes(data))


def test_a_file_that_was_cut_is_refused() -> None:
    data = made(lambda root: root.create_dataset("w", data=np.zeros(300)))
    for end in (8, 9, 16, 47, 48, 100, 500, len(data) - 1):
        with pytest.raises(HeaderError, match="HDF5 library"):
            read(data[:end])


def test_only_what_the_source_allows_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvc.formats.source.BUDGET", 1000)
    with pytest.raises(HeaderError, match="reads of its parts exceed"):
        read(made(lambda root: root.create_dataset("w", data=np.zeros(300))))


CHILDREN = {
    "aborts": "import os; os.abort()",
    "hangs": "import time; time.sleep(60)",
    "ends": "",
    "stops in its request": "import sys; sys.stdout.write('abc')",
    "reads outside": "say(5, 1 << 40)",
    "reads before": "say(-1, -5)",
    "has no JSON": "say(-1, 3); out.write(b'???')",
    "nests": "say(-1, 100000); out.write(b'[' * 100000)",
    "answers less than it says": "say(-1, 1 << 62); out.write(b'[')",
    "is not read": "say(0, 8); out.flush(); os.close(0); say(0, 8)",
    "gives no list": "tell({})",
    "gives no records": "tell([1])",
    "gives short records": "tell([['w', 1]])",
    "gives other types": "tell([['w', 1.5, 8, 'F32', [2]]])",
    "leads outside": "tell([['w', 8, 8000, 'F32', [2000]]])",
    "leads before": "tell([['w', -8, 8, 'F32', [2]]])",
    "overlaps": "tell([['w', 8, 8, 'F32', [2]], ['v', 12, 8, 'F32', [2]]])",
    "has shapes below zero": "tell([['w', 8, 8, 'F32', [-1, -2]]])",
    "has names that are none": "tell([['\\ud800', 8, 8, 'F32', [2]]])",
}


@pytest.mark.parametrize("program", CHILDREN.values(), ids=CHILDREN)
def test_a_process_that_misbehaves_does_no_harm(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = tmp_path / "child.py"
    child.write_text(
        "import json, os, struct, sys\n"
        "out = sys.stdout.buffer\n"
        "def say(offset, size): out.write(struct.pack('<qq', offset, size)); out.flush()\n"
        "def tell(value): text = json.dumps(value).encode(); say(-1, len(text)); out.write(text)\n"
        f"{program}\n"
    )
    monkeypatch.setattr(hdf5, "_CHILD", str(child))
    monkeypatch.setattr(hdf5, "SECONDS", 1.0)
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
    with pytest.raises(HeaderError):
        read(b"\x89HDF\r\n\x1a\n" + bytes(100))
    assert not before or len(os.listdir("/proc/self/fd")) == before
