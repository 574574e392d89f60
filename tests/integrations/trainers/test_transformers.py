"""Transformers, on the CPU: one version for each training, of the best checkpoint with its metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mvc
from tests.integrations import versions
from tests.integrations.small import slow
from tests.integrations.trainers import pictures
from tests.integrations.trainers.pictures import trainer


def test_a_training_is_one_version_of_its_best_checkpoint(folder: Path) -> None:
    said: list[str] = []
    made = trainer(folder, arguments={"metric_for_best_model": "score", "greater_is_better": True}, report=said.append)
    scores = iter([0.1, 0.9, 0.2])  # the best checkpoint is not the last one
    made.compute_metrics = lambda predicted: {**pictures.accuracy(predicted), "score": next(scores)}
    made.train()
    version = versions.only(folder)
    checkpoint = Path(made.state.best_model_checkpoint)
    assert [path.name for path in (folder / "out").iterdir()] == [checkpoint.name], "save_total_limit=1 keeps the best"
    assert version.files["model-latest"].read() == (checkpoint / "model.safetensors").read_bytes()
    assert version.files["config"].read() == (checkpoint / "config.json").read_bytes()
    assert {*version.files} >= {"model-latest", "config", "trainer-state", "training-args", "training-log"}
    assert not {"optimizer", "scheduler", "rng_state"} & {*version.files}

    fresh = pictures.evaluate(checkpoint, folder)
    expected = {name: fresh[name] for name in ("eval_loss", "eval_accuracy")} | {"eval_score": 0.9}
    assert version.metrics == pytest.approx(expected, abs=1e-6)

    assert version.labelmap == {0: "helmet", 1: "head"}
    assert version.parameters["learning_rate"] == 0.02
    assert not {"output_dir", "weight_decay"} & {*version.parameters}
    log = version.files["training-log"].read().decode().splitlines()
    assert {"epoch", "step", "loss", "eval_loss", "eval_accuracy"} <= {*log[0].split(",")}
    assert not {"eval_runtime", "total_flos", "grad_norm"} & {*log[0].split(",")}
    assert [line for line in said if not line.startswith("recorded ")] == []


def test_the_optimizer_is_recorded_on_request(folder: Path) -> None:
    made = trainer(folder, optimizer=True)
    made.train()
    checkpoint = Path(made.state.best_model_checkpoint)
    version = versions.only(folder)
    assert version.files["optimizer"].read() == (checkpoint / "optimizer.pt").read_bytes()
    assert {"scheduler", "rng_state"} <= {*version.files}


def test_without_a_metric_the_last_checkpoint_is_recorded(folder: Path) -> None:
    made = trainer(
        folder, arguments={"load_best_model_at_end": False, "metric_for_best_model": None, "save_total_limit": None}
    )
    made.train()
    last = folder / "out" / f"checkpoint-{made.state.global_step}"
    version = versions.only(folder)
    assert version.files["model-latest"].read() == (last / "model.safetensors").read_bytes()
    assert version.metrics == pytest.approx(
        {name: pictures.evaluate(last, folder)[name] for name in version.metrics}, abs=1e-6
    )


def test_a_training_that_fails_leaves_no_version_and_the_next_one_is_its_own(folder: Path) -> None:
    said: list[str] = []
    made = trainer(folder, report=said.append)
    compute, steps = made.compute_loss, iter(range(100))

    def fail_later(*given: Any, **named: Any) -> Any:
        if next(steps) == 8:
            raise KeyError("as the training")
        return compute(*given, **named)

    made.compute_loss = fail_later
    with pytest.raises(KeyError, match="as the training"):
        made.train()
    assert versions.versions(folder) == []

    made.compute_loss = compute
    made.train()
    epochs = [row.split(",")[0] for row in versions.only(folder).files["training-log"].read().decode().splitlines()[1:]]
    assert sorted({*map(float, epochs)}) == [1, 2, 3]
    assert epochs.count("1.0") == epochs.count("3.0") - 1, "the end of a training is logged, too"
    assert "failed" in said[0]


def test_improvements_are_on_a_branch_of_the_run(folder: Path) -> None:
    made = trainer(folder, every="best", name="first")
    made.train()
    model = mvc.open(folder).model()
    improvements = [version.files["model-latest"].id for version in model.log("run/first")]
    assert len(improvements) == len({*improvements})
    assert model["main"].files["model-latest"].id == improvements[0]
    assert model["main"].parents == ()


def test_a_training_without_checkpoints_is_told_so_at_its_beginning(folder: Path) -> None:
    said: list[str] = []
    made = trainer(folder, arguments={"save_strategy": "no", "load_best_model_at_end": False}, report=said.append)
    made.train()
    assert "save_strategy" in said[0]
    assert versions.versions(folder) == []


DISTRIBUTED = """
from pathlib import Path
from tests.integrations.trainers.pictures import trainer

trainer(Path.cwd(), strict=True, arguments={"ddp_backend": "gloo"}).train()
"""


@slow
def test_two_processes_make_one_version(folder: Path) -> None:
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    done = versions.python(DISTRIBUTED, folder, *launcher)
    assert done.returncode == 0, done.stdout + done.stderr
    version = versions.only(folder)
    (checkpoint,) = (folder / "out").iterdir()
    assert version.files["model-latest"].read() == (checkpoint / "model.safetensors").read_bytes()
    assert done.stderr.count("mvc: recorded ") == 1
