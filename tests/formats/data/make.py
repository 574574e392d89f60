# mypy: ignore-errors
"""Makes the files beside it, with the libraries whose formats they have. The files are committed; this says what they are.

    python -m venv V && V/bin/pip install torch safetensors gguf h5py numpy && V/bin/python tests/formats/data/make.py

They are installed for this alone, so mypy leaves it out.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path

import gguf
import h5py
import numpy as np
import safetensors.numpy
import torch
from torch import nn

HERE = Path(__file__).resolve().parent


class Network(nn.Module):
    """Two layers, the second of which shares the weights of the first, and one that is not trained."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(6, 4)
        self.layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4, bias=False)])
        self.norm = nn.BatchNorm1d(4)
        self.head = nn.Linear(4, 6, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        found = self.embedding(numbers)
        for layer in self.layers:
            found = layer(found)
        return self.head(self.norm(found))


def numpy_files() -> None:
    rng = np.random.default_rng(7)
    arrays = {
        "layer.weight": rng.standard_normal((4, 6)).astype("<f4"),
        "layer.bias": rng.standard_normal(4).astype("<f2"),
        "columns": np.asfortranarray(rng.standard_normal((3, 5))),
        "scalar": np.array(7, "<i8"),
        "empty": np.zeros((0, 3), "<f4"),
        "flags": np.array([True, False]),
        "big": np.arange(4, dtype=">f4"),
        "records": np.zeros(3, [("place", "<f4", 2), ("kind", "u1")]),
        "names": np.array(["helmet", "head"]),
    }
    np.savez(HERE / "arrays.npz", **arrays)
    np.savez_compressed(HERE / "compressed.npz", **arrays)
    plain = ("layer.weight", "layer.bias", "scalar", "empty", "flags")
    safetensors.numpy.save_file(
        {name: arrays[name] for name in plain}, HERE / "arrays.safetensors", metadata={"format": "np"}
    )


def keras_file() -> None:
    """As keras.saving writes it, without Keras: two texts, and the weights of each layer below its path."""
    rng = np.random.default_rng(7)
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        for layer, shape in {"dense": (4, 6), "dense_1": (6, 2)}.items():
            file[f"layers/{layer}/vars/0"] = rng.standard_normal(shape).astype("<f4")
            file[f"layers/{layer}/vars/1"] = np.zeros(shape[1], "<f4")
    with zipfile.ZipFile(HERE / "network.keras", "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.9.0"}')
        archive.writestr("config.json", '{"module": "keras", "class_name": "Sequential"}')
        archive.writestr("model.weights.h5", weights.getvalue())
    (HERE / "weights.h5").write_bytes(weights.getvalue())
    with h5py.File(HERE / "chunks.h5", "w", libver="latest") as file:
        file.create_dataset("chunked", data=np.zeros((9, 9), "<f4"), chunks=(8, 8), maxshape=(None, None))
        file["whole"] = np.ones(4, "<f4")


def gguf_file() -> None:
    rng = np.random.default_rng(7)
    writer = gguf.GGUFWriter(HERE / "quantized.gguf", "llama")
    writer.add_block_count(1)
    writer.add_float32("training.rate", 2e-5)
    writer.add_bool("training.done", True)
    writer.add_array("tokenizer.ggml.tokens", ["<s>", "helmet", "head", "ééé"])
    writer.add_array("tokenizer.ggml.scores", [0.5, 1.5, 2.5])
    weights = rng.standard_normal((4, 256)).astype("<f4")
    writer.add_tensor("token_embd.weight", weights)
    writer.add_tensor("norm.weight", weights[0].astype("<f2"))
    for name in ("Q8_0", "Q4_0", "BF16"):
        kind = gguf.GGMLQuantizationType[name]
        writer.add_tensor(f"blk.0.{name.lower()}.weight", gguf.quantize(weights, kind), raw_dtype=kind)
    writer.add_tensor("blk.0.q4_k.weight", np.zeros((4, 144), "u1"), raw_dtype=gguf.GGMLQuantizationType.Q4_K)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def torch_files() -> None:
    torch.manual_seed(7)
    network = Network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    for _ in range(2):
        network(torch.tensor([1, 2, 3])).sum().backward()
        optimizer.step()
    torch.save(network.state_dict(), HERE / "state.pt")
    state = {"epoch": 3, "model": network.state_dict(), "optimizer": optimizer.state_dict(), "loss": [0.5, 0.25]}
    torch.save(state, HERE / "checkpoint.ckpt")
    torch.save(network, HERE / "module.pth")
    torch.save(_views(), HERE / "views.pt")
    torch.save(state, HERE / "legacy.ckpt", _use_new_zipfile_serialization=False)
    torch.save(_views(), HERE / "legacy.pt", _use_new_zipfile_serialization=False)
    program_file()
    with warnings.catch_warnings(action="ignore"):
        torch.jit.script(network.eval()).save(str(HERE / "script.jit"))


def program_file() -> None:
    """As torch.export saves a program, without the program itself, which is long."""
    network = Network().eval()
    saved = io.BytesIO()
    torch.export.save(torch.export.export(network, (torch.tensor([1, 2, 3]),)), saved)
    with zipfile.ZipFile(saved) as archive, zipfile.ZipFile(HERE / "program.pt2", "w") as file:
        for member in archive.infolist():
            if "/models/" not in member.filename and "/sample_inputs/" not in member.filename:
                file.writestr(zipfile.ZipInfo(member.filename), archive.read(member))


def _views() -> dict[str, object]:
    """Tensors that share storages in every way that matters, and kinds of numbers."""
    base, tiled, rows = torch.arange(12.0), torch.arange(12.0), torch.arange(12.0)
    return {
        "whole": base.view(3, 4),
        "row": base[4:8],
        "tiles": [tiled[:4], tiled[4:].view(2, 4)],
        "overlapping": (rows[:8], rows[6:]),
        "slice": torch.arange(10.0)[2:5],
        "transposed": torch.arange(6.0).view(2, 3).t(),
        "parameter": nn.Parameter(torch.ones(3)),
        "empty": torch.zeros(0, 3),
        "scalar": torch.tensor(3),
        "bf16": torch.ones(5, dtype=torch.bfloat16),
        "u16": torch.ones(5, dtype=torch.uint16),
        "f8": torch.ones(5).to(torch.float8_e4m3fn),
        "sparse": torch.eye(3).to_sparse(),
        ("a", "tuple"): torch.zeros(2),
    }


if __name__ == "__main__":
    numpy_files()
    keras_file()
    gguf_file()
    torch_files()
