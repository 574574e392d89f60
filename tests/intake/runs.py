"""Run folders as trainers leave them: the names and texts of Ultralytics 8, Lightning 2 and Transformers 4."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.weights import safetensors

ARGS = """\
task: detect
mode: train
model: yolov8n.pt
data: {data}
epochs: {epochs}
time: null
patience: 100
batch: 16
imgsz: 640
name: {name}
pretrained: true
optimizer: auto
freeze: null
lr0: 0.01
save_dir: runs/detect/{name}
"""
COLUMNS = (
    "epoch",
    "train/box_loss",
    "metrics/precision(B)",
    "metrics/recall(B)",
    "metrics/mAP50(B)",
    "metrics/mAP50-95(B)",
    "lr/pg0",
)
MAP = (0.31, 0.58, 0.52)
"""The metrics/mAP50-95(B) of each epoch: the second is the best."""


def ultralytics(
    folder: Path, *, step: int = 0, data: str = "data.yaml", padded: bool = False, exports: Iterable[str] = ()
) -> Path:
    """A run of `yolo train`; `padded` as Ultralytics wrote results.csv before 8.2."""
    (folder / "weights").mkdir(parents=True)
    for name in ("best.pt", "last.pt", *exports):
        (folder / "weights" / name).write_bytes(f"\0{name} {step}".encode() * 700)
    (folder / "args.yaml").write_text(ARGS.format(data=data, epochs=3, name=folder.name), encoding="utf-8")
    (folder / "results.csv").write_text(_csv(step, padded=padded), encoding="utf-8")
    for name in ("results.png", "confusion_matrix.png"):
        (folder / name).write_bytes(f"\0{name} {step}".encode())
    return folder


def _csv(step: int, *, padded: bool) -> str:
    rows = [COLUMNS] + [(str(n + 1), "0.91", "0.7", "0.6", f"{value + step / 100 + 0.1:.5f}", f"{value + step / 100:.5f}", "0.001")
                        for n, value in enumerate(MAP)]  # fmt: skip
    if padded:
        return "".join(",".join(f"{cell:>23}" for cell in row) + "\n" for row in rows)
    return "".join(",".join(row) + "\n" for row in rows)


def data_yaml(path: Path, *names: str) -> None:
    """The data set of `yolo train`, with its classes."""
    classes = "".join(f"  {number}: {name}\n" for number, name in enumerate(names))
    path.write_text(
        f"path: ../datasets/helmets\ntrain: images/train\nval: images/val\nnames:\n{classes}", encoding="utf-8"
    )


def lightning(folder: Path, *checkpoints: str) -> Path:
    """A run of `Trainer(logger=CSVLogger(…))`, in version_N."""
    (folder / "checkpoints").mkdir(parents=True)
    for name in checkpoints or ("epoch=9-step=1000.ckpt",):
        (folder / "checkpoints" / name).write_bytes(f"\0{folder.name} {name}".encode() * 500)
    (folder / "hparams.yaml").write_text("lr: 0.001\nbackbone: resnet18\nbatch_size: 32\n", encoding="utf-8")
    rows = "epoch,step,train_loss,val_acc,val_loss\n0,49,0.9,,\n0,49,,0.61,0.8\n1,99,0.5,,\n1,99,,0.72,0.6\n"
    (folder / "metrics.csv").write_text(rows, encoding="utf-8")
    return folder


def transformers(
    folder: Path, *, best: str | None = None, step: int = 500, classes: Mapping[int, str] | None = None
) -> Path:
    """A checkpoint of `Trainer`, in checkpoint-N."""
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(safetensors({"classifier.weight": ("F32", (2, 4), os.urandom(32))}))
    names = classes or {0: "helmet", 1: "head"}
    config = {"architectures": ["ViTForImageClassification"], "id2label": {str(key): name for key, name in names.items()},
              "label2id": {name: str(key) for key, name in names.items()}, "hidden_size": 768}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    (folder / "preprocessor_config.json").write_text('{"size": 224}', encoding="utf-8")
    log = [{"epoch": 1.0, "loss": 0.8, "step": 250}, {"epoch": 1.0, "eval_accuracy": 0.8, "eval_loss": 0.6, "step": 250},
           {"epoch": 2.0, "loss": 0.4, "step": step}, {"epoch": 2.0, "eval_accuracy": 0.9, "eval_loss": 0.3, "step": step}]  # fmt: skip
    state = {"best_metric": 0.9, "best_model_checkpoint": best, "epoch": 2.0, "global_step": step, "log_history": log,
             "max_steps": 1000, "num_train_epochs": 4, "train_batch_size": 8}  # fmt: skip
    (folder / "trainer_state.json").write_text(json.dumps(state, indent=2), encoding="utf-8")
    for name in ("training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth"):
        (folder / name).write_bytes(b"PK" + name.encode() * 20)
    return folder
