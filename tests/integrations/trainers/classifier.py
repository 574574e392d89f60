"""A module of Lightning that tells the points apart."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from torch.nn import functional

from tests.integrations.trainers import nets

SCORES = (0.3, 0.9, 0.2, 0.1)
"""By epoch: the best one is not the last."""


class Classifier(lightning.LightningModule):  # type: ignore[misc] # not typed where it is not installed
    """Logs its loss in training, and loss and accuracy in validation."""

    def __init__(self, lr: float = 0.05, fail_in: int | None = None) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.class_names = nets.CLASSES
        self.net = nets.net()

    def training_step(self, batch: Any, _: int) -> Any:
        if self.current_epoch == self.hparams.fail_in:
            raise KeyError("as the training")
        loss = functional.cross_entropy(self.net(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: Any, _: int) -> None:
        found = self.net(batch[0])
        self.log("val/loss", functional.cross_entropy(found, batch[1]), sync_dist=True)
        self.log("val/accuracy", (found.argmax(dim=1) == batch[1]).float().mean(), sync_dist=True)

    def on_validation_epoch_end(self) -> None:
        self.log("val/score", SCORES[self.current_epoch % len(SCORES)])

    def test_step(self, batch: Any, index: int) -> None:
        self.log("test/loss", functional.cross_entropy(self.net(batch[0]), batch[1]))

    def configure_optimizers(self) -> Any:
        return torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)
