"""Long headers: their long texts are left out in bounded memory, wherever a block ends; the rest stays as it is."""

from __future__ import annotations

import json
import random
import struct
import tracemalloc
from typing import Any

import pytest

from mvc.formats import safetensors
from mvc.formats.source import HeaderError, Source
from mvc.formats.syntax import long_json

CHARACTERS = ['"', "\\", "{", "}", "[", "é", "\N{GRINNING FACE}", "\n", "a", ",", ":", " "]


def _text(rng: random.Random, length: int) -> str:
    return "".join(rng.choice(CHARACTERS) for _ in range(length))


def _value(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.randrange(6 if depth < 3 else 3)
    if kind < 3:
        return (rng.randrange(1000), _text(rng, rng.randrange(60)), None)[kind]
    values = [_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return values if kind == 3 else {_text(rng, 3 + index): value for index, value in enumerate(values)}


def _shortened(value: Any, *, within: bool = False) -> Any:
    """The value as it should come out, with long texts of `meta` empty; keys of a map are texts too."""
    if isinstance(value, str):
        raw = json.dumps(value, ensure_ascii=False).encode()[1:-1]
        return "" if within and len(raw) > long_json.LONG else value
    if isinstance(value, list):
        return [_shortened(each, within=within) for each in value]
    if isinstance(value, dict):
        return {_shortened(key, within=within): _shortened(each, within=within) for key, each in value.items()}
    return value


@pytest.fixture(autouse=True)
def _short_texts_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_json, "LONG", 40)


def test_only_long_texts_of_the_key_are_left_out(rng: random.Random, deep: bool) -> None:
    for _ in range(30_000 if deep else 300):
        whole = {_text(rng, 4 + index): _value(rng) for index in range(rng.randrange(4))}
        whole["meta"] = {f"{index}": _value(rng) for index in range(rng.randrange(4))}
        entries = list(whole.items())
        rng.shuffle(entries)
        data = json.dumps(dict(entries), ensure_ascii=False, indent=rng.choice((None, 1))).encode()
        blocks = []
        place = 0
        while place < len(data):
            blocks.append(data[place : place + rng.choice((1, 2, 7, 100))])
            place += len(blocks[-1])
        expected = {key: _shortened(value, within=key == "meta") for key, value in entries}
        assert json.loads(long_json.without_long_texts(blocks, b"meta", len(data))) == expected


def test_any_bytes_end_or_are_refused(rng: random.Random) -> None:
    for _ in range(500):
        data = b'{"meta":{"' + rng.randbytes(3) + "".join(rng.choices(CHARACTERS, k=200)).encode() + b'"}}'
        try:
            assert len(long_json.without_long_texts([data[:50], data[50:]], b"meta", 150)) <= 150
        except HeaderError:
            continue


def test_texts_and_brackets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_json, "MAX_TOKENS", 1000)
    with pytest.raises(HeaderError, match="texts and brackets"):
        long_json.without_long_texts([b'{"a":[' + b'"",' * 2000], b"meta", 1 << 20)


def test_a_header_as_long_as_the_library_allows_takes_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_json, "LONG", 1 << 20)
    begin = b'{"__metadata__":{"format":"pt","history":"'
    end = b'"},"a":{"dtype":"F8_E4M3FNUZ","shape":[8],"data_offsets":[0,8]}}'
    length = safetensors.MAX_HEADER
    head = struct.pack("<Q", length) + begin

    def read_at(offset: int, size: int) -> bytes:
        filler = bytearray(b"x" * size)
        for start, part in ((0, head), (8 + length - len(end), end), (8 + length, bytes(8))):
            first, last = max(start, offset), min(start + len(part), offset + size)
            if first < last:
                filler[first - offset : last - offset] = part[first - start : last - start]
        return bytes(filler)

    source = Source(read_at, 8 + length + 8)
    assert safetensors.matches(read_at(0, 16), source)
    tracemalloc.start()
    try:
        header = safetensors.read(source)
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()
    assert [(each.name, each.dtype, each.size) for each in header.segments] == [("a", "F8_E4M3FNUZ", 8)]
