"""The network in the formats that it is exported to, each written by its own library, and read back by it.

    write(arrays, path)    writes the file, and what belongs beside it
    read(path)             returns the tensors as the library reads them, by name

The network of PyTorch is exported where the library converts one; elsewhere its arrays are the constants of another one.
"""

from __future__ import annotations

import io
import logging
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import coremltools
import numpy as np
import openvino
import tensorflow as tf
import torch
import torch.distributed.checkpoint as dcp
from coremltools.converters.mil import Builder
from coremltools.converters.mil.frontend.milproto.load import load
from coremltools.proto import Model_pb2

from tests.integrations.formats.network import SIZE, Trained

Arrays = dict[str, np.ndarray]


class Format(NamedTuple):
    """A format: the name of its file with the numbers, and the functions of the module's docstring."""

    file: str
    write: Callable[[Trained, Path], object]
    read: Callable[[Path], Arrays]


def matrices(trained: Trained) -> Arrays:
    """Return the tensors with two or more dimensions as matrices."""
    arrays = trained.arrays().items()
    return {name.replace(".", "_"): value.reshape(len(value), -1) for name, value in arrays if value.ndim > 1}


def write_openvino(trained: Trained, path: Path, *, half: bool = False) -> None:
    model = trained.model.eval()
    converted = openvino.convert_model(model, example_input=torch.zeros(1, 3, SIZE, SIZE))
    model.train()
    openvino.save_model(converted, path.with_suffix(".xml"), compress_to_fp16=half)


def read_openvino(path: Path) -> Arrays:
    operations = openvino.Core().read_model(path.with_suffix(".xml")).get_ops()
    constants = [operation for operation in operations if operation.get_type_name() == "Constant"]
    return {constant.get_friendly_name(): constant.data for constant in constants}


def write_tflite(trained: Trained, path: Path) -> None:
    weights = matrices(trained)
    width = max(len(value) for value in weights.values())

    @tf.function(input_signature=[tf.TensorSpec([1, width], tf.float32)])  # type: ignore[untyped-decorator]
    def product(values: Any) -> Any:
        sums = [tf.reduce_sum(tf.matmul(values[:, : len(value)], value)) for value in weights.values()]
        return tf.add_n(sums)

    converter = tf.lite.TFLiteConverter.from_concrete_functions([product.get_concrete_function()], product)
    path.write_bytes(converter.convert())


def read_tflite(path: Path) -> Arrays:
    interpreter = tf.lite.Interpreter(model_path=str(path))
    arrays = {}
    for details in interpreter.get_tensor_details():
        try:
            arrays[details["name"]] = interpreter.get_tensor(details["index"])
        except ValueError:  # it has no value before the net runs
            continue
    return arrays


def write_tensorflow(trained: Trained, path: Path) -> None:
    module = tf.Module()
    module.variables_of_the_net = {name: tf.Variable(value) for name, value in trained.arrays().items()}
    tf.train.Checkpoint(net=module).write(str(path).partition(".data-")[0])


def read_tensorflow(path: Path) -> Arrays:
    reader = tf.train.load_checkpoint(str(path).partition(".data-")[0])
    arrays = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    return {name: np.array(value) for name, value in arrays.items() if isinstance(value, np.ndarray | np.generic)}


def write_distributed(trained: Trained, path: Path) -> None:
    dcp.save({"model": trained.model.state_dict()}, checkpoint_id=path.parent, no_dist=True)


def read_distributed(path: Path) -> Arrays:
    metadata = dcp.FileSystemReader(path.parent).read_metadata().state_dict_metadata
    state = {name: torch.empty(value.size, dtype=value.properties.dtype) for name, value in metadata.items()}
    dcp.load(state, checkpoint_id=path.parent, no_dist=True)
    return {name: value.numpy() for name, value in state.items()}


def write_coreml(trained: Trained, path: Path) -> None:
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    weights = matrices(trained)
    width = max(value.shape[1] for value in weights.values())
    spec = Builder.TensorSpec((1, width))
    target = coremltools.target.iOS16

    @Builder.program(input_specs=[spec], opset_version=target)  # type: ignore[untyped-decorator]
    def program(values: Any) -> Any:
        sums = []
        for name, value in weights.items():
            part = Builder.slice_by_size(x=values, begin=[0, 0], size=[1, value.shape[1]])
            sums.append(Builder.linear(x=part, weight=value, name=name))
        return Builder.concat(values=sums, axis=1)

    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "net.mlpackage"
        coremltools.convert(program, minimum_deployment_target=target).save(str(package))
        shutil.copytree(package / "Data" / "com.apple.CoreML", path.parents[1], dirs_exist_ok=True)


def read_coreml(path: Path) -> Arrays:
    """Return the blobs as coremltools reads them, by the names of its program."""
    spec = Model_pb2.Model()
    spec.ParseFromString((path.parents[1] / "model.mlmodel").read_bytes())
    program = load(spec, spec.specificationVersion, str(path.parent))
    (function,) = program.functions.values()
    constants = [operation for operation in function.operations if operation.op_type == "const"]
    values = {operation.outputs[0].name: operation.outputs[0].val for operation in constants}
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray) and value.size > 32}


def write_tar(trained: Trained, path: Path) -> None:
    members = {"./model_config.yaml": b"name: net\n" * 20, "./model_weights.ckpt": _torch(trained)}
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def write_zip(trained: Trained, path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", b"{}" * 20)
        archive.writestr("net/weights.pt", _torch(trained))


def read_tar(path: Path) -> Arrays:
    with tarfile.open(path) as archive:
        file = archive.extractfile("./model_weights.ckpt")
        assert file is not None
        return _arrays("model_weights.ckpt", file.read())


def read_zip(path: Path) -> Arrays:
    with zipfile.ZipFile(path) as archive:
        return _arrays("net/weights.pt", archive.read("net/weights.pt"))


def _torch(trained: Trained) -> bytes:
    out = io.BytesIO()
    torch.save(trained.model.state_dict(), out)
    return out.getvalue()


def _arrays(member: str, data: bytes) -> Arrays:
    state = torch.load(io.BytesIO(data), weights_only=True)
    return {f"{member}/{name}": value.numpy() for name, value in state.items()}


def _half(trained: Trained, path: Path) -> None:
    write_openvino(trained, path, half=True)


FORMATS = {
    "openvino": Format("model.bin", write_openvino, read_openvino),
    "openvino fp16": Format("model.bin", _half, read_openvino),
    "tflite": Format("model.tflite", write_tflite, read_tflite),
    "tensorflow": Format("ckpt.data-00000-of-00001", write_tensorflow, read_tensorflow),
    "distributed": Format("__0_0.distcp", write_distributed, read_distributed),
    "coreml": Format("weights/weight.bin", write_coreml, read_coreml),
    "tar": Format("model.nemo", write_tar, read_tar),
    "zip": Format("bundle.zip", write_zip, read_zip),
}
