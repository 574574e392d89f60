"""ONNX models: every tensor where the onnx package puts it, and no file that makes the reader leave it or lose time."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from mvc.formats import onnx
from mvc.formats.header import Header
from mvc.formats.source import HeaderError, Source
from mvc.model.segment import Segment
from tests.formats.headers import DATA, source

EXAMPLES = sorted((Path(__file__).parents[2] / ".mvc-example" / "inputs").rglob("*.onnx"))
FLOAT, INT64 = 1, 7


def read(data: bytes) -> Header:
    return onnx.read(source(data))


def matches(data: bytes, name: str = "") -> bool:
    return onnx.matches(data[:16], source(data, name))


def varint(value: int) -> bytes:
    low, high = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(high) if high else bytes([low])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return varint(field << 3 | 2) + varint(len(data)) + data


def tensor(name: str, data: bytes, *dims: int, code: int = FLOAT, more: bytes = b"") -> bytes:
    """What is in a TensorProto."""
    return message(1, *map(varint, dims)) + number(2, code) + message(8, name.encode()) + message(9, data) + more


def model(*parts: bytes) -> bytes:
    """A ModelProto with these fields of a graph."""
    return number(1, 8) + message(2, b"test") + message(7, *parts) + message(8, number(2, 21))


def outside(name: str, dims: int, **entries: object) -> bytes:
    """An initializer in another file."""
    pairs = [message(13, message(1, key.encode()), message(2, str(value).encode())) for key, value in entries.items()]
    return message(5, message(1, varint(dims)), number(2, FLOAT), message(8, name.encode()), *pairs, number(14, 1))


def nested(depth: int, inside: bytes, label: str = "out") -> bytes:
    """Fields of a graph with a branch in a branch, and so on."""
    for _ in range(depth):
        inside = message(1, message(2, label.encode()), message(5, message(1, b"body"), message(6, inside)))
    return inside


def test_every_tensor_is_where_the_onnx_package_put_it() -> None:
    data = (DATA / "everything.onnx").read_bytes()
    found = {
        each.name: [each.dtype, list(each.shape or ()), data[each.offset : each.end].hex()]
        for each in read(data).segments
    }
    assert found == json.loads((DATA / "everything.json").read_text(encoding="utf-8"))


def test_tensors_of_other_files_are_listed_by_their_place_there_and_tied_ones_once() -> None:
    data = (DATA / "external.onnx").read_bytes()
    header = read(data)
    assert [(each.name, data[each.offset : each.end]) for each in header.segments] == [("here", b"01234567")]
    assert header.external == {
        "weights/model.onnx.data": (
            Segment(0, 12, "second", "F32", (3,)),
            Segment(4096, 16, "first", "F32", (2, 2)),
        ),
        "other.bin": (Segment(0, 20, "other", "F32", (5,)),),
    }


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parts[-3])
def test_exported_models_are_nearly_all_tensors(path: Path) -> None:
    data = path.read_bytes()
    header = read(data)
    assert matches(data)
    assert sum(each.size for each in header.segments) > 0.98 * len(data)
    assert all(each.name and each.dtype and each.shape is not None for each in header.segments)


def test_numbers_are_skipped_over() -> None:
    weights = bytes(1 << 20)
    data = model(*(message(5, tensor(f"w{n}", weights, 512, 512)) for n in range(20)))
    read_bytes = 0

    def read_at(offset: int, size: int) -> bytes:
        nonlocal read_bytes
        read_bytes += size
        return data[offset : offset + size]

    assert len(onnx.read(Source(read_at, len(data))).segments) == 20
    assert read_bytes < 25 * 1024


def test_thousands_of_nodes_are_read_in_few_blocks() -> None:
    node = message(1, message(1, b"input_of_a_node"), message(2, b"output"), message(3, b"name"), message(4, b"Add"))
    data = model(node * 20_000, message(5, tensor("w", bytes(8), 2)))
    reads = 0

    def read_at(offset: int, size: int) -> bytes:
        nonlocal reads
        reads += 1
        return data[offset : offset + size]

    assert [each.name for each in onnx.read(Source(read_at, len(data))).segments] == ["w"]
    assert reads < 40


@pytest.mark.parametrize(
    ("fields", "dtype", "shape"),
    [
        (tensor("w", bytes(8), 2), "F32", (2,)),
        (number(1, 1) + number(1, 2) + number(2, FLOAT) + message(9, bytes(8)), "F32", (1, 2)),  # dims one by one
        (number(2, FLOAT) + message(9, bytes(4)), "F32", ()),
        (tensor("w", bytes(8), 3), "", None),
        (tensor("w", bytes(8), (1 << 64) - 2), "", None),
        (tensor("w", bytes(8), 1 << 62, 1 << 62, 1 << 62), "", None),
        (tensor("w", bytes(8), *[1] * 65), "", None),
        (tensor("w", bytes(8), *[1] * 1000), "", None),
        (tensor("w", b"abc", 5, code=22), "I4", (5,)),
        (tensor("w", b"", 0, 7), "F32", (0, 7)),
        (message(9, bytes(4)) + message(1, varint(1)) + number(2, FLOAT), "F32", (1,)),  # in another order
    ],
)
def test_dtype_and_shape_are_known_where_they_give_the_size(
    fields: bytes, dtype: str, shape: tuple[int, ...] | None
) -> None:
    (segment,) = read(model(message(5, fields))).segments
    assert (segment.dtype, segment.shape) == (dtype, shape)


@pytest.mark.parametrize(
    "fields",
    [
        number(2, INT64) + varint(7 << 3) + varint(1 << 40),  # int64_data that is not packed
        number(2, INT64) + message(5, varint(1 << 40)),  # int32_data of other integers
        number(2, FLOAT) + message(7, varint(1)),  # int64_data of floats
        number(2, FLOAT) + b"\x25\0\0\0\0",  # float_data that is not packed
        number(2, INT64) + message(4, bytes(8)),  # float_data of integers
        number(2, 8) + message(6, b"text"),
        number(2, 99) + message(9, b"1234"),
        b"",
    ],
)
def test_numbers_that_do_not_lie_as_in_memory_are_no_segments(fields: bytes) -> None:
    assert read(model(message(5, fields))).segments == ()


@pytest.mark.parametrize(
    ("fields", "dtype", "shape"),
    [
        (number(1, 2) + number(2, INT64) + message(7, varint(3), varint((1 << 64) - 1)), "I64_VARINT", (2,)),
        (number(1, 3) + number(2, 6) + message(5, *map(varint, (1, 2, 300))), "I32_VARINT", (3,)),
        (number(1, 1) + number(2, 10) + message(5, varint(0x3C00)), "F16_VARINT", (1,)),
        (number(1, 2) + number(2, 13) + message(11, varint(1), varint(1 << 63)), "U64_VARINT", (2,)),
        (number(2, 9) + message(5, varint(1)), "BOOL_VARINT", ()),
        (number(1, 2) + number(2, INT64) + message(7, varint(3)), "", None),  # fewer than the shape has
        (number(1, 2) + number(2, INT64) + message(7, bytes(21)), "", None),  # more
        (number(1, 1 << 62) + number(2, INT64) + message(7, bytes(21)), "", None),
    ],
)
def test_integers_of_one_to_ten_bytes_have_a_dtype_of_their_own(
    fields: bytes, dtype: str, shape: tuple[int, ...] | None
) -> None:
    (segment,) = read(model(message(5, fields, message(8, b"w")))).segments
    assert (segment.name, segment.dtype, segment.shape) == ("w", dtype, shape)


def test_names_that_are_too_long_are_left_out() -> None:
    long, deep = (
        message(5, tensor("w" * 2000, bytes(4), 1)),
        nested(10, message(5, tensor("w", bytes(4), 1)), "o" * 200),
    )
    assert [each.name for each in read(model(long, deep)).segments] == ["", ""]


def test_a_length_of_another_file_may_be_left_out_only_with_a_shape() -> None:
    unknown = message(5, number(2, 99), message(13, message(1, b"location"), message(2, b"x.bin")), number(14, 1))
    assert read(model(unknown, outside("w", 4, location="y.bin"))).external == {
        "y.bin": (Segment(0, 16, "w", "F32", (4,)),)
    }


@pytest.mark.parametrize(
    "location",
    ["../x", "a/../../x", "/etc/passwd", "C:\\x", "a\\..\\x", "", ".", "a//b", ".git/config", "a\0b", "x" * 2000],
)
def test_an_external_file_must_be_in_the_folder_of_the_model(location: str) -> None:
    with pytest.raises(HeaderError, match="not a path inside its folder"):
        read(model(outside("w", 4, location=location)))


@pytest.mark.parametrize(
    "entries",
    [
        {"offset": "-1"}, {"offset": "0x10"}, {"length": "16 "}, {"length": ""}, {"offset": "٣"}, {"offset": "1e3"},
        {"offset": 1 << 63}, {"length": 1 << 63},
    ],
)  # fmt: skip
def test_places_in_another_file_are_plain_numbers(entries: dict[str, object]) -> None:
    with pytest.raises(HeaderError, match="not a number of bytes"):
        read(model(outside("w", 4, location="x.bin", **entries)))


def test_tensors_of_another_file_do_not_overlap() -> None:
    with pytest.raises(HeaderError, match="overlaps"):
        read(model(outside("a", 4, location="x.bin"), outside("b", 4, location="x.bin", offset=8)))


@pytest.mark.parametrize("name", ["everything", "external"])
def test_a_truncated_file_is_refused_or_has_the_tensors_left(name: str) -> None:
    data = (DATA / f"{name}.onnx").read_bytes()
    whole = set(read(data).segments)
    for end in range(len(data)):
        try:
            header = read(data[:end])
        except HeaderError:
            continue
        assert set(header.segments) <= whole


GRAPH = varint(7 << 3 | 2)


@pytest.mark.parametrize(
    ("data", "message_"),
    [
        (number(1, 8) + GRAPH + varint((1 << 63) - 1), "beyond the end of its message"),
        (number(1, 8) + GRAPH + varint((1 << 64) - 1), "beyond the end of its message"),
        (number(1, 8) + GRAPH + b"\xff" * 9 + b"\x7f", "does not end"),  # more than 64 bits
        (b"\x08" + b"\x80" * 10 + b"\x01", "does not end"),
        (b"\x08" + b"\xff" * 9, "does not end"),
        (b"\x08", "does not end"),
        (b"\x00\x01", "invalid number 0"),
        (b"\x80\x80\x80\x80\x80\x01\x01", "invalid number"),
        (b"\x0b\x0c", "unknown wire type 3"),
        (b"\x0c", "unknown wire type 4"),
        (b"\x0e", "unknown wire type 6"),
        (b"\x0f", "unknown wire type 7"),
        (b"\x09" + bytes(7), "ends at 9"),
        (b"\x0d" + bytes(3), "ends at 5"),
        (model(message(5, b"\x4a\x05abc")), "beyond the end of its message"),  # raw_data longer than its tensor
        (model(message(5, message(8, b"\xff"))), "not UTF-8"),
        (model(message(5, message(1, b"\xff"))), "does not end"),
        (model(nested(34, b"")), "nested deeper"),
        (model(nested(5000, b"")), "nested deeper"),
    ],
)
def test_malformed_fields_are_refused(data: bytes, message_: str) -> None:
    with pytest.raises(HeaderError, match=message_):
        read(data)


def test_nesting_is_named_as_far_as_protobuf_itself_goes() -> None:
    (segment,) = read(model(nested(32, message(5, tensor("w", bytes(4), 1))))).segments
    assert segment.name == "out/body/" * 32 + "w"


@pytest.mark.parametrize(
    ("data", "message_"),
    [
        (b"\x08\x01" * 200_000, "fields"),
        (model(message(5, tensor("", b"")) * 2_000), "tensors"),
        (model(nested(10, message(5, tensor("w", b"")) * 5_000, "o" * 40)), "characters"),
    ],
)
def test_a_flood_is_stopped(data: bytes, message_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mvc.formats.syntax.protobuf.MAX_FIELDS", 100_000)
    monkeypatch.setattr("mvc.formats.onnx.MAX_SEGMENTS", 1_000 if b"test" in data and message_ == "tensors" else 10_000)
    monkeypatch.setattr("mvc.formats.onnx.MAX_TEXT", 1 << 20)
    with pytest.raises(HeaderError, match=message_):
        read(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\x08\x01\x12\x04abcd" + bytes(20),  # a SavedModel of TensorFlow
        b"\x08\x05\x12\x04\xa2\x06\x01\x00\x50\x01\x9a\x1f\x00\x00\x00\x00",  # Core ML: description, isUpdatable
        b"\x08\x07" + bytes(40),
        number(1, 8) + message(2, b"pytorch") + message(6, b"no graph in it"),
        number(1, 300) + message(7, message(1)),
        number(1, 8) + message(7, number(1, 5)) + bytes(16),
        number(1, 8) * 1000 + message(7),
        b"\x08\x08" + b"\x12\xff\xff\xff\xff\x7f" + bytes(20),
    ],
)
def test_other_files_are_not_taken_for_models(data: bytes) -> None:
    assert not matches(data)


def test_random_bytes_are_not_taken_for_models(rng: random.Random) -> None:
    assert not any(matches(b"\x08" + bytes([rng.randrange(20)]) + rng.randbytes(200)) for _ in range(20_000))


def test_a_model_is_known_by_its_name_too() -> None:
    data = message(7, message(5, tensor("w", bytes(400), 100)))
    assert not matches(data)
    assert matches(data, "weights/Best.ONNX")
