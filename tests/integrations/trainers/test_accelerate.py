"""accelerate, on the CPU: one version for each training, of the weights that it gives with their metrics."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.integrations import versions
from tests.integrations.small import slow
from tests.integrations.trainers import loop, nets


def test_a_training_is_one_version_of_its_best_weights(folder: Path) -> None:
    said: list[str] = []
    loop.train(folder, report=said.append, labelmap=nets.CLASSES)
    version = versions.only(folder)
    assert version.files["model-latest"].read() == (folder / "best" / "model.safetensors").read_bytes()
    net = nets.net()
    net.load_state_dict(load_file(folder / "best" / "model.safetensors"))
    assert version.metrics == pytest.approx(loop.evaluate(net), abs=1e-6)
    assert version.parameters == {"epochs": 3, "lr": 0.05}
    assert version.labelmap == dict(enumerate(nets.CLASSES))
    assert len(version.files["training-log"].read().splitlines()) == 4
    assert [line for line in said if not line.startswith("recorded ")] == []


def test_a_registered_tracker_takes_the_name_of_the_project(folder: Path) -> None:
    loop.train(folder, is_registered=True)
    assert versions.only(folder).model == versions.MODEL


def test_weights_after_the_end_are_named_as_left_out(folder: Path) -> None:
    said: list[str] = []
    tracker = loop.train(folder, report=said.append)
    tracker.best("later.safetensors", val_loss=0.0)
    assert said[-1].startswith("later.safetensors is left out")
    assert len(versions.versions(folder)) == 1


def test_a_training_that_fails_leaves_no_version(folder: Path) -> None:
    with pytest.raises(KeyError, match="as the training"):
        loop.train(folder, fail_in=2)
    assert versions.versions(folder) == []


DISTRIBUTED = """
from pathlib import Path
from tests.integrations.trainers import loop

loop.train(Path.cwd(), strict=True)
"""


@slow
def test_two_processes_make_one_version(folder: Path) -> None:
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    done = versions.python(DISTRIBUTED, folder, *launcher, ACCELERATE_USE_CPU="true")
    assert done.returncode == 0, done.stdout + done.stderr
    version = versions.only(folder)
    assert version.files["model-latest"].read() == (folder / "best" / "model.safetensors").read_bytes()
    assert done.stderr.count("mvc: recorded ") == 1
    assert torch.distributed.is_available()
