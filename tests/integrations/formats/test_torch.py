"""Files of PyTorch: what each version costs beside the same weights in safetensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from tests.integrations.formats import growth, network
from tests.integrations.formats.growth import Growth, Write

SLACK = 1.15
"""What a version may cost in another format, as a multiple of what it costs in safetensors."""


def writers(save: Callable[[Any, Path], object]) -> list[Write]:
    """Return a writer for each version, which calls `save` with its state dict."""
    return [partial(save, trained.model.state_dict()) for trained in network.versions()]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Growth:
    """The same weights in safetensors."""
    folder = tmp_path_factory.mktemp("reference")
    return growth.measured(folder, "best.safetensors", writers(safetensors.torch.save_file))


def test_a_state_dict_costs_what_its_tensors_do(reference: Growth, tmp_path: Path) -> None:
    found = growth.measured(tmp_path, "best.pt", writers(torch.save))
    print(f"safetensors {reference}; zip {found}")
    assert found.tensors == reference.tensors
    _check(found, reference)


def test_a_file_of_before_1_6_costs_what_its_tensors_do(reference: Growth, tmp_path: Path) -> None:
    found = growth.measured(tmp_path, "best.pth", writers(partial(torch.save, _use_new_zipfile_serialization=False)))
    print(f"safetensors {reference}; before 1.6 {found}")
    assert found.tensors == reference.tensors
    _check(found, reference, noise=2 * growth.NOISE)  # small tensors have other neighbours after each save


def _check(found: Growth, reference: Growth, noise: float = growth.NOISE) -> None:
    first, second, third = found.shares
    assert first < reference.shares[0] + 1
    assert second < reference.shares[1] * SLACK
    assert third < reference.shares[2] + noise
