"""Formats that models are exported to: the tensors that their own libraries read, and malformed files refused."""

from __future__ import annotations

import hashlib
import json
import random
import struct
from pathlib import Path

import pytest

from mvc.formats import known
from mvc.formats.archives import members
from mvc.formats.exports import coreml_weights, openvino, tf_checkpoint, tflite, torch_distributed
from mvc.formats.header import Header
from mvc.formats.sniff import read_header
from mvc.formats.source import HeaderError
from mvc.formats.syntax import pickle_text, sstable
from mvc.model.segment import Segment
from mvc.storage.chunks.headers import Headers
from tests.formats import pickles
from tests.formats.headers import DATA, header_of, refusal, source
from tests.formats.test_archives import tarball
from tests.formats.test_fuzz import changed

FOLDER = DATA / "exports"
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
CHECKPOINT = (FOLDER / "checkpoint.index").read_bytes()
TFLITE = (FOLDER / "model.tflite").read_bytes()
WEIGHTS = (FOLDER / "coreml" / "weights" / "weight.bin").read_bytes()


def tensors(path: Path) -> dict[str, list[object]]:
    """The tensors of a file, also those that other files hold: dtype, shape and a digest of the bytes, by name."""
    header = header_of(path.read_bytes(), path.relative_to(FOLDER).as_posix())
    parts = [(path.read_bytes(), header.segments)]
    for location, listed in header.external.items():
        data = (path.parent / location).read_bytes()
        segments = tuple(members.parsed(source(data, location), listed)) if header.are_files else listed
        parts.append((data, segments))
    return {segment.name: _described(data, segment) for data, segments in parts for segment in segments}


def _described(data: bytes, segment: Segment) -> list[object]:
    content = data[segment.offset : segment.end]
    return [segment.dtype, [*(segment.shape or ())], hashlib.sha256(content).hexdigest()]


@pytest.mark.parametrize("file", EXPECTED)
def test_tensors_are_those_that_its_library_reads(file: str) -> None:
    found = tensors(FOLDER / file)
    assert {name: found.get(name) for name in EXPECTED[file]} == EXPECTED[file]
    assert all(dtype == "" for name, (dtype, *_) in found.items() if name not in EXPECTED[file])


def test_tensors_in_an_archive_are_those_of_the_files() -> None:
    files = ("model.xml", "model.bin", "dcp/.metadata", "dcp/__0_0.distcp", "checkpoint.index")
    data = tarball({f"run/{file}": (FOLDER / file).read_bytes() for file in files})
    names = {segment.name for segment in header_of(data).segments}
    assert {f"run/model.bin/{name}" for name in EXPECTED["model.xml"]} <= names
    assert {f"run/dcp/__0_0.distcp/{name}" for name in EXPECTED["dcp/.metadata"]} <= names


def test_files_are_read_only_for_those_that_they_describe() -> None:
    paths = ["a/model.xml", "b/other.xml", "a/boxes.xml", "run/.metadata", "v/variables.index", "deep/x.onnx"]
    assert known.describing(paths, ["a/model.bin"]) == {"a/model.xml", "a/boxes.xml"}
    assert known.describing(paths, ["run/__0_0.distcp"]) == {"run/.metadata"}
    assert known.describing(paths, ["v/variables.data-00000-of-00002"]) == {"v/variables.index"}
    assert known.describing(paths, ["deep/weights/a"]) == {"deep/x.onnx"}
    assert known.describing(["model.xml"], ["model.bin"]) == {"model.xml"}
    assert known.describing(paths, ["a/boxes.jpg"]) == frozenset()


@pytest.mark.parametrize(
    "file",
    [path for path in sorted(FOLDER.rglob("*")) if path.is_file() and path.suffix in (".tflite", ".index", ".xml")],
)
def test_refuses_files_that_end_too_early(file: Path) -> None:
    module = {".tflite": tflite, ".index": tf_checkpoint, ".xml": openvino}[file.suffix]
    data = file.read_bytes()
    cut = [refusal(module.read, data[:length], file.name) for length in range(0, len(data) - 8, 97)]
    assert all(cut[: -len(cut) // 8 or None]) if file.suffix == ".tflite" else all(cut)


def graph(*layers: str, before: str = '<?xml version="1.0"?>') -> bytes:
    """A graph of OpenVINO with these constants."""
    return f'{before}<net name="a"><layers>{"".join(layers)}</layers></net>'.encode()


def constant(name: str = "w", **attributes: object) -> str:
    """A constant of a graph, four numbers unless said otherwise."""
    values = {"element_type": "f32", "shape": "2,2", "offset": 0, "size": 16} | attributes
    data = " ".join(f'{key}="{value}"' for key, value in values.items())
    return f'<layer name="{name}" type="Const"><data {data}/></layer>'


def constants(*layers: str) -> list[Segment]:
    """The constants of a graph."""
    return [*openvino.read(source(graph(*layers), "m.xml")).external.get("m.bin", ())]


def test_openvino_constants_that_share_a_range_have_the_first_name() -> None:
    assert constants(constant("a"), constant("b"), constant("c", offset=16)) == [
        Segment(0, 16, "a", "F32", (2, 2)),
        Segment(16, 16, "c", "F32", (2, 2)),
    ]


def test_openvino_scalars_and_types_without_a_width_are_known() -> None:
    assert constants(constant(shape="", size=4)) == [Segment(0, 4, "w", "F32", ())]
    assert constants(constant(element_type="nf4", size=2)) == [Segment(0, 2, "w", "NF4", (2, 2))]
    assert constants(constant(shape="3,2")) == [Segment(0, 16, "w")]
    assert constants(constant(element_type="string")) == [Segment(0, 16, "w")]
    assert constants(constant(size=0)) == []


MANY = "".join(f"b{number}='' " for number in range(200_000))
BOMB = '<!DOCTYPE net [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (graph(constant("&b;"), before=BOMB), "document type"),
        (graph(constant(), before='<!DOCTYPE net SYSTEM "file:///etc/passwd">'), "document type"),
        (graph(constant("a"), constant("b", offset=8)), "overlaps"),
        (graph(constant(offset=-1)), "not a number"),
        (graph(constant(offset="9" * 30)), "not a number"),
        (graph(constant(size="")), "not a number"),
        (graph(constant(shape=f"{1 << 59},{1 << 59}")), "elements"),
        (graph("<a>" * 2000 + "</a>" * 2000), "inside one another"),
        (graph("<layer>"), "not well-formed"),
        (graph(f"<a {MANY}/>"), "a tag"),
        (graph("&nothing;"), "not well-formed"),
        (b"<net>\xff</net>", "not well-formed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_openvino_refuses(data: bytes, reason: str) -> None:
    assert reason in refusal(openvino.read, data, "m.xml")


def test_other_xml_is_no_graph() -> None:
    boxes = b'<?xml version="1.0"?><annotation><net/></annotation>'
    assert read_header(source(boxes, "boxes.xml")) is None
    assert read_header(source(graph(constant()), "graph.xml")) is not None
    assert read_header(source(graph(constant()), "graph.html")) is None


def replaced(data: bytes, place: int, value: bytes) -> bytes:
    """Bytes with a value at a place."""
    return data[:place] + value + data[place + len(value) :]


def test_tflite_refuses_what_would_fill_memory() -> None:
    root = struct.unpack_from("<I", TFLITE)[0]
    reasons = {refusal(tflite.read, replaced(TFLITE, 0, struct.pack("<I", value))) for value in (1 << 31, 0xFFFFFFFF)}
    assert all("beyond" in reason for reason in reasons)
    huge = [refusal(tflite.read, replaced(TFLITE, at, b"\xff\xff\xff\x7f")) for at in range(root, len(TFLITE) - 4, 4)]
    assert any("more than" in reason for reason in huge)


def test_tflite_buffers_that_overlap_are_refused() -> None:
    found = tflite.read(source(TFLITE)).segments
    large = max(found, key=lambda segment: segment.size)
    longer = struct.pack("<I", large.size + 600)
    assert "overlaps" in refusal(tflite.read, replaced(TFLITE, large.offset - 4, longer))


def table(*entries: tuple[bytes, bytes], kind: int = 0) -> bytes:
    """A sorted table with one block, written as LevelDB describes it."""
    block = b"".join(bytes([0, len(key), len(value)]) + key + value for key, value in entries)
    block += struct.pack("<II", 0, 1)
    handle = bytes([0, len(block) & 0x7F | 0x80, len(block) >> 7])
    index = bytes([0, 1, len(handle)]) + b"z" + handle + struct.pack("<II", 0, 1)
    place = len(block) + 5
    footer = bytes([0, 0, place & 0x7F | 0x80, place >> 7, len(index)]).ljust(40, b"\0")
    return block + bytes([kind]) + bytes(4) + index + bytes(5) + footer + sstable.MAGIC


HEADER = (b"", b"\x08\x01")
WEIGHT = (b"w", b"\x08\x01\x12\x04\x12\x02\x08\x04\x20\x08\x28\x10")  # float, shape 4, at byte 8, 16 bytes


def listed(*entries: tuple[bytes, bytes]) -> Header:
    """The header of a checkpoint with these entries."""
    return tf_checkpoint.read(source(table(*entries), "m.index"))


def test_a_checkpoint_lists_tensors_by_their_file() -> None:
    found = listed((b"", b"\x08\x02"), WEIGHT, (b"x", WEIGHT[1] + b"\x18\x01"))
    assert found.external == {
        "m.data-00000-of-00002": (Segment(8, 16, "w", "F32", (4,)),),
        "m.data-00001-of-00002": (Segment(8, 16, "x", "F32", (4,)),),
    }
    assert listed((b"", b"\x08\x01\x10\x01"), WEIGHT).external["m.data-00000-of-00001"] == (Segment(8, 16, "w"),)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (table(HEADER, WEIGHT, kind=1), "compressed"),
        (table(WEIGHT), "does not exist"),
        (table(HEADER, (b"w", WEIGHT[1] + b"\x18\x05")), "does not exist"),
        (table((b"", b"\x08" + b"\xff" * 4 + b"\x7f"), WEIGHT), "too large"),
        (table(HEADER, (b"w", b"\x08")), "does not end"),
        (table(HEADER, (b"w", b"\x12\x03\x12\x01\x08")), "does not end"),
        (table(HEADER, WEIGHT, (b"x", WEIGHT[1][:8] + b"\x20\x0a\x28\x10")), "overlaps"),
        (table(HEADER)[:-48] + b"\xff" * 40 + sstable.MAGIC, "does not end"),
        (table(HEADER)[:-48] + (b"\xff" * 9 + b"\1") * 4 + sstable.MAGIC, "beyond the end"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_checkpoint_refuses(data: bytes, reason: str) -> None:
    assert reason in refusal(tf_checkpoint.read, data, "m.index")


def test_a_table_whose_index_repeats_a_block_is_bounded() -> None:
    block = b"".join(bytes([0, 2, 0]) + number.to_bytes(2, "big") for number in range(20_000)) + struct.pack(
        "<II", 0, 1
    )
    size = len(block)
    handle = bytes([0, size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14])
    index = (bytes([0, 1, len(handle)]) + b"z" + handle) * 500 + struct.pack("<II", 0, 1)
    place, length = size + 5, len(index)
    footer = bytes(
        [0, 0, place & 0x7F | 0x80, place >> 7 & 0x7F | 0x80, place >> 14, length & 0x7F | 0x80, length >> 7]
    )
    data = block + bytes(5) + index + bytes(5) + footer.ljust(40, b"\0") + sstable.MAGIC
    with pytest.raises(HeaderError, match="more than"):
        list(sstable.entries(source(data)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ((0, b"\xff\xff\xff\xff"), "more than"),
        ((0, b"\x09\0\0\0"), "beyond the end"),
        ((64, b"other"), "malformed"),
        ((72, b"\xff" * 8), "beyond the end"),
        ((80, bytes(8)), "malformed"),
        ((80, b"\xff" * 8), "beyond the end"),
    ],
)
def test_coreml_weights_refuse(change: tuple[int, bytes], reason: str) -> None:
    assert reason in refusal(coreml_weights.read, replaced(WEIGHTS, *change))


def instance(name: str, **attributes: bytes) -> bytes:
    """An object of a class of distributed checkpoints, as its pickle."""
    made = pickles.named(f"torch.distributed.checkpoint.{name}") + b")\x81"
    return made + pickles.mapping(attributes) + pickles.BUILD


def size(*counts: int) -> bytes:
    """A torch.Size."""
    return pickles.call("torch Size", pickles.numbers(*counts))


def items(parts: list[tuple[bytes, bytes]]) -> bytes:
    """A dict with any keys."""
    return b"}(" + b"".join(key + value for key, value in parts) + b"u"


def sharded(places: list[tuple[str, tuple[int, int], str, int, int]]) -> bytes:
    """The list of a checkpoint: each part of a tensor with its offset, its file, and its range there."""
    parts = [
        (
            instance("metadata MetadataIndex", fqn=pickles.text(name), offset=size(*first), index=pickles.NONE),
            instance(
                "filesystem _StorageInfo",
                relative_path=pickles.text(file),
                offset=pickles.number(start),
                length=pickles.number(length),
            ),
        )
        for name, first, file, start, length in places
    ]
    whole = {name: [first for other, first, *_ in places if other == name] for name, *_ in places}
    tensors = {
        name: instance("metadata TensorStorageMetadata", chunks=b"](" + pickles.NONE * len(firsts) + b"e")
        for name, firsts in whole.items()
    }
    fields = {"state_dict_metadata": pickles.mapping(tensors), "storage_data": items(parts)}
    return b"\x80\2" + instance("metadata Metadata", **fields) + pickles.STOP


def test_parts_of_a_tensor_have_its_name_and_their_offset() -> None:
    rows = [rows * b"\0\0\x80\x3f" for rows in (64 * 64, 64 * 64, 64)]
    held = [pickles.storage("0", len(data) // 4) for data in rows]
    parts = [pickles.tensor(held[0], 0, (64, 64), (64, 1)), pickles.tensor(held[1], 0, (64, 64), (64, 1))]
    parts.append(pickles.tensor(held[2], 0, (64,), (1,)))
    files = [pickles.checkpoint(part, {"0": data}) for part, data in zip(parts, rows, strict=True)]
    places = [
        ("net.weight", (0, 0), "__0_0.distcp", 0, len(files[0])),
        ("net.weight", (64, 0), "__1_0.distcp", 0, len(files[1])),
        ("net.bias", (0, 0), "__1_0.distcp", len(files[1]), len(files[2])),
    ]
    headers = Headers()
    headers.expect(source(sharded(places), "run/.metadata"))
    first = headers.layout(source(files[0], "run/__0_0.distcp"))
    second = headers.layout(source(files[1] + files[2], "run/__1_0.distcp"))
    assert headers.notes == []
    assert first is not None
    assert second is not None
    assert [(part.name, part.dtype, part.shape) for part in (*first.segments, *second.segments)] == [
        ("net.weight[0,0]", "F32", (64, 64)),
        ("net.weight[64,0]", "F32", (64, 64)),
        ("net.bias", "F32", (64,)),
    ]


def test_a_list_of_more_parts_than_are_read_is_no_fault() -> None:
    many = sharded([("w", (0, 0), "__0_0.distcp", 0, 1)]) + pickles.STOP
    parts = many[:-2] + (pickles.NONE + b"0") * (pickle_text.MAX_OPERATIONS // 2) + pickles.STOP
    assert torch_distributed.read(source(parts, ".metadata")).external == {}


def test_a_distributed_checkpoint_refuses_places_outside_its_folder() -> None:
    data = (FOLDER / "dcp" / ".metadata").read_bytes()
    outside = data.replace(b"__0_0.distcp", b"../../a.distc")
    assert "not a path inside" in refusal(torch_distributed.read, data.replace(b"__0_0.distcp", b"../../a.pt__"))
    assert refusal(torch_distributed.read, outside)


CHANGES = 150
"""Changed pairs of a list and a file that it describes, a run; some 0.3 s."""


@pytest.mark.parametrize("file", ["model.xml", "checkpoint.index", "dcp/.metadata", "coreml/model.mlmodel"])
def test_changed_lists_give_a_layout_or_a_note(file: str, rng: random.Random, deep: bool) -> None:
    data = (FOLDER / file).read_bytes()
    (location,) = header_of(data, file).external
    path = (Path(file).parent / location).as_posix()
    numbers = (FOLDER / path).read_bytes()
    for _ in range(CHANGES * (100 if deep else 1)):
        headers = Headers()
        other = changed(rng, numbers) if rng.random() < 0.5 else numbers
        headers.expect(source(changed(rng, data), file))
        layout = headers.layout(source(other, path))
        assert layout is None or layout.pieces[-1].end == len(other)
        assert all(note.reason.isprintable() for note in headers.notes)


def test_archives_that_end_elsewhere_are_refused() -> None:
    data = (FOLDER / "dcp" / "__0_0.distcp").read_bytes()
    (listed_there,) = torch_distributed.read(source((FOLDER / "dcp" / ".metadata").read_bytes())).external.values()
    with pytest.raises(HeaderError, match="does not end as one"):
        list(members.parsed(source(data), [listed_there[0]._replace(size=900)]))
