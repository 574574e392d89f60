"""Every parser against files that were real once: it gives a sound header or says why not, and nothing else, and soon."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mvc import lazy
from mvc.formats.known import FORMATS
from tests import effort
from tests.formats.archives import archive, unpacked
from tests.formats.headers import DATA, refusal

ZIPS = {"torch", "npz", "keras", "zip"}
CHANGED = {"safetensors": 10_000, "torch": 750, "torch_legacy": 300, "keras": 4, "hdf5": 4, "zip": 100, "tar": 100}
CHANGED |= {"tflite": 750, "openvino": 500, "tf_checkpoint": 1_000, "torch_distributed": 150}
CHANGED |= {"coreml_program": 500, "coreml_weights": 750}
OTHERWISE = 2_500
"""How many changed files a run reads: about half a second's work for each format. Every run draws others."""
DEEP = 200
"""How many times as many with `--deep`."""
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)

Change = Callable[[random.Random, bytes], bytes]


def a_byte(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def a_bit(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def a_number(rng: random.Random, data: bytes) -> bytes:
    at, width = rng.randrange(len(data)), rng.choice((1, 2, 4, 8))
    value = rng.choice(EXTREMES) if rng.random() < 0.7 else rng.randrange(len(data) * 2)
    return data[:at] + (value & (1 << 8 * width) - 1).to_bytes(width, "little") + data[at + width :]


def a_digit(rng: random.Random, data: bytes) -> bytes:
    """A text's number becomes another, longer perhaps."""
    digits = [at for at in range(len(data)) if data[at : at + 1].isdigit()]
    at = rng.choice(digits) if digits else 0
    return data[:at] + str(rng.choice(EXTREMES)).encode() + data[at + 1 :]


def less(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + data[at + rng.randrange(1, 40) :]


def an_end(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data))]


def again(rng: random.Random, data: bytes) -> bytes:
    """A stretch comes a second time, here or elsewhere."""
    begin = rng.randrange(len(data))
    stretch, at = data[begin : begin + rng.randrange(1, 60)], rng.randrange(len(data))
    return data[:at] + stretch + data[at + rng.choice((0, len(stretch))) :]


CHANGES: tuple[Change, ...] = (a_byte, a_bit, a_number, a_number, a_digit, less, an_end, again)


def changed(rng: random.Random, data: bytes) -> bytes:
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        data = rng.choice(CHANGES)(rng, data) if data else data
    return data


def changed_inside(rng: random.Random, members: dict[str, bytes]) -> bytes:
    """The archive with one member changed, whose directory is sound."""
    filled = [name for name, data in members.items() if data]
    name = rng.choice([name for name in filled if name.endswith(".pkl")] * 3 or filled)
    return archive(members | {name: changed(rng, members[name])})


def variants(rng: random.Random, path: Path, *, in_members: bool) -> Callable[[], bytes]:
    data = path.read_bytes()
    members = unpacked(path) if in_members else {}

    def variant() -> bytes:
        return changed_inside(rng, members) if members and rng.random() < 0.5 else changed(rng, data)

    return variant


def samples(name: str) -> list[Path]:
    """The files in `data` that are of a format; small ones, so that many changes hit what matters."""
    known = FORMATS[name]
    named = [path for path in sorted(DATA.rglob("*")) if path.name.endswith(known.suffixes)]
    return [path for path in named if known.begins(path.read_bytes())]


@pytest.mark.parametrize("name", FORMATS)
def test_a_changed_file_gives_a_sound_header_or_a_reason(name: str, rng: random.Random, deep: bool) -> None:
    read = lazy.load(FORMATS[name].module).read
    ways = [variants(rng, path, in_members=name in ZIPS) for path in samples(name)]
    assert ways, f"tests/formats/data has no file of the format {name}"
    for number in range(CHANGED.get(name, OTHERWISE) * (DEEP if deep else 1)):
        data = ways[number % len(ways)]()
        begin = time.process_time()
        reason = refusal(read, data)
        assert reason.isprintable()
        assert time.process_time() - begin < effort.HANG, f"change {number} took too long"
