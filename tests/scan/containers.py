"""Hostile containers: archives, checkpoints, arrays and compressed streams, and for each of their rules a file that it finds."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import struct
import tarfile
import zipfile
import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping

import numpy as np
import zstandard

from mvc.scan.archives import streams, tar
from mvc.scan.archives import zip as zips
from mvc.scan.pickles import npy, torch
from tests.formats.archives import END, ENTRY, LOCAL, archive, patched
from tests.formats.pickles import (
    BUILD,
    NONE,
    STOP,
    call,
    checkpoint,
    group,
    mapping,
    named,
    number,
    storage,
    tensor,
    text,
)
from tests.scan.cases import Case
from tests.scan.structures import EMPTY, LIST, NEWOBJ, RUN

HOSTILE = b"\x80\2" + RUN + STOP
WEIGHTS = tensor(storage("0", 4), 0, (4,), (1,))
DATA = bytes(range(16))
PLAIN = checkpoint(mapping({"w": WEIGHTS}), {"0": DATA})


def saved(root: bytes, storages: Mapping[str, bytes] | None = None, **more: bytes) -> bytes:
    """A checkpoint that PyTorch loads: it asks for a version."""
    return checkpoint(root, storages or {}, version=b"3\n", **more)


def tarred(
    members: Mapping[str, bytes],
    *,
    kind: bytes = tarfile.REGTYPE,
    link: str = "",
    records: Mapping[str, str] | None = None,
    everywhere: Mapping[str, str] | None = None,
) -> bytes:
    """A tar archive, all of whose members have a type, a target as links, and pax records."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers=everywhere) as file:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.type, entry.linkname = len(data), kind, link
            entry.pax_headers = dict(records or {})
            file.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def duplicated(name: str, *contents: bytes) -> bytes:
    """A zip archive with a name twice."""
    parts = {f"{name[:-1]}{number_}": data for number_, data in enumerate(contents)}
    data = archive({"run/version": b"3\n", **parts})
    for part in parts:
        data = data.replace(part.encode(), name.encode())
    return data


def legacy(*pickles: bytes, sizes: tuple[int, ...] = (4,)) -> bytes:
    """A checkpoint of PyTorch before archives, some of whose five pickles are these instead."""
    magic = b"\x80\2\x8a\x0a" + 0x1950A86A20F9469CFC6C.to_bytes(10, "little") + STOP
    saved = b"\x80\2" + mapping({"w": WEIGHTS}) + STOP
    usual = [magic, b"\x80\2M\xe9\3.", b"\x80\2" + mapping({"little_endian": b"\x88"}) + STOP, saved, _keys("0")]
    for number_, data in enumerate(pickles):
        usual[number_] = data or usual[number_]
    return b"".join(usual) + b"".join(struct.pack("<Q", size) + DATA for size in sizes)


def _keys(*keys: str) -> bytes:
    return b"\x80\2" + LIST + b"(" + b"".join(map(text, keys)) + b"e" + STOP


def objects(descr: str, data: bytes = HOSTILE, version: int = 1) -> bytes:
    """An array of numpy in a file, with a pickle behind its header."""
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}\n".encode()
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(header)) + header + data


def wrapper(dtype: str, count: int, content: bytes, *, aligned: bool = True, state: bytes = b"") -> bytes:
    """The wrapper of an array in a file of joblib, and the bytes of the array behind it."""
    parts = {
        "subclass": named("numpy ndarray"),
        "shape": group(number(count)),
        "order": text("C"),
        "dtype": call("numpy dtype", text(dtype), b"\x89", b"\x88") + state,
        "allow_mmap": b"\x88",
        **({"numpy_array_alignment_bytes": number(16)} if aligned else {}),
    }
    built = named("joblib.numpy_pickle NumpyArrayWrapper") + EMPTY + NEWOBJ + mapping(parts) + BUILD
    return built + (b"\1\xff" if aligned else b"") + content


def dumped(*parts: bytes) -> bytes:
    return b"\x80\3" + LIST + b"(" + b"".join(parts) + b"e" + STOP


HIDDEN = archive({"run/version": b"3\n"})
_AT = HIDDEN.index(ENTRY)


def gapped(data: bytes) -> bytes:
    """An archive with bytes between its members and its directory."""
    end = patched(HIDDEN[HIDDEN.index(END) :], END, 16, _AT + len(data), 4)
    return HIDDEN[:_AT] + data + HIDDEN[_AT : HIDDEN.index(END)] + end


def overlapping() -> bytes:
    """An archive with a member inside of another one."""
    inner = archive({"b.npy": objects("'<f4'", bytes(4))})
    member, entry = inner[: inner.index(ENTRY)], inner[inner.index(ENTRY) : inner.index(END)]
    outer = archive({"a.bin": member})
    place = outer.index(END)
    entry = patched(entry, ENTRY, 42, outer.index(member), 4)
    size = place - outer.index(ENTRY) + len(entry)
    return (
        outer[:place] + entry + patched(patched(patched(outer[place:], END, 8, 2, 2), END, 10, 2, 2), END, 12, size, 4)
    )


def repeated(times: int) -> bytes:
    """An archive whose only member is in its directory that many times."""
    one = archive({"a.bin": bytes(100)})
    at, end = one.index(ENTRY), one.index(END)
    entries = b"".join(one[at:end].replace(b"a.bin", b"%05d" % number) for number in range(times))
    tail = patched(patched(patched(one[end:], END, 8, times, 2), END, 10, times, 2), END, 12, len(entries), 4)
    return one[:at] + entries + tail


def prefixed(prefix: bytes) -> bytes:
    """An archive behind bytes of something else, with the right offsets."""
    out = io.BytesIO(prefix)
    with zipfile.ZipFile(out, "a") as file:
        file.writestr("a.npy", objects("'<f4'", bytes(4)))
    return out.getvalue()


TWO_DIRECTORIES = HIDDEN[:_AT] + HIDDEN[_AT : HIDDEN.index(END)] * 2 + HIDDEN[HIDDEN.index(END) :]

TORCH: dict[str, tuple[bytes, str, str]] = {
    "the object": (saved(RUN), "pickle-call", "torch"),
    "the object, compressed": (archive({"run/data.pkl": HOSTILE, "run/version": b"3\n"}, zipfile.ZIP_DEFLATED), "pickle-call", "torch"),
    "the object, by bzip2": (archive({"run/data.pkl": HOSTILE}, zipfile.ZIP_BZIP2), "pickle-call", "torch"),
    "constants": (saved(NONE, None, **{"constants.pkl": HOSTILE}), "pickle-call", "zip"),
    "another pickle": (saved(NONE, None, **{"extra.pkl": HOSTILE}), "pickle-call", "zip"),
    "the object twice, the last one": (duplicated("run/data.pkl", b"N.", HOSTILE), "pickle-call", "torch"),
    "the object twice, the first one": (duplicated("run/data.pkl", HOSTILE, b"N."), "pickle-call", ""),
    "an archive in an archive": (archive({"a/b.pt": saved(RUN)}), "pickle-call", ""),
    "an archive after archives": (PLAIN + saved(RUN) + PLAIN, "pickle-call", ""),
    "an archive behind a pickle": (HOSTILE + PLAIN, "pickle-call", "pickle"),
    "a wrong checksum": (
        patched(patched(saved(RUN), ENTRY, 16, 1, 4), LOCAL, 14, 1, 4), "pickle-call", ""
    ),
    "a false flag": (patched(patched(saved(RUN), ENTRY, 8, 1, 2), LOCAL, 6, 1, 2), "pickle-call", ""),
    "an archive behind a picture": (b"GIF89a" + PLAIN, "zip-directory", ""),
    "a gap": (gapped(HOSTILE), "zip-gap", ""),
    "two directories": (TWO_DIRECTORIES, "zip-directory", ""),
    "a storage that is too short": (saved(WEIGHTS, {"0": DATA[:8]}), "torch-storage", ""),
    "the version of a checkpoint": (checkpoint(NONE, {}, version=HOSTILE), "pickle-call", ""),
    "a path": (archive({"run/data.pkl": b"N.", "../../.bashrc": b""}), "zip-path", ""),
}  # fmt: skip
LEGACY: dict[str, tuple[bytes, str, str]] = {
    "the object": (legacy(b"", b"", b"", HOSTILE), "pickle-call", "torch"),
    "the system": (legacy(b"", b"", HOSTILE), "pickle-call", "torch"),
    "the protocol": (legacy(b"", HOSTILE), "pickle-call", "torch"),
    "the keys": (legacy(b"", b"", b"", b"\x80\2N.", HOSTILE), "pickle-call", "torch"),
    "a storage that is too long": (legacy(sizes=(2,)), "torch-storage", ""),
}
TARS: dict[str, tuple[bytes, str, str]] = {
    "a pickle": (tarred({"a.yaml": b"a: 1\n", "data.pkl": HOSTILE}), "pickle-call", "tar"),
    "a pickle twice": (tarred({"data.pkl": HOSTILE}) [:-10240 + 1024] + tarred({"data.pkl": b"N."}), "pickle-call", "tar"),
    "a checkpoint": (tarred({"model.ckpt": checkpoint(RUN, {})}), "pickle-call", ""),
    "a link": (tarred({"weights": b""}, kind=tarfile.SYMTYPE, link="../../etc"), "tar-link", ""),
    "a device": (tarred({"weights": b""}, kind=tarfile.CHRTYPE), "tar-device", ""),
    "a path": (tarred({"/etc/cron.d/x": b"x"}), "tar-path", ""),
    "before the end": (tarred({"data.pkl": HOSTILE})[:2100], "pickle-call", "tar"),
}  # fmt: skip


def lz4(data: bytes) -> bytes:
    """A frame of LZ4 with one block, which is stored as it is (lz4_Frame_format.md)."""
    return b"\x04\x22\x4d\x18\x60\x40\x82" + struct.pack("<I", len(data) | 1 << 31) + data + bytes(4)


def zstd_member(data: bytes) -> bytes:
    """A zip archive with a member that is compressed by Zstandard, method 93 of APPNOTE.TXT."""
    packed = zstandard.compress(data)
    plain = archive({"a.pkl": packed})
    for magic, method, size in ((ENTRY, 10, 24), (LOCAL, 8, 22)):
        plain = patched(patched(plain, magic, method, 93, 2), magic, size, len(data), 4)
        plain = patched(plain, magic, size - 8, zlib.crc32(data), 4)
    return plain


def larger(data: bytes) -> bytes:
    """A stream of lzma that asks for a dictionary of 1 GiB."""
    return data[:1] + struct.pack("<I", 1 << 30) + data[5:]


PASSED_OVER = b"\x50\x2a\x4d\x18\4\0\0\0abcd"
"""A frame that readers of LZ4 and of Zstandard pass over."""
STREAMS: dict[str, tuple[bytes, str, str]] = {
    "gzip": (gzip.compress(HOSTILE), "pickle-call", "gzip"),
    "gzip after gzip": (gzip.compress(b"\x80\2") + gzip.compress(RUN + STOP), "pickle-call", "gzip"),
    "bzip2": (bz2.compress(HOSTILE), "pickle-call", ""),
    "xz": (lzma.compress(HOSTILE), "pickle-call", ""),
    "lzma": (lzma.compress(HOSTILE, lzma.FORMAT_ALONE), "pickle-call", ""),
    "lzma, a large dictionary": (larger(lzma.compress(HOSTILE, lzma.FORMAT_ALONE)), "too-long", ""),
    "zstd": (zstandard.compress(HOSTILE), "pickle-call", ""),
    "zstd, two frames": (zstandard.compress(b"\x80\2") + zstandard.compress(RUN + STOP), "pickle-call", ""),
    "zstd, a frame that is passed over": (PASSED_OVER + zstandard.compress(HOSTILE), "pickle-call", ""),
    "zstd, truncated": (zstandard.compress(HOSTILE + np.random.default_rng(1).bytes(1 << 18))[:-20], "pickle-call", ""),
    "zstd, a large window": (b"\x28\xb5\x2f\xfd\0\xa0\x01\0\0", "too-long", ""),
    "zstd, far more": (zstandard.compress(bytes(1 << 24)), "too-long", ""),
    "lz4": (lz4(HOSTILE), "pickle-call", ""),
    "lz4, two frames": (lz4(b"\x80\2") + lz4(RUN + STOP), "pickle-call", ""),
    "lz4, a frame that is passed over": (PASSED_OVER + PASSED_OVER + lz4(HOSTILE), "pickle-call", ""),
    "lz4, truncated": (lz4(HOSTILE)[:-4], "pickle-call", ""),
    "lz4 in zstd": (zstandard.compress(lz4(HOSTILE)), "pickle-call", ""),
    "lzma in an archive": (archive({"a.pkl": HOSTILE}, zipfile.ZIP_LZMA), "pickle-call", ""),
    "zstd in an archive": (zstd_member(HOSTILE), "pickle-call", ""),
    "zlib": (zlib.compress(HOSTILE), "pickle-call", ""),
    "zlib, fast": (zlib.compress(HOSTILE, 1), "pickle-call", ""),
    "a tar archive": (gzip.compress(tarred({"data.pkl": HOSTILE})), "pickle-call", ""),
    "truncated": (gzip.compress(HOSTILE + bytes(100_000))[:-20], "pickle-call", ""),
}
ARRAYS: dict[str, tuple[bytes, str, str]] = {
    "objects": (objects("'|O'"), "pickle-call", "numpy"),
    "a field of objects": (objects("[('a', '<f4'), ('b', '|O')]"), "pickle-call", "numpy"),
    "a field in a field": (objects("[('a', [('b', '|O')])]"), "pickle-call", "numpy"),
    "a subarray of objects": (objects("[('a', '|O', (2,))]"), "pickle-call", "numpy"),
    "version 2": (objects("'|O'", version=2), "pickle-call", "numpy"),
    "an archive": (archive({"a.npy": objects("'|O'")}), "pickle-call", "numpy-member"),
    "an archive, compressed": (
        archive({"a.npy": objects("'|O'")}, zipfile.ZIP_DEFLATED),
        "pickle-call",
        "numpy-member",
    ),
    "the next array": (objects("'<f4'", bytes(4)) + objects("'|O'"), "pickle-call", "numpy-arrays"),
    "the next array, behind one of fields": (
        objects("[('a', '<f4', (2,)), ('', '|V2'), ('b', [('c', 'U2')])]", bytes(18)) + objects("'|O'"),
        "pickle-call",
        "numpy-arrays",
    ),
    "a pickle behind an array": (objects("'<f4'", bytes(4)) + HOSTILE, "pickle-call", ""),
    "a pickle under its name": (HOSTILE, "pickle-call", "numpy"),
}


def _state(size: int, flags: int = 0) -> bytes:
    """The state of a dtype without fields."""
    return group(number(3), text("|"), NONE, NONE, NONE, number(size), number(1), number(flags)) + BUILD


def _keyed(key: str, value: bytes) -> bytes:
    """An array of joblib, whose state has a key twice: as a text, and as a scalar of numpy, which is equal to the text."""
    data = key.encode("utf-32-le")
    made = call(
        "numpy._core.multiarray scalar",
        call("numpy dtype", text(f"U{len(key)}"), b"\x89", b"\x88"),
        b"C" + bytes([len(data)]) + data,
    )
    return wrapper("<f8", 2, bytes(8) + RUN + bytes(40), aligned=False).replace(b"ub\0", made + value + b"ub\0", 1)


_SECRET = b"\x80\2" + RUN + STOP
JOBLIB: dict[str, tuple[bytes, str, str]] = {
    "the object": (dumped(RUN), "pickle-call", "pickle"),
    "behind an array": (dumped(wrapper("<f4", 2, bytes(8)), RUN), "pickle-call", ""),
    "behind an array that is not aligned": (dumped(wrapper("<f4", 2, bytes(8), aligned=False), RUN), "pickle-call", ""),
    "an array of objects": (dumped(wrapper("|O", 1, _SECRET, aligned=False)), "pickle-call", ""),
    "an array of fields of objects": (
        dumped(
            wrapper(
                "V16", 1, _SECRET, aligned=False,
                state=group(number(3), text("|"), NONE, group(text("a")),
                            mapping({"a": group(call("numpy dtype", text("O8")), number(0))}), number(16), number(1), number(63)) + BUILD,
            )
        ),
        "pickle-call", "",
    ),
    "the bytes of an array": (dumped(wrapper("|u1", len(RUN + STOP), RUN + STOP, aligned=False)), "pickle-call", ""),
    "compressed": (zlib.compress(dumped(wrapper("<f4", 2, bytes(8)), RUN)), "pickle-call", ""),
    "a dtype whose size is another one": (
        dumped(wrapper("S4", 2, bytes(18), state=_state(9)), RUN), "pickle-call", ""
    ),
    "a dtype whose flags are wrong": (dumped(wrapper("<f4", 2, bytes(8), state=_state(-1, flags=63)), RUN), "joblib-array", ""),
    "a count that overflows": (dumped(wrapper("<f4", 2, RUN).replace(number(2), number(1 << 62) + number(4)), RUN), "joblib-array", ""),
    "a size by another key": (dumped(_keyed("shape", group(number(1)))), "joblib-array", ""),
    "a dtype by another key": (dumped(_keyed("dtype", call("numpy dtype", text("|O"), b"\x89", b"\x88"))), "joblib-array", ""),
    "a dtype without digits": (dumped(wrapper("f", 2, bytes(2) + STOP + b"\xff" * 5), RUN), "pickle-call", ""),
    "behind a wrapper that pickle.load makes an object": (
        dumped(wrapper("<f4", 2, b"0cteam.net\nrun\n)R." + bytes(8), aligned=False)), "pickle-call", ""
    ),
    "an array in another file": (
        dumped(named("joblib.numpy_pickle NDArrayWrapper") + EMPTY + NEWOBJ + mapping({"filename": text("/etc/passwd")}) + BUILD),
        "joblib-outside", "",
    ),
}  # fmt: skip

FAMILIES = {
    "torch": TORCH, "torch legacy": LEGACY, "tar": TARS, "compressed": STREAMS, "numpy": ARRAYS, "joblib": JOBLIB,
}  # fmt: skip

CLOSED: dict[str, bytes] = {
    "7-Zip": b"7z\xbc\xaf\x27\x1c" + bytes(40),
    "LZ4 before its frames": b"\x02\x21\x4c\x18" + bytes(40),
    "RAR": b"Rar!\x1a\x07\1\0" + bytes(40),
}
"""Streams that the scan does not unfold."""


def cases() -> Iterator[Case]:
    for family, files in FAMILIES.items():
        for name, (data, rule, loader) in files.items():
            yield Case(family, name, data, rule, loader)


ALONE: dict[str, bytes] = {
    zips.TWO_NAMES.id: duplicated("run/data.pkl", b"N.", b"N."),
    zips.LOCAL.id: patched(PLAIN, LOCAL, 30, ord("s"), 1),
    zips.DIRECTORY.id: patched(PLAIN, END, 10, 3, 2),
    zips.GAP.id: gapped(b"hidden"),
    zips.PREFIX.id: prefixed(b"GIF89a"),
    zips.OVERLAP.id: overlapping(),
    zips.CLOSED.id: patched(patched(HIDDEN, ENTRY, 8, 1, 2), LOCAL, 6, 1, 2),
    zips.HEADER.id: PLAIN.replace(LOCAL, b"PK\3\0"),
    zips.CHECKSUM.id: patched(patched(PLAIN, ENTRY, 16, 1, 4), LOCAL, 14, 1, 4),
    zips.ABSOLUTE.id: archive({"../x": b""}),
    tar.PATH.id: tarred({"/x": b""}),
    tar.LINK.id: tarred({"x": b""}, kind=tarfile.SYMTYPE, link="/etc"),
    tar.DEVICE.id: tarred({"x": b""}, kind=tarfile.FIFOTYPE),
    tar.SPARSE.id: tarred({"x": b""}, records={"GNU.sparse.major": "1"}),
    tar.GLOBAL.id: tarred({"x": b""}, everywhere={"path": "y"}),
    streams.CLOSED.id: CLOSED["7-Zip"],
    npy.DTYPE.id: objects("3", b"N."),
    torch.SIZE.id: checkpoint(WEIGHTS, {"0": DATA[:8]}),
    torch.REFERENCE.id: checkpoint(group(text("file"), text("/etc/passwd")) + b"Q", {}),
    torch.OLD.id: tarred({"pickle": b"N.", "storages": b"N.", "tensors": b"N."}),
}
"""For each rule of containers, a file whose verdict is another one without it."""


LZ4_OF_JOBLIB = (
    "BCJNGEBAwO8AAABSgASV2QABAPAQfZSMAXeUjBNqb2JsaWIubnVtcHlfcGlja2xllIwRTg8A8RNBcnJheVdyYXBwZXKUk5QpgZR9lCiMCHN1Ym"
    "NsYXNzlIwFNgBglIwHbmRhLAD0GJSTlIwFc2hhcGWUSwJLFIaUjAVvcmRlcpSMAUOUjAVkdHlwZZRoCAoA8Q2TlIwCZjSUiYiHlFKUKEsDjAE8"
    "lE5OTkr/////BQDyBksAdJRijAphbGxvd19tbWFwlIiMG6oAAXAA9ghfYWxpZ25tZW50X2J5dGVzlEsQdWIL/wEAAusAb4A/AAAAQAwAflAAAA"
    "BzLgAAAAA="
)
"""What joblib 1.6 wrote with `compress="lz4"`: an array, as base64."""


def without_sums(data: bytes) -> bytes:
    """An archive whose checksums are zeros, as PyTorch writes it after `torch.serialization.set_crc32_options(False)`."""
    for magic, place in ((ENTRY, 16), (LOCAL, 14)):
        parts = data.split(magic)
        data = magic.join([parts[0], *(part[: place - 4] + bytes(4) + part[place:] for part in parts[1:])])
    return data


def honest() -> Iterator[tuple[str, bytes]]:
    """Files that are plain."""
    yield "checkpoint", PLAIN
    yield "checkpoint, without checksums", without_sums(PLAIN)
    yield (
        "checkpoint, compressed",
        archive({"run/data.pkl": b"\x80\2" + WEIGHTS + STOP, "run/data/0": DATA}, zipfile.ZIP_DEFLATED),
    )
    yield "legacy", legacy()
    yield "joblib", dumped(wrapper("<f4", 4, DATA), wrapper("<U2", 2, DATA), wrapper("bool", 16, DATA, aligned=False))
    out = io.BytesIO()
    np.savez(out, a=np.arange(4), b=np.zeros(3, "S4"), c=np.zeros(2, [("x", "f4"), ("y", "i2", (2,))]))
    yield "npz", out.getvalue()
    for name, array in {"npy": np.arange(4), "objects": np.array([1, "a", None, [2]], object)}.items():
        out = io.BytesIO()
        np.save(out, array)
        yield name, out.getvalue()
    yield "archives one after another", PLAIN + PLAIN + archive({"a.npy": objects("'<f4'", bytes(4))})
    yield "arrays one after another", objects("'<f4'", bytes(4)) * 3
    yield "an array before other bytes", objects("'<f4'", bytes(4)) + b"\1\2\3"
    yield "tar", tarred({"a.npy": objects("'<f4'", bytes(4))})
    values = pickle.dumps({"a": [1, 2.5, "x", b"y", None]})
    yield "gzip", gzip.compress(values)
    yield "zstd", zstandard.compress(values)
    yield "zstd, parts", zstandard.compress(values[:9]) + PASSED_OVER + zstandard.compress(values[9:])
    long = zstandard.ZstdCompressionParameters(window_log=27, write_checksum=True, write_content_size=False)
    yield "zstd, long", zstandard.ZstdCompressor(compression_params=long).compress(values)
    yield "lz4", lz4(values)
    yield "lz4, parts", lz4(values[:9]) + PASSED_OVER + lz4(values[9:])
    yield "lz4, by joblib", b64decode(LZ4_OF_JOBLIB)
    yield "lzma in an archive", archive({"a.pkl": values}, zipfile.ZIP_LZMA)
    yield "zstd in an archive", zstd_member(values)
