"""GGUF: tensors where the gguf package puts them; keys and values of every type are passed over, within bounds."""

from __future__ import annotations

import struct

import pytest

from mvc.formats import gguf
from tests import effort
from tests.formats.headers import DATA, header_of, refusal, segments, source

HUGE = (1 << 63) - 1
U8, U32, TEXT, ARRAY = 0, 4, 8, 9


def text(value: str | bytes) -> bytes:
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<Q", len(data)) + data


def pair(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def info(name: str | bytes = "a", shape: tuple[int, ...] = (4,), kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def file(
    pairs: list[bytes], infos: list[bytes], size: int = 64, *, counts: tuple[int, int] | None = None, align: int = 32
) -> bytes:
    tensors, values = counts or (len(infos), len(pairs))
    header = b"GGUF" + struct.pack("<IQQ", 3, tensors, values) + b"".join([*pairs, *infos])
    return header + bytes(-len(header) % align) + bytes(size)


def test_finds_what_the_package_wrote() -> None:
    found = segments("quantized.gguf")
    assert {name: (each.offset, each.size, each.dtype, each.shape) for name, each in found.items()} == {
        "token_embd.weight": (640, 4096, "F32", (4, 256)),
        "norm.weight": (4736, 512, "F16", (256,)),
        "blk.0.q8_0.weight": (5248, 1088, "Q8_0", (4, 256)),
        "blk.0.q4_0.weight": (6336, 576, "Q4_0", (4, 256)),
        "blk.0.bf16.weight": (6912, 2048, "BF16", (4, 256)),
        "blk.0.q4_k.weight": (8960, 576, "Q4_K", (4, 256)),
    }


def array(kind: int, count: int, items: bytes) -> bytes:
    return struct.pack("<IQ", kind, count) + items


@pytest.mark.parametrize(
    "values",
    [
        [],
        [pair("k", kind, bytes(width)) for kind, width in {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1}.items()],
        [pair("k", kind, bytes(8)) for kind in (10, 11, 12)],
        [pair("k", TEXT, text("ééé" * 50_000))],
        [pair("k", ARRAY, array(U32, 3, bytes(12)))],
        [pair("k", ARRAY, array(TEXT, 2, text("a") + text("")))],
        [pair("k", ARRAY, array(ARRAY, 2, array(U8, 1, b"1") + array(TEXT, 1, text("x"))))],
    ],
)
def test_passes_over_values_of_every_type(values: list[bytes]) -> None:
    data = file(values, [info("b.weight", (2, 4), 0, 0), info("a.weight", (3,), 1, 32)])
    found = header_of(data).segments
    assert [(each.name, each.dtype, each.shape, len(data) - each.offset) for each in found] == [
        ("b.weight", "F32", (4, 2), 64),
        ("a.weight", "F16", (3,), 32),
    ]


def test_tensors_are_aligned_as_it_says() -> None:
    data = file([pair("general.alignment", U32, struct.pack("<I", 256))], [info()], align=256)
    assert header_of(data).segments[0].offset == 256


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (file([], [info()], counts=(HUGE, 0)), "too many"),
        (file([], [info()], counts=(1, HUGE)), "too many"),
        (file([], [info()], counts=(5, 0)), "end of the file"),
        (file([], [info()], counts=(1, 1000)), "end of the file"),
        (file([struct.pack("<Q", HUGE)], [info()]), "longer than"),
        (file([pair("k", TEXT, struct.pack("<Q", HUGE))], [info()]), "end of the file"),
        (file([pair("k", 13, bytes(8))], [info()]), "type 13"),
        (file([pair("k", ARRAY, array(U32, HUGE, b""))], [info()]), "end of the file"),
        (file([pair("k", ARRAY, array(TEXT, HUGE, b""))], [info()]), "end of the file"),
        (file([pair("k", ARRAY, array(ARRAY, 1, b"") * 20)], [info()]), "type 9"),
        (file([pair("general.alignment", U32, bytes(4))], [info()]), "power of two"),
        (file([pair("general.alignment", U32, struct.pack("<I", 48))], [info()]), "power of two"),
        (file([pair("general.alignment", U32, struct.pack("<I", 1 << 31))], [info()]), "end of the file"),
        (file([], [info(b"\xff")]), "not valid Unicode"),
        (file([], [text("a") + struct.pack("<I", 65)]), "dimensions"),
        (file([], [info(shape=(HUGE, 4))]), "elements"),
        (file([], [info(shape=(1 << 63,))]), "shape"),
        (file([], [info(kind=4)]), "type 4"),
        (file([], [info(kind=12)]), "blocks"),
        (file([], [info(kind=2, shape=())]), "blocks"),
        (file([], [info(offset=8)]), "not aligned"),
        (file([], [info(offset=HUGE - 31)]), "end of the file"),
        (file([], [info(shape=(100,))]), "end of the file"),
        (file([], [info("a"), info("b")]), "overlaps"),
    ],
)
def test_refuses(data: bytes, reason: str) -> None:
    assert reason in refusal(gguf.read, data)


def test_cut_off_anywhere() -> None:
    data = (DATA / "quantized.gguf").read_bytes()
    for length in [*range(24, 700), *range(700, len(data), 97)]:
        assert refusal(gguf.read, data[:length])


@pytest.mark.parametrize("version", [0, 1, 4, 3 << 24])
def test_other_versions_are_left_alone(version: int) -> None:
    data = b"GGUF" + struct.pack("<I", version) + bytes(64)
    assert not gguf.matches(data[:16], source(data))


def test_a_vocabulary_costs_little_time() -> None:
    tokens = b"".join(text(f"token {number}") for number in range(200_000))
    data = file([pair("tokenizer.ggml.tokens", ARRAY, array(TEXT, 200_000, tokens))], [info()])
    assert len(header_of(data).segments) == 1
    assert effort.calls(lambda: header_of(data)) < 200_000 * 12
