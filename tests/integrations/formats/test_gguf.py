"""GGUF files that the gguf package quantises and writes: what their versions cost, and what the bits of a block mean."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType, quants

from mvc.storage.chunks import blocks
from mvc.storage.chunks.block_layouts import LAYOUTS, NUMBERS
from tests import quantised
from tests.integrations.formats import growth, network

ROW = 32
"""Weights of a block; tensors whose rows are no multiple of it stay in fp32, as in converters."""


def _write(arrays: Mapping[str, np.ndarray], dtype: str, path: Path) -> None:
    writer = gguf.GGUFWriter(path, "resnet")
    for name, array in arrays.items():
        rows = (
            array.astype(np.float32).reshape(len(array), -1) if array.ndim > 1 else array.astype(np.float32).reshape(-1)
        )
        if rows.ndim > 1 and rows.shape[-1] % ROW == 0:
            kind = GGMLQuantizationType[dtype]
            writer.add_tensor(name, quants.quantize(rows, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, rows)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.parametrize(
    ("dtype", "moved", "limit"),
    [
        ("Q8_0", 1.0, 17),  # the fp32 difference takes 60 %
        ("Q4_0", 1.0, 12),
        ("Q8_0", 0.3, 12),  # 55 %
        ("Q4_0", 0.3, 9),
        ("Q4_1", 0.3, 9),
        ("Q5_0", 0.3, 9),
        ("Q5_1", 0.3, 9),
    ],
)
def test_a_quantised_fine_tune_costs_what_moved(tmp_path: Path, dtype: str, moved: float, limit: float) -> None:
    """Versions 2 and 3 are between those of the network, at the share `moved` of the way from the first one."""
    first, *others = (trained.arrays() for trained in network.versions())
    versions = [first, *({name: _between(first[name], other[name], moved) for name in first} for other in others)]
    found = growth.measured(tmp_path, "best.gguf", [partial(_write, arrays, dtype) for arrays in versions])
    print(f"{dtype} {found}")
    assert found.tensors["layer4.1.conv2.weight"] == (dtype, (256, 2304))
    assert found.shares[0] < 102
    assert found.shares[1] < limit
    assert found.shares[2] < limit


def _between(old: np.ndarray, new: np.ndarray, share: float) -> Any:
    return old + (new - old) * np.float32(share)


@pytest.mark.parametrize("dtype", ["Q8_0", "Q4_0"])
def test_the_quantisation_of_other_tests_is_that_of_the_package(dtype: str) -> None:
    weights = np.random.default_rng(1).standard_normal((100, 256)).astype(np.float32)
    weights[3] = 0
    expected = quants.quantize(weights, GGMLQuantizationType[dtype]).tobytes()
    assert quantised.TYPES[dtype][1](weights) == expected


def _numbers(data: np.ndarray, dtype: str) -> list[np.ndarray]:
    """Return the numbers of each field by the table, as floats; shape (blocks, numbers)."""
    of = LAYOUTS[NUMBERS[dtype]]
    whole = blocks.whole(data.tobytes(), of, 0)
    return [blocks.numbers_of(whole, field).reshape(len(whole), -1).astype(np.float32) for field in of.fields]


def _half(bits: np.ndarray) -> Any:
    return bits.astype(np.uint16).view(np.float16).astype(np.float32)


def _signed(numbers: np.ndarray, bits: int) -> Any:
    return numbers - (numbers >= 1 << bits - 1) * np.float32(1 << bits)


def _weights(data: np.ndarray, dtype: str) -> Any:
    """Return weights in the order of the table: scale times quant, by each type's formula."""
    scales, *others = _numbers(data, dtype)
    match dtype:
        case "Q4_0" | "Q5_0":
            return _half(scales) * (others[0] - (8 if dtype == "Q4_0" else 16))
        case "Q4_1" | "Q5_1":
            return _half(scales) * others[1] + _half(others[0])
        case "Q8_0":
            return _half(scales) * _signed(others[0], 8)
        case "Q2_K":
            quants_, scale, least = others
            low, high = np.repeat(scales[:, :16], 16, axis=1), np.repeat(scales[:, 16:], 16, axis=1)
            return _half(scale) * low * quants_ - _half(least) * high
        case "Q3_K":
            return _half(others[1]) * np.repeat(others[0] - 32, 16, axis=1) * (scales - 4)
        case "Q4_K" | "Q5_K":
            least, first, last, quants_ = others
            factors = np.repeat(np.concatenate([first[:, :4], last[:, :4]], axis=1), 32, axis=1)
            offsets = np.repeat(np.concatenate([first[:, 4:], last[:, 4:]], axis=1), 32, axis=1)
            return _half(scales) * factors * quants_ - _half(least) * offsets
        case _:
            return _half(others[1]) * np.repeat(_signed(others[0], 8), 16, axis=1) * (scales - 32)


@pytest.mark.parametrize("dtype", ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"])
def test_the_table_of_fields_gives_the_weights_of_the_package(dtype: str) -> None:
    of = LAYOUTS[NUMBERS[dtype]]
    data = np.random.default_rng(2).integers(0, 256, (300, of.size), dtype=np.uint8)
    for field in of.fields:
        if field.bits == 16:
            data[:, field.parts[1].start] &= 0xBF  # a finite scale
    expected = quants.dequantize(data, GGMLQuantizationType[dtype]).reshape(len(data), -1)
    np.testing.assert_array_equal(_weights(data, dtype), expected)
