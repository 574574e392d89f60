"""What TensorFlow and Keras write is judged by what they would run: the payloads run here, in the real loaders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pytest
import tensorflow as tf

from mvc.scan.verdict import Verdict
from tests.scan.formats.cases import Case, broken, report

pytestmark = pytest.mark.filterwarnings("ignore")  # of TensorFlow itself
SCALAR = tf.TensorSpec((), tf.float32)


def scanned(path: Path) -> tuple[Verdict, tuple[str, ...]]:
    got = report(Case(path.as_posix(), path.read_bytes()))
    return got.verdict, broken(got)


def writes(x: Any) -> Any:
    tf.io.write_file("ran", "x")
    return x


def reads(x: Any) -> Any:
    return tf.io.read_file("secret")


def prints(x: Any) -> Any:
    tf.print(x, output_stream="file://ran")
    return x


@pytest.mark.parametrize(
    ("function", "rule"), [(writes, "graph-operation"), (reads, "graph-operation"), (prints, "graph-print")]
)
def test_a_saved_model_that_uses_files_is_hostile_and_really_does(
    function: Callable[[Any], Any], rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("secret").write_bytes(b"ab")
    module = tf.Module()
    module.run = tf.function(function, input_signature=[SCALAR])
    tf.saved_model.save(module, "model")
    result = tf.saved_model.load("model").run(tf.constant(1.0))
    assert result.numpy() == b"ab" if function is reads else Path("ran").exists()
    assert scanned(Path("model/saved_model.pb")) == (Verdict.HOSTILE, (rule,))


def test_models_of_keras_are_plain_in_each_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = keras.layers.TextVectorization(max_tokens=20, output_sequence_length=4)
    words.adapt(["a b c", "d e"])
    inputs = keras.Input((4, 8))
    models = {
        "dense": keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, "relu", kernel_regularizer="l2")]),
        "attention": keras.Model(inputs, keras.layers.MultiHeadAttention(2, 4)(inputs, inputs) + 1.0),
        "words": keras.Sequential([keras.Input((1,), dtype="string"), words, keras.layers.Embedding(20, 4)]),
    }
    models["dense"].compile(keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(1e-3, 10)), "mse")
    for name, model in models.items():
        model.save(f"{name}.keras")
        model.save(f"{name}.h5")
        model.export(f"{name}_graph", verbose=False)
        paths = [Path(f"{name}.keras"), Path(f"{name}.h5"), *Path(f"{name}_graph").rglob("*.pb")]
        assert {path: scanned(path) for path in paths} == dict.fromkeys(paths, (Verdict.PLAIN, ()))


def test_a_lambda_layer_is_hostile_and_its_bytecode_really_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    layer = keras.layers.Lambda(lambda x: (__import__("os").makedirs("ran", exist_ok=True), x)[1])
    model = keras.Sequential([keras.Input((8,)), layer])
    model.save("model.keras")
    model.save("model.h5")
    for name in ("model.keras", "model.h5"):
        Path("ran").rmdir()
        keras.saving.load_model(name, safe_mode=False)
        assert Path("ran").is_dir()
        assert scanned(Path(name)) == (Verdict.HOSTILE, ("keras-lambda",))


def test_a_custom_layer_is_code_with_its_name(tmp_path: Path) -> None:
    class Doubled(keras.layers.Layer):  # type: ignore[misc, unused-ignore]
        def call(self, x: Any) -> Any:
            return x * 2

    keras.Sequential([keras.Input((8,)), Doubled()]).save(tmp_path / "model.keras")
    got = report(Case("model.keras", (tmp_path / "model.keras").read_bytes()))
    assert (got.verdict, got.names) == (Verdict.CODE, (f"{Doubled.__module__}.Doubled",))


def test_an_operator_of_tensorflow_that_writes_is_hostile_in_tflite(tmp_path: Path) -> None:
    module = tf.Module()
    module.run = tf.function(writes, input_signature=[SCALAR])
    tf.saved_model.save(module, tmp_path / "model")
    converter = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "model"))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    path = tmp_path / "model.tflite"
    path.write_bytes(converter.convert())
    assert scanned(path) == (Verdict.HOSTILE, ("tflite-operation",))
