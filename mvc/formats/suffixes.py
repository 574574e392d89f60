"""What the names of weight files end with; apart from what reads them, since `status` needs no more."""

from __future__ import annotations

WEIGHT_SUFFIXES = (
    *(".pt", ".pth", ".ckpt", ".onnx", ".safetensors", ".h5", ".hdf5", ".keras", ".tflite", ".engine", ".pb", ".bin"),
    *(".gguf", ".npz", ".pkl", ".joblib", ".mlmodel", ".torchscript", ".jit"),
)
"""What the names of weight files end with."""
