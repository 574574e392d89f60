"""What the headers of weight files record: inputs, outputs, properties, classes; hostile files are refused soon."""

from __future__ import annotations

import json
import random
import struct
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from mvc.formats.metadata import class_names, reader, texts
from mvc.formats.metadata.onnx_graph import MAX_PORTS
from mvc.formats.source import HeaderError
from mvc.model.metadata import Metadata, Port
from tests.formats.headers import DATA, source

F32 = 1
NAMES = "{0: 'helmet', 1: \"driver's cab\"}"
CLASSES = ((0, "helmet"), (1, "driver's cab"))


def varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, *parts: bytes | str) -> bytes:
    data = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return varint(field << 3 | 2) + varint(len(data)) + data


def value(field: int, name: str, *dims: int | str) -> bytes:
    """A ValueInfoProto of floats; a text is a dimension by name."""
    sizes = [message(1, number(1, dim) if isinstance(dim, int) else message(2, dim)) for dim in dims]
    return message(field, message(1, name), message(2, message(1, number(1, F32), message(2, *sizes))))


def model(*graph: bytes, **properties: str) -> bytes:
    """A ModelProto."""
    entries = [message(14, message(1, key), message(2, text)) for key, text in properties.items()]
    return number(1, 8) + message(7, *graph) + b"".join(entries)


def read(data: bytes, name: str = "w.onnx") -> Metadata:
    found = reader.read(source(data, name))
    assert found is not None
    return found


# --- onnx


def test_inputs_outputs_and_properties_of_a_model() -> None:
    data = model(
        value(11, "images", "batch", 3, 640, 640), value(12, "output0", 1, 6, 8400), names=NAMES, author="Ultralytics"
    )
    assert read(data) == Metadata(
        "onnx",
        (Port("images", "F32", (None, 3, 640, 640), ("batch", None, None, None)),),
        (Port("output0", "F32", (1, 6, 8400)),),
        {"names": NAMES, "author": "Ultralytics"},
        CLASSES,
    )
    assert read(data).inputs[0].text == "[batch, 3, 640, 640]"
    unnamed = message(2, message(1, number(1, 1), message(2, message(1, b""), message(1, number(1, 3)))))
    (port,) = read(model(message(11, message(1, b"x"), unnamed))).inputs
    assert (port.shape, port.symbols, port.text) == ((None, 3), (), "[dynamic, 3]")


def test_a_weight_among_the_inputs_is_none() -> None:
    weight = message(5, number(1, 1), number(2, F32), message(8, "w"), message(9, b"\0" * 4))
    found = read(model(value(11, "x", 1, 4), value(11, "w", 1), weight))
    assert [port.name for port in found.inputs] == ["x"]


def test_an_input_without_a_shape_and_one_that_is_no_tensor() -> None:
    sequence = message(11, message(1, "list"), message(2, message(4, message(1, b""))))
    bare = message(11, message(1, "bare"), message(2, message(1, number(1, F32))))
    assert read(model(bare, sequence)).inputs == (Port("bare", "F32", None), Port("list", "", None))


@pytest.mark.parametrize("path", sorted(DATA.glob("*.onnx")), ids=lambda path: path.name)
def test_models_of_the_onnx_package_have_an_output(path: Path) -> None:
    assert read(path.read_bytes(), path.name).outputs


@pytest.mark.parametrize(
    "text", [b"this is not a model\n" * 9, b"helmet\nhead\n" * 9, b"x: y\nz: w\n" * 9, b"{}" * 20, bytes(range(256))]
)
def test_a_text_with_the_suffix_of_a_model_is_none(text: bytes) -> None:
    with pytest.raises(HeaderError):
        read(text)


def test_floods_are_stopped(rng: random.Random) -> None:
    with pytest.raises(HeaderError, match="inputs and outputs"):
        read(model(*[value(11, "x")] * (MAX_PORTS + 1)))
    with pytest.raises(HeaderError, match="dimensions"):
        read(model(value(11, "x", *[1] * 65)))
    with pytest.raises(HeaderError, match="properties"):
        read(model() + b"".join(message(14, message(1, str(n)), message(2, "x")) for n in range(5_000)))
    long = model(**{"k" * (texts.MAX_KEY + 1): "v"}) + message(
        14, message(1, "k"), message(2, "v" * (texts.MAX_VALUE + 1))
    )
    assert read(long).properties == {"k": ""}
    data = bytearray(model(value(11, "images", 1, 3, 640, 640), value(12, "out", 1, 2), names=NAMES))
    for _ in range(400):
        broken = bytearray(data)
        broken[rng.randrange(len(broken))] = rng.randrange(256)
        try:
            read(bytes(broken))
        except HeaderError:
            continue


# --- class names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NAMES, CLASSES),
        ("{}", ()),
        ("['helmet', \"driver's cab\"]", CLASSES),
        ("['helmet', \"driver's cab\",]", CLASSES),
        ('{"0": "helmet", "1": "driver\'s cab"}', CLASSES),
        ('["helmet", "driver\'s cab"]', CLASSES),
        ("{1: 'b', 0: 'a'}", ((0, "a"), (1, "b"))),
        (r"{0: 'a\'b', 1: 'caf\xe9', 2: '\u4e2d'}", ((0, "a'b"), (1, "café"), (2, "中"))),
        ("{0: 'a', 0: 'b'}", ()),
        ("{0: 'a', 'b'}", ()),
        ("['a', 1: 'b']", ()),
        ("{0: open('x')}", ()),
        ("{0: 'a'} + {}", ()),
        ("['a'}", ()),
        ("helmet, head", ()),
        ("{0: ['a']}", ()),
        ("[" * 5_000, ()),
        ("{0: 'a', ", ()),
    ],
)
def test_names_of_classes(text: str, expected: tuple[tuple[int, str], ...]) -> None:
    assert class_names.parse(text) == expected
    assert read(model(names=text)).classes == expected


def test_names_that_python_wrote_are_read_back(rng: random.Random) -> None:
    for _ in range(50):
        letters = "ab '\"\\\n\té中\U0001f600{}[],:"
        names = {n: "".join(rng.choices(letters, k=rng.randrange(8))) for n in range(rng.randrange(1, 6))}
        assert dict(class_names.parse(repr(names))) == names
        assert dict(class_names.parse(repr([*names.values()]))) == names


# --- safetensors, hdf5, torch


def test_the_map_of_safetensors() -> None:
    header = json.dumps({"__metadata__": {"format": "pt", "names": NAMES}}).encode()
    found = read(struct.pack("<Q", len(header)) + header, "w.safetensors")
    assert (found.format, found.properties["format"], found.classes) == ("safetensors", "pt", CLASSES)
    header = b'{"__metadata__": {"a": 1}}'
    with pytest.raises(HeaderError, match="__metadata__ is not a map of texts"):
        read(struct.pack("<Q", len(header)) + header, "w.safetensors")


def keras(**attributes: Any) -> bytes:
    h5py = pytest.importorskip("h5py")
    data = BytesIO()
    with h5py.File(data, "w") as file:
        for key, text in attributes.items():
            file.attrs[key] = text
        file["w"] = [1.0]
    return data.getvalue()


def test_the_attributes_of_hdf5_and_the_input_of_keras() -> None:
    layers = [
        {"config": {"batch_shape": [None, 224, 224, 3], "dtype": "float32", "name": "in"}},
        {"config": {"units": 2}},
    ]
    config = json.dumps({"class_name": "Functional", "config": {"layers": layers}})
    found = read(keras(model_config=config, keras_version=b"3.1", labels=["helmet", "head"], epochs=7), "w.h5")
    assert found.inputs == (Port("in", "F32", (None, 224, 224, 3)),)
    assert found.properties == {
        "model_config": config, "keras_version": "3.1", "labels": '["helmet", "head"]', "epochs": "7"
    }  # fmt: skip
    assert found.classes == ((0, "helmet"), (1, "head"))


@pytest.mark.parametrize(
    "config", ["[" * 9_000, "null", '{"config": 3}', '{"config": {"layers": [1, {"config": []}]}}']
)
def test_another_configuration_has_no_inputs(config: str) -> None:
    assert read(keras(model_config=config), "w.h5").inputs == ()


def test_attributes_are_bounded() -> None:
    found = read(keras(**{f"a{n}": "x" * 60_000 for n in range(120)}), "w.h5")
    assert sum(map(len, found.properties.values())) < 5 << 20


class DetectionModel:
    """Stands for the class of Ultralytics, of which the pickle has the name only."""

    def __init__(self, names: Any) -> None:
        self.names = names
        self.yaml: dict[str, Any] = {"nc": 2}


def checkpoint(saved: Any) -> bytes:
    import pickle  # noqa: PLC0415 - the tests write what mvc only parses

    data = BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("best/data.pkl", pickle.dumps(saved, protocol=2))
        archive.writestr("best/version", "3")
    return data.getvalue()


@pytest.mark.parametrize(
    ("saved", "expected"),
    [
        ({"epoch": -1, "model": DetectionModel({0: "helmet", 1: "driver's cab"})}, CLASSES),
        ({"model": None, "ema": DetectionModel({0: "helmet", 1: "driver's cab"})}, CLASSES),
        (DetectionModel(["helmet", "driver's cab"]), CLASSES),
        ({"model": DetectionModel({0: "helmet", "1": "x"})}, ()),
        ({"model": {"names": {0: "helmet"}}}, ()),
        ({"state_dict": {}}, ()),
        ([], ()),
    ],
)
def test_the_classes_of_a_checkpoint_of_ultralytics(saved: Any, expected: tuple[tuple[int, str], ...]) -> None:
    found = read(checkpoint(saved), "best.pt")
    assert (found.format, found.classes) == ("torch", expected)


def test_other_formats_have_their_name_and_unknown_ones_nothing() -> None:
    assert read((DATA / "quantized.gguf").read_bytes(), "w.gguf") == Metadata("gguf")
    assert reader.read(source(b"some text that is no model", "notes.txt")) is None
