"""Inputs to begin with: what mvc writes in repositories of every state, and the cases of other suites."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import itertools
import json
import pickle
import random
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import zstandard

from mvc.model.compare.environment_record import EnvironmentRecord
from mvc.model.ids import FileId, VersionId, digest
from mvc.model.toml import parse
from mvc.model.tree import Tree, TreeEntry
from mvc.model.version import Person, Timestamp, Version
from mvc.registry.hubs import version_objects
from mvc.registry.marker import Marker
from mvc.repository.imports.source import VersionObjects
from mvc.repository.record.options import Changes
from mvc.repository.record.request import RecordRequest, RequestedFile
from mvc.repository.signatures import sshsig
from mvc.storage.chunks import encodings, numbers, zstd
from mvc.storage.chunks.encodings import Shape
from mvc.storage.packs.packformat import HEADER, MAGIC, TRAILER
from mvc.storage.records.annotations import attestations
from mvc.storage.records.annotations.evaluations import Cell, ClassResult, Curve, Evaluation, Matrix, Point
from mvc.storage.records.annotations.remarks import Note
from mvc.storage.records.annotations.signatures import Signature
from mvc.transport.lockfile import Lock
from tests.formats.archives import archive
from tests.fuzz.targets.objects import RECORDS, kind_of
from tests.fuzz.texts import TEXTS
from tests.hostile.worlds import PREPARATIONS, World
from tests.scan import calls, containers, readers, structures
from tests.scan.formats import test_configs, test_files, test_graphs, test_rare, test_templates

LONGEST = 8 * 1024
"""Bytes of an input, at most."""
_TOML = b'[model]\nname = "helmets"\n\n[files]\nmodel-latest = "best.onnx"\n\n[parameters]\nlr = 1.0\n'
_OBJECTS = {"version": "version", "manifest": "manifest", "tree": "tree", "recipe": "recipe", "ref-entry": "ref-entry"}


def written() -> dict[str, list[bytes]]:
    """Return inputs by target."""
    found: dict[str, list[bytes]] = {}
    for name, data in itertools.chain(_of_texts(), _of_values(), _encoded(), _of_stores(), _of_scans()):
        if len(data) <= LONGEST:
            found.setdefault(name, []).append(data)
    return found


def _of_texts() -> Iterator[tuple[str, bytes]]:
    for name, texts in TEXTS.items():
        for text in texts:
            yield name, text
            if name == "model-toml":
                yield "model-toml-edit", text


def _of_values() -> Iterator[tuple[str, bytes]]:
    """Yield what mvc writes for other programs and other machines."""
    id_ = VersionId("ab" * 32)
    at = Timestamp(1_700_000_000, 60)
    evaluation = Evaluation(
        id_, 1, "Ana", at, "0" * 32, dataset="night", dataset_version="3",
        metrics={"map": 0.5}, classes=(ClassResult("helmet", {"ap": 0.5}, 3),),
        matrix=Matrix(("helmet", "head"), (Cell(0, 1, 3),)), curves=(Curve("", (Point(0.5, 0.5, 0.5, 0.5),)),),
        values={"note": "x"},
    )  # fmt: skip
    yield "evaluation-record", evaluation.encode()
    yield "records", Note(id_, 1, "Ana", at, "0" * 32, text="text", values={"k": 1}).encode()
    yield "records", Signature(id_, 1, "Ana", at, "0" * 32, format="sshsig", key="SHA256:x", signature="AAAA").encode()
    lock = Lock(
        "s3://models", "helmet", id_, (TreeEntry("a/b.onnx", "model-latest", 3, FileId("cd" * 32)),), {"region": "eu"}
    )
    yield "lock-file", lock.encode()
    yield (
        "attestation",
        attestations.payload(id_, [("helmet@v1", str(id_)), ("a.bin", "cd" * 32)], "https://x/y", {"k": 1}),
    )
    request = RecordRequest(
        "helmet", {"model-latest": RequestedFile(Path("/a/b.onnx"), 3, FileId("ab" * 32), (1, 2))}, "message",
        Person("Ana", "ana@example.org"), at, Changes([(("metrics", "map"), 0.5)], [("parameters", "lr")], ("labelmap",)),
    )  # fmt: skip
    yield "record-request", request.encode("mvc record")
    yield "environment", EnvironmentRecord("3.11", "linux", {"torch": "2.9"}, ("L4",), "12", "5").encode()
    manifest = parse.parse(_TOML, where="model.toml")
    tree = Tree.of([TreeEntry("best.onnx", "model-latest", 5, FileId(digest(b"12345")))])
    version = Version((id_,), 2, Person("Ana", "a@b"), at, "Tuned", manifest.id(), tree.id(), FileId(digest(_TOML)))
    yield "marker", Marker("0197-abc", version, manifest, tree, _TOML).encode()
    yield "version-objects", version_objects.encode(VersionObjects(version, manifest, tree, _TOML))
    yield "version", replace(version, message='Tuned "twice"\\n').encode()
    yield from _wide()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in ("a/b.txt", "c.bin"):
            member = tarfile.TarInfo(name)
            member.size = 3
            archive.addfile(member, io.BytesIO(b"abc"))
    yield "oci-archive", packed.getvalue()[:3072]
    yield "oci-layer", gzip.compress(packed.getvalue(), mtime=0)
    yield "oci-layer", zstd.compress(packed.getvalue())
    key = struct.pack(">I", 11) + b"ssh-ed25519" + struct.pack(">I", 32) + bytes(32)
    parts = (key, b"mvc.version", b"", b"sha512", b"\0\0\0\x0bssh-ed25519\0\0\0\x40" + bytes(64))
    signature = b"SSHSIG" + struct.pack(">I", 1) + b"".join(struct.pack(">I", len(part)) + part for part in parts)
    yield "ssh-signature", signature
    yield "ssh-signature", sshsig.parse(signature).text.encode()
    yield "ssh-signature", sshsig.parse(signature).armored


def _wide() -> Iterator[tuple[str, bytes]]:
    """Yield archives with the fields of large ones: zip64, a comment, a size in binary."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a.npy", b"")
        file.comment = b"PK\5\6"
    plain = out.getvalue()
    yield "weights-npz", plain
    at, wide = plain.index(b"PK\1\2"), struct.pack("<HHQQ", 1, 16, 0, 0)
    entry = bytearray(plain[at : at + 51])
    entry[20:28], entry[30:32] = b"\xff" * 8, struct.pack("<H", len(wide))
    end = bytearray(plain[at + 51 :])
    end[12:16] = struct.pack("<I", len(entry) + len(wide))
    for name in ("weights-npz", "scan-zip"):
        yield name, plain[:at] + bytes(entry) + wide + bytes(end)
    header = bytearray(tarfile.TarInfo("a.bin").tobuf())
    header[124:136] = b"\x80" + bytes(11)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    for name in ("weights-tar", "scan-tar"):
        yield name, bytes(header) + bytes(1024)
    yield "tensor-values", bytes(range(64))
    for data in (gzip.compress(b"a", mtime=0), zstd.compress(b"a"), zlib.compress(b"a"), plain):
        yield "compression", data


def _of_stores() -> Iterator[tuple[str, bytes]]:
    kinds = {each.KIND for each in RECORDS}
    with tempfile.TemporaryDirectory() as top:
        for number, prepare in enumerate(PREPARATIONS):
            world = World(Path(top) / str(number), prepare)
            for name in world.files:
                data = (world.root / name).read_bytes()
                kind = kind_of(data)
                if kind in kinds:
                    yield "records", data
                if kind == "expired":
                    yield "remote-records", data
                if kind in ("version", "manifest", "tree", "recipe"):
                    yield kind, data
                    yield "canonical-json", data
                elif "/refs/" in name:
                    yield "ref-entry", data
                    yield "remote-records", data
                elif name.startswith(".mvc") and "/packs/" in name:
                    yield "pack", data
                    yield "chunk-index", data
                    yield from _chunks(data)
                elif name.startswith(".mvc") and "/meta/" in name and name.endswith(".pack"):
                    yield "metadata-pack", data
                    yield "remote-inventory", data
                elif name == ".mvc-origin/format":
                    yield "remote-records", data
                elif name.endswith("config.toml"):
                    yield "config", data
                elif name == "model.toml":
                    yield "model-toml", data


def _chunks(pack: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the encoded chunks of a pack, each with zeros as its base."""
    offset, end = len(MAGIC), TRAILER.unpack(pack[-TRAILER.size :])[0]
    while offset < end:
        _, _, encoding, _, width, raw, stored, _ = HEADER.unpack_from(pack, offset)
        body = pack[offset + HEADER.size : offset + HEADER.size + stored]
        if raw < 1 << 16:
            yield "encoded-chunk", _chunk(encoding, width, raw, bytes(min(raw, 256)), body)
        offset += HEADER.size + stored


def _encoded() -> Iterator[tuple[str, bytes]]:
    """Yield numbers in each encoding."""
    rng = random.Random(7)
    for width in (1, 2, 4, 8):
        base = bytes(rng.choice((0, 0, 0, 1, 2, 63)) for _ in range(width * 64))
        near = bytes(byte ^ (rng.random() < 0.05) for byte in base)
        for encoding in (None, encodings.DELTA, encodings.DIFFERENCE, encodings.BFLOAT, encodings.HALF):
            of_base = (encoding, base * 2 if encoding in encodings.CASTS else base) if encoding is not None else None
            for phase in (0, 1):
                try:
                    number, parts = numbers.encode(near, Shape(width, phase), of_base)
                except (KeyError, ValueError, TypeError):
                    continue
                byte = width | phase << 4
                yield "encoded-chunk", _chunk(number, byte, len(near), base, b"".join(map(bytes, parts)))


def _chunk(encoding: int, width: int, size: int, base: bytes, stored: bytes) -> bytes:
    base = base if encoding in encodings.BASED else b""
    return struct.pack("<BBHH", encoding, width, size, len(base)) + base + stored


def _held() -> Iterator[tuple[str, bytes]]:
    """Yield files that hold a pickle as a text."""
    for text in (base64.b64encode(containers.HOSTILE).decode(), containers.HOSTILE.hex()):
        yield "scan-json", json.dumps({"hook": text}).encode()
        yield "scan-pickle", pickle.dumps({"hook": text}, 2)
        yield "scan", b"model.bin\n" + pickle.dumps({"hook": text}, 2)
    yield "scan-compressed", bz2.compress(containers.HOSTILE)
    yield "scan-compressed", bz2.compress(b"a")
    for data in (zstandard.compress(containers.HOSTILE), containers.lz4(containers.HOSTILE)):
        yield "scan-compressed", data
        yield "scan-compressed", containers.PASSED_OVER + data
    yield "scan-zip", containers.zstd_member(containers.HOSTILE)
    yield "scan-zip", archive({"a.pkl": containers.HOSTILE}, zipfile.ZIP_LZMA)


def _of_scans() -> Iterator[tuple[str, bytes]]:
    yield from _held()
    for case in itertools.chain(calls.cases(), structures.cases()):
        yield "scan-pickle", case.data
    for case in itertools.chain(containers.cases(), readers.cases()):
        family = next((name for name in ("zip", "tar", "npy") if name in case.family), "")
        yield f"scan-{family}" if family else "scan", case.data if family else b"model.bin\n" + case.data
        yield "scan-compressed", case.data
    for _, data in containers.honest():
        yield "scan", b"model.pt\n" + data
    for table in (
        test_configs.KERAS_HOSTILE,
        test_configs.KERAS_CODE,
        test_configs.OTHER_HOSTILE,
        test_configs.OTHER_CODE,
    ):
        for row in table.values():
            data = next((part for part in row if isinstance(part, bytes)), b"")
            for name in ("scan-json", "scan-text", "scan-xml", "scan-model-text"):
                yield name, data
    for name, cases_ in (("scan-objects", test_rare.OBJECTS), ("scan-network", test_rare.NETWORKS)):
        for case_ in cases_.values():
            yield name, case_.data
    for module in (test_files, test_graphs, test_templates):
        for value in vars(module).values():
            yield from _cases(value)


def _cases(value: object) -> Iterator[tuple[str, bytes]]:
    """Yield the files in a table of cases of the scan, by the format of their names."""
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, row in rows:
        parts = row if isinstance(row, tuple) else (key, row)
        texts = [part for part in parts if isinstance(part, str)]
        for data in (part for part in parts if isinstance(part, bytes)):
            yield _scanner(data, texts[0] if texts else ""), data
            yield "scan", b"model.bin\n" + data
        for text in (part for part in parts if isinstance(part, str) and "{" in part):
            yield "scan-template", text.encode()


def _scanner(data: bytes, name: str) -> str:
    if data.startswith(b"GGUF"):
        return "scan-gguf"
    if data[4:8] == b"TFL3":
        return "scan-tflite"
    if data[4:8] == b"ORTM":
        return "scan-onnxruntime"
    if name.endswith((".pb", ".pbtxt")):
        return "scan-tensorflow"
    if name.endswith(".h5"):
        return "scan-hdf5"
    if data[8:9] == b"{":
        return "scan-safetensors"
    return "scan-onnx" if data[:1] == b"\x08" else "scan-program"
