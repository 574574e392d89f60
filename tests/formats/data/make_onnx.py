"""Writes the ONNX files beside it, and in JSON what they hold; run with the `onnx` package, of which these are by 1.23.

python make_onnx.py
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx  # type: ignore[import-not-found,unused-ignore]
from onnx import TensorProto, helper, numpy_helper  # type: ignore[import-not-found,unused-ignore]

HERE = Path(__file__).parent
RNG = np.random.default_rng(7)
BOOL = helper.make_tensor_value_info("choice", TensorProto.BOOL, [])
OUT = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n"])


def array(dtype: str, *shape: int) -> Any:
    """Numbers that use all bits."""
    return np.frombuffer(RNG.bytes(int(np.prod(shape)) * np.dtype(dtype).itemsize), dtype).reshape(shape)


def raw(name: str, code: int, dims: Sequence[int], data: bytes) -> Any:
    """A tensor of any data type."""
    return helper.make_tensor(name, code, dims, data, raw=True)


def constant(name: str, values: Any) -> Any:
    """A node with a tensor in it."""
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(values))


def branch(name: str, weight: Any, *nodes: Any) -> Any:
    """A graph of one tensor."""
    add = helper.make_node("Identity", ["weight"], [f"{name}_out"])
    inside = helper.make_tensor_value_info(f"{name}_out", TensorProto.FLOAT, ["n"])
    return helper.make_graph([*nodes, add], name, [], [inside], [numpy_helper.from_array(weight, "weight")])


def everything() -> tuple[Any, dict[str, tuple[str, list[int], bytes]]]:
    """A model with a tensor in every place and of every kind; and those that are stretches of it."""
    plain = {
        "f32": ("F32", array("<f4", 4, 8)), "f64": ("F64", array("<f8", 3)), "f16": ("F16", array("<f2", 2, 3)),
        "i64": ("I64", array("<i8", 2)), "i32": ("I32", array("<i4", 2)), "u8": ("U8", array("u1", 5)),
        "bool": ("BOOL", np.array([True, False])), "c64": ("C64", array("<f4", 6).view("<c8")),
        "scalar": ("F32", np.array(2.5, "<f4")), "empty": ("F32", np.zeros((0, 3), "<f4")),
    }  # fmt: skip
    found = {name: (dtype, list(values.shape), values.tobytes()) for name, (dtype, values) in plain.items()}
    special = {"bf16": ("BF16", 16, [3], b"\1\2\3\4\5\6"), "f8": ("F8_E4M3", 17, [2, 2], b"abcd"),
               "i4": ("I4", 22, [5], b"xyz")}  # fmt: skip
    found |= {name: (dtype, dims, data) for name, (dtype, _, dims, data) in special.items()}
    floats, doubles = array("<u4", 6).astype("<f4"), np.array([0.5, 1e300], "<f8")
    found["float_data"] = ("F32", [2, 3], floats.tobytes())
    found["double_data"] = ("F64", [2], doubles.tobytes())
    found["int64_data"] = ("I64_VARINT", [3], b"\1" + b"\xff" * 9 + b"\1" + b"\x80" * 5 + b"\x20")
    weights = [array("<u2", count).astype("<f4") for count in (1, 2, 3, 4, 5, 6)]
    found |= {
        "hidden": ("F32", [1], weights[0].tobytes()),
        "out/then_branch/weight": ("F32", [2], weights[1].tobytes()),
        "out/else_branch/weight": ("F32", [3], weights[2].tobytes()),
        "out/else_branch/inner/then_branch/weight": ("F32", [4], weights[3].tobytes()),
        "out/else_branch/inner/else_branch/weight": ("F32", [5], weights[4].tobytes()),
        "Scale/factor": ("F32", [6], weights[5].tobytes()),
        "sparse": ("F32", [2], np.array([1, 2], "<f4").tobytes()),
        "": ("I64", [2], np.array([3, 7], "<i8").tobytes()),
    }
    inner = helper.make_node(
        "If", ["choice"], ["inner"], then_branch=branch("yes", weights[3]), else_branch=branch("no", weights[4])
    )
    chosen = helper.make_node(
        "If", ["choice"], ["out"], then_branch=branch("a", weights[1]), else_branch=branch("b", weights[2], inner)
    )
    sparse = helper.make_sparse_tensor(
        numpy_helper.from_array(np.array([1, 2], "<f4"), "sparse"), numpy_helper.from_array(np.array([3, 7])), [10]
    )
    graph = helper.make_graph(
        [constant("hidden", weights[0]), chosen], "everything", [BOOL], [OUT],
        [
            *(numpy_helper.from_array(values, name) for name, (_, values) in plain.items()),
            *(raw(name, code, dims, data) for name, (_, code, dims, data) in special.items()),
            helper.make_tensor("float_data", TensorProto.FLOAT, [2, 3], floats.ravel()),
            helper.make_tensor("double_data", TensorProto.DOUBLE, [2], doubles),
            helper.make_tensor("int64_data", TensorProto.INT64, [3], [1, -1, 1 << 40]),
            helper.make_tensor("string_data", TensorProto.STRING, [1], [b"text"]),
        ],
        sparse_initializer=[sparse],
    )  # fmt: skip
    opset = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
    function = helper.make_function("own", "Scale", [], ["factor"], [constant("factor", weights[5])], opset[:1])
    return helper.make_model(graph, functions=[function], opset_imports=opset), found


def external() -> Any:
    """A model whose tensors lie in two other files, and one in itself."""
    places: list[tuple[str, list[int], dict[str, Any]]] = [
        ("first", [2, 2], {"location": "weights/model.onnx.data", "offset": 4096, "length": 16}),
        ("tied", [4], {"location": "weights/model.onnx.data", "offset": 4096, "length": 16}),
        ("second", [3], {"location": "weights/model.onnx.data"}),
        ("other", [5], {"location": "other.bin", "length": 20, "checksum": "0" * 40}),
    ]
    tensors = [raw("here", TensorProto.FLOAT, [2], b"01234567")]
    for name, dims, entries in places:
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=dims, data_location=TensorProto.EXTERNAL)
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=str(value))
        tensors.append(tensor)
    graph = helper.make_graph([helper.make_node("Identity", ["first"], ["out"])], "external", [], [OUT], tensors)
    return helper.make_model(graph)


if __name__ == "__main__":
    model, found = everything()
    onnx.checker.check_model(model)
    (HERE / "everything.onnx").write_bytes(model.SerializeToString())
    listed = {name: [dtype, shape, data.hex()] for name, (dtype, shape, data) in sorted(found.items())}
    (HERE / "everything.json").write_text(json.dumps(listed, indent=0) + "\n", encoding="utf-8")
    (HERE / "external.onnx").write_bytes(external().SerializeToString())
