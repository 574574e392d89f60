"""Exported files: mvc lists the tensors that the library reads, and a version costs what it costs in safetensors."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from tests.integrations.exports.exporters import FORMATS, Arrays
from tests.integrations.formats import growth, network

SLACK = 1.15
"""What a version may cost in another format, as a multiple of what it costs in safetensors."""
DTYPES = {"float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32"}


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_costs_what_its_tensors_do(name: str, tmp_path: Path) -> None:
    format_ = FORMATS[name]
    arrays: list[Arrays] = []

    def write(trained: network.Trained, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        format_.write(trained, path)
        arrays.append({name: np.array(value, order="C") for name, value in format_.read(path).items()})

    writers = [partial(write, trained) for trained in network.versions()]
    exported = growth.measured(tmp_path / "exported", format_.file, writers)
    plain = [partial(safetensors.numpy.save_file, each) for each in arrays]
    reference = growth.measured(tmp_path / "reference", "best.safetensors", plain)
    print(f"{name}: {exported}; safetensors {reference}")
    expected = {name: (DTYPES[str(value.dtype)], value.shape) for name, value in arrays[0].items()}
    assert {name: exported.tensors.get(name) for name in expected} == expected
    first, second, third = exported.shares
    assert first < reference.shares[0] + 1
    assert second < reference.shares[1] * SLACK
    assert third < max(reference.shares[2] * SLACK, reference.shares[2] + 2 * growth.NOISE)
