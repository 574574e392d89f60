"""Files of PyTorch: what each version costs beside the same weights in safetensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

import mvc
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


@pytest.mark.parametrize("is_legacy", [False, True])
def test_every_tensor_has_the_numbers_that_torch_loads(tmp_path: Path, is_legacy: bool) -> None:
    shared = torch.randn(64, 96)
    state = {
        "embedding": shared,
        "head": shared,
        "transposed": shared.t(),
        "rows": shared[8:16],
        "columns": shared[:, 3:7],
        "conv": torch.randn(4, 3, 8, 8).to(memory_format=torch.channels_last),
        "steps": torch.arange(20_000)[::2],
        "half": torch.randn(5, 7, dtype=torch.float16),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
    }
    mvc.init(tmp_path, model=growth.MODEL)
    torch.save(state, tmp_path / "views.pt", _use_new_zipfile_serialization=not is_legacy)
    model = mvc.open(tmp_path).model(growth.MODEL)
    model.add(tmp_path / "views.pt", role=growth.ROLE)
    model.commit("Views")
    tensors = model["v1"].files[growth.ROLE].tensors
    assert tensors.keys() == state.keys()
    for name, tensor in state.items():
        assert tensors[name].shape == tuple(tensor.shape), name
        assert torch.equal(torch.from_numpy(tensors[name].numpy().copy()), tensor), name


def _traced(state: Any, path: Path) -> None:
    torch.jit.trace(_model(state), torch.zeros(2, 3, 32, 32)).save(str(path))


def _exported(state: Any, path: Path) -> None:
    torch.export.save(torch.export.export(_model(state), (torch.zeros(2, 3, 32, 32),)), path)


def _model(state: Any) -> network.Network:
    model = network.Network()
    model.load_state_dict(state)
    model.eval()
    return model


@pytest.mark.parametrize(("name", "save"), [("best.torchscript", _traced), ("best.pt2", _exported)])
def test_a_program_costs_what_its_tensors_do(
    reference: Growth, tmp_path: Path, name: str, save: Callable[[Any, Path], object]
) -> None:
    found = growth.measured(tmp_path, name, writers(save))
    print(f"safetensors {reference}; {name} {found}")
    assert found.tensors.items() >= reference.tensors.items() or name == "best.torchscript"
    _check(found, reference, noise=3 * growth.NOISE)  # and its code, with the lines that it was traced from


def test_a_checkpoint_costs_what_its_tensors_do(reference: Growth, tmp_path: Path) -> None:
    def save(number: int, path: Path) -> None:
        trained = network.versions()[number]
        torch.save({"model": trained.model, "optimizer": trained.optimizer.state_dict(), "epoch": number}, path)

    found = growth.measured(tmp_path, "last.pt", [partial(save, number) for number in range(3)])
    print(f"safetensors {reference}; checkpoint {found}")
    names = {name.removeprefix("model.") for name in found.tensors if name.startswith("model.")}
    assert names >= reference.tensors.keys()


def test_a_copy_of_fewer_bits_in_the_same_version_costs_next_to_nothing(tmp_path: Path) -> None:
    dtype = torch.bfloat16

    def save(state: Any, path: Path) -> None:
        torch.save(state, path)
        half = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in state.items()}
        safetensors.torch.save_file(half, path.with_name("a-half.safetensors"))

    alone = growth.measured(tmp_path / "alone", "best.pt", writers(torch.save))
    both = growth.measured(tmp_path / "both", "best.pt", writers(save))
    print(f"alone {alone}; with {dtype} {both}")
    for without, share in zip(alone.shares, both.shares, strict=True):
        assert 3 * share < 2 * without + 3 * growth.NOISE + 2  # both files are one and a half times as long


def _check(found: Growth, reference: Growth, noise: float = growth.NOISE) -> None:
    first, second, third = found.shares
    assert first < reference.shares[0] + 1
    assert second < reference.shares[1] * SLACK
    assert third < reference.shares[2] + noise
