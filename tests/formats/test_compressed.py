"""Compressed containers: recognised by a few bytes, said once for each role, and how to save without."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from mvc.formats import compressed
from mvc.formats.compressed import compression
from mvc.formats.sniff import read_header
from mvc.formats.source import Source
from tests.cli.shell import Shell, begin
from tests.formats.archives import archive
from tests.formats.headers import source
from tests.formats.test_archives import tarball

WEIGHTS = np.random.default_rng(7).standard_normal(3 << 17).astype("f4")
RAW = WEIGHTS.tobytes()


def saved(save: Callable[[io.BytesIO], object]) -> bytes:
    """What a library writes into a file."""
    out = io.BytesIO()
    save(out)
    return out.getvalue()


def hdf5(**options: object) -> bytes:
    """A file of HDF5 with the weights."""

    def save(out: io.BytesIO) -> None:
        with h5py.File(out, "w") as file:
            file.create_dataset("layer/weight", data=WEIGHTS, **options)

    return saved(save)


def method(data: bytes, name: str = "") -> str:
    """The method by which a file is compressed, `""` if it is not."""
    assert len(data) >= compressed.SMALLEST
    found = compression(source(data, name), read_header(source(data, name)))
    return found.method if found is not None else ""


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("best.tar.gz", gzip.compress(tarball({"a.pt": RAW}), 1), "gzip"),
        ("best.pkl.gz", gzip.compress(RAW, 1), "gzip"),
        ("best.tar.bz2", bz2.compress(b"helmets") + RAW, "bzip2"),
        ("best.tar.xz", lzma.compress(b"helmets") + RAW, "xz"),
        ("c/0/0", b"\x28\xb5\x2f\xfd" + RAW, "zstd"),
        ("best.lz4", b"\x04\x22\x4d\x18" + RAW, "lz4"),
        ("best.joblib", zlib.compress(RAW, 3), "zlib"),
        ("best.bin", zlib.compress(RAW, 3), ""),
        ("best.npz", saved(lambda out: np.savez_compressed(out, weight=WEIGHTS)), "deflate"),
        ("best.npz", saved(lambda out: np.savez(out, weight=WEIGHTS)), ""),
        ("best.mar", archive({"a.pt": RAW}, zipfile.ZIP_DEFLATED), "deflate"),
        ("best.zip", archive({"a.pt": RAW}), ""),
        ("best.h5", hdf5(compression="gzip", chunks=(1 << 16,)), "gzip"),
        ("best.h5", hdf5(shuffle=True), ""),
        ("best.tar", tarball({"a.txt": RAW}), ""),
        ("best.bin", RAW, ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_method_is_known(name: str, data: bytes, expected: str) -> None:
    assert method(data, name) == expected


def test_small_files_and_malformed_ones_are_left_out() -> None:
    small = gzip.compress(b"helmets")
    assert compression(source(small), None) is None
    broken = archive({"a.pt": RAW}, zipfile.ZIP_DEFLATED)[:-30]
    assert compression(source(broken), None) is None


def test_little_is_read() -> None:
    data = gzip.compress(RAW, 1)
    read: list[int] = []

    def read_at(offset: int, size: int) -> bytes:
        read.append(size)
        return data[offset : offset + size]

    assert compression(Source(read_at, len(data)), None) is not None
    assert sum(read) < 100


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return begin(tmp_path, monkeypatch)


def bundle(rng: random.Random) -> bytes:
    """A compressed bundle of other weights."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as file:
        info = tarfile.TarInfo("a.pt")
        info.size = 1 << 20
        file.addfile(info, io.BytesIO(rng.randbytes(1 << 20)))
    return out.getvalue()


def test_it_is_said_once_for_each_role(shell: Shell, rng: random.Random) -> None:
    def note(said: str) -> bool:
        return "note: best.tar.gz is compressed by gzip, so each version costs its whole size" in said

    shell.write("best.tar.gz", bundle(rng))
    shell.ok("add", "best.tar.gz", "--as", "weights")
    status = shell.ok("status", "--json").json
    assert [entry["path"] for entry in status["compressed"]] == ["best.tar.gz"]
    assert note(shell.ok("status").err)
    done = shell.ok("commit", "-m", "one")
    assert note(done.err)
    assert "`gunzip`" in done.err
    shell.write("best.tar.gz", bundle(rng))
    assert shell.ok("status", "--json").json["compressed"] == []
    assert not note(shell.ok("commit", "-m", "two").err)
    shell.write("best.tar.gz", rng.randbytes(1 << 20))  # a tar that was not compressed, say
    assert not note(shell.ok("commit", "-m", "three").err)
    shell.write("best.tar.gz", bundle(rng))
    committed = shell.ok("commit", "-m", "four", "--json").json
    assert [entry["path"] for entry in committed["compressed"]] == ["best.tar.gz"]


def test_files_that_are_compressed_alike_have_one_line(shell: Shell, rng: random.Random) -> None:
    for number in range(3):
        shell.write(f"parts/{number}.tar.gz", bundle(rng))
    shell.ok("add", "parts", "--as", "parts")
    done = shell.ok("commit", "-m", "one")
    lines = [line for line in done.err.splitlines() if "compressed by" in line]
    assert [line.partition(" compressed")[0] for line in lines] == ["note: parts/0.tar.gz and 2 other files are"]


def test_an_unchanged_file_is_not_looked_at(shell: Shell, rng: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.write("best.tar.gz", bundle(rng))
    shell.ok("add", "best.tar.gz", "--as", "weights")
    shell.commit("one")
    monkeypatch.setattr(compressed, "compression", lambda *_: pytest.fail("an unchanged file was read"))
    assert shell.ok("status", "--json").json["compressed"] == []
