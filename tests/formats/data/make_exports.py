# mypy: ignore-errors
"""Makes the folder `exports` beside it, with the libraries that write these formats. The files are committed.

`expected.json` has the tensors of each as its library reads them: name, dtype, shape, and a digest of their bytes.

    python -m venv V && V/bin/pip install tensorflow-cpu openvino coremltools torch numpy
    V/bin/python tests/formats/data/make_exports.py

They are installed for this alone, so mypy leaves it out.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

import coremltools as ct
import numpy as np
import openvino
import tensorflow as tf
import torch
import torch.distributed.checkpoint as dcp
from coremltools.converters.mil import Builder

HERE = Path(__file__).resolve().parent / "exports"
DTYPES = {
    "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32", "int8": "I8",
}  # fmt: skip
EXPECTED = {}


def expect(file: str, name: str, dtype: str, shape: tuple[int, ...], data: bytes) -> None:
    """Add a tensor of a file to what is expected."""
    tensors = EXPECTED.setdefault(file, {})
    tensors[name] = [DTYPES.get(dtype, ""), [*map(int, shape)], hashlib.sha256(data).hexdigest()]


class Network(torch.nn.Module):
    """Two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)
        self.head = torch.nn.Linear(4, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self.conv(images).mean((2, 3)))


def openvino_files() -> None:
    """model.xml and model.bin; fp16 as `save_model` writes by default."""
    model = openvino.convert_model(Network().eval(), example_input=torch.zeros(1, 3, 8, 8))
    openvino.save_model(model, HERE / "model.xml", compress_to_fp16=True)
    for op in openvino.Core().read_model(HERE / "model.xml").get_ops():
        if op.get_type_name() == "Constant":
            kind = {"f16": "float16", "i64": "int64"}[op.get_element_type().get_type_name()]
            expect("model.xml", op.get_friendly_name(), kind, op.shape, op.data.tobytes())


def distributed_checkpoint() -> None:
    """.metadata and __0_0.distcp, of a state dict with a value that is not a tensor."""
    state = {"model": Network().state_dict(), "half": torch.ones(6).bfloat16(), "step": 7, "name": "helmets"}
    dcp.save(state, checkpoint_id=HERE / "dcp", no_dist=True)
    tensors = {f"model.{name}": value for name, value in state["model"].items()} | {"half": state["half"]}
    for name, value in tensors.items():
        data = bytes(value.contiguous().view(torch.uint8).numpy())
        expect("dcp/.metadata", name, str(value.dtype).removeprefix("torch."), tuple(value.shape), data)


class Module(tf.Module):
    """Variables of several dtypes."""

    def __init__(self) -> None:
        super().__init__()
        rng = np.random.default_rng(7)
        self.kernel = tf.Variable(rng.standard_normal((4, 6)).astype("f4"))
        self.half = tf.Variable(tf.cast(rng.standard_normal(5), tf.bfloat16))
        self.step = tf.Variable(7, dtype=tf.int64)
        self.text = tf.Variable("helmets")

    @tf.function(input_signature=[tf.TensorSpec([2, 4], tf.float32)])
    def __call__(self, images: tf.Tensor) -> tf.Tensor:
        return images @ self.kernel


def tensorflow_files() -> None:
    """A checkpoint, a SavedModel's variables, and model.tflite."""
    module = Module()
    tf.train.Checkpoint(model=module).write(str(HERE / "checkpoint"))
    reader = tf.train.load_checkpoint(str(HERE / "checkpoint"))
    for name, shape in reader.get_variable_to_shape_map().items():
        value = reader.get_tensor(name)
        if not isinstance(value, bytes):
            expect("checkpoint.index", name, str(value.dtype), shape, np.asarray(value).tobytes())
    net = tf.keras.Sequential([tf.keras.Input((8, 8, 3)), tf.keras.layers.Conv2D(4, 3), tf.keras.layers.Dense(5)])
    converter = tf.lite.TFLiteConverter.from_keras_model(net)
    (HERE / "model.tflite").write_bytes(converter.convert())
    expect_tflite("model.tflite")
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    wide = tf.keras.Sequential([tf.keras.Input((40,)), tf.keras.layers.Dense(40), tf.keras.layers.Dense(5)])
    converter = tf.lite.TFLiteConverter.from_keras_model(wide)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    (HERE / "quantized.tflite").write_bytes(converter.convert())
    expect_tflite("quantized.tflite")


def expect_tflite(file: str) -> None:
    """Expect the constants that an interpreter has before it runs: the others have no buffer."""
    interpreter = tf.lite.Interpreter(model_path=str(HERE / file), experimental_preserve_all_tensors=True)
    for details in interpreter.get_tensor_details():
        try:
            value = interpreter.get_tensor(details["index"])
        except ValueError:
            continue
        expect(file, details["name"], str(value.dtype), value.shape, value.tobytes())


def coreml_files() -> None:
    """The weights of an mlpackage, and its model."""
    rng = np.random.default_rng(7)

    @Builder.program(input_specs=[Builder.TensorSpec((1, 64))], opset_version=ct.target.iOS16)
    def program(x):  # noqa: ANN001, ANN202 - traced
        x = Builder.linear(x=x, weight=rng.standard_normal((48, 64)).astype("f4"), bias=np.ones(48, "f4"), name="first")
        return Builder.linear(
            x=x, weight=rng.standard_normal((8, 48)).astype("f4"), bias=np.ones(8, "f4"), name="second"
        )

    expect_blobs(np.random.default_rng(7))
    model = ct.convert(program, minimum_deployment_target=ct.target.iOS16)
    with tempfile.TemporaryDirectory() as folder:
        model.save(f"{folder}/a.mlpackage")
        target = HERE / "coreml"
        shutil.copytree(f"{folder}/a.mlpackage/Data/com.apple.CoreML", target, dirs_exist_ok=True)


def expect_blobs(rng: np.random.Generator) -> None:
    """Expect the constants of the program, which are stored in fp16; those of 8 elements are in the model itself."""
    first, second = rng.standard_normal((48, 64)), rng.standard_normal((8, 48))
    arrays = {"first_weight_0_to_fp16": first, "first_bias_0_to_fp16": np.ones(48), "second_weight_0_to_fp16": second}
    for name, value in arrays.items():
        half = value.astype("f4").astype("f2")
        expect("coreml/model.mlmodel", name, "float16", half.shape, half.tobytes())


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    openvino_files()
    distributed_checkpoint()
    tensorflow_files()
    coreml_files()
    (HERE / "expected.json").write_text(json.dumps(EXPECTED, indent=1) + "\n")
