"""A training loop of accelerate, as its documentation shows one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState
from accelerate.tracking import register_tracker_class
from torch.nn import functional

from mvc.training.accelerate import MvcTracker
from tests.integrations import versions
from tests.integrations.trainers import nets


def train(folder: Path, *, is_registered: bool = False, fail_in: int | None = None, **options: Any) -> Any:
    """Train for three epochs; each one that improves writes the weights and gives them to the tracker, which is returned."""
    reset()
    if is_registered:
        register_tracker_class(MvcTracker)
    tracker = MvcTracker(versions.MODEL, **options)
    accelerator = Accelerator(cpu=True, log_with="mvc" if is_registered else tracker)
    accelerator.init_trackers(versions.MODEL if is_registered else "project", config={"epochs": 3, "lr": 0.05})
    net = nets.net()
    net, optimizer, batches = accelerator.prepare(net, torch.optim.AdamW(net.parameters(), lr=0.05), nets.batches())
    best = float("inf")
    for epoch in range(3):
        if epoch == fail_in:
            raise KeyError("as the training")
        for values, classes in batches:
            optimizer.zero_grad()
            accelerator.backward(functional.cross_entropy(net(values), classes))
            optimizer.step()
        metrics = evaluate(accelerator.unwrap_model(net))
        accelerator.log({"epoch": epoch, **metrics}, step=epoch)
        if metrics["val_loss"] < best:
            best = metrics["val_loss"]
            accelerator.save_model(net, str(folder / "best"))
            if accelerator.is_main_process:
                accelerator.get_tracker("mvc").best(folder / "best" / "model.safetensors", metrics)
    accelerator.end_training()
    return tracker


def reset() -> None:
    """Forget the accelerator of another training in this process."""
    for state in (AcceleratorState, GradientState, PartialState):
        state._reset_state()


def evaluate(net: torch.nn.Module) -> dict[str, float]:
    """Return loss and accuracy on points that were not trained with."""
    values, classes = nets.points(48, seed=4)
    with torch.no_grad():
        found = net(values)
    accuracy = (found.argmax(dim=1) == classes).float().mean()
    return {"val_loss": float(functional.cross_entropy(found, classes)), "val_accuracy": float(accuracy)}
