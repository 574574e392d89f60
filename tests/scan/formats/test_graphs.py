"""Graphs and programs: what ONNX, TensorFlow, TorchScript and torch.export would run, read or write."""

from __future__ import annotations

import base64
import json
import struct
import zlib

import pytest

from mvc.scan.formats import exported, onnx, tflite, torchscript
from mvc.scan.formats.tensorflow import graphs
from mvc.scan.verdict import Verdict
from tests.formats.headers import DATA
from tests.formats.test_onnx import EXAMPLES, message, model, nested, number, outside, tensor
from tests.scan.formats.cases import Case, archived, broken, check, report

# --- ONNX ---------------------------------------------------------------------------------------------------------------


def node(operator: str, domain: str = "", *attributes: bytes) -> bytes:
    """A node of a graph."""
    return message(
        1, message(1, b"x"), message(2, b"y"), message(4, operator.encode()), message(7, domain.encode()), *attributes
    )


def branch(inside: bytes) -> bytes:
    """A node with a graph as its branch."""
    return node("If", "", message(5, message(1, b"then_branch"), message(6, inside)))


def function(name: str, domain: str, *nodes: bytes) -> bytes:
    """A function of a model; the field of a node is another one there."""
    return message(25, message(1, name.encode()), *(b"\x3a" + part[1:] for part in nodes), message(10, domain.encode()))


ORT = zlib.decompress(
    base64.b64decode(
        "eNp9U8FOFEEQfY0NDuuCa9wQQgzhsAcOZAKJMYSrGD1o2Jjl5sHN2MAk7MxmGJbBmOjJMwdPfoUf4dGDR477AcZw5ELGqu6abDNs7ORtd/W8qnpV1dsGsPe2"
        "96aJFpoIyNK0w+IbodDAx5uypA3KfgV+kN2SM9+tEdqEKB2EgzjK0pP0IN95aY5Pd7boGmPiBxKT+T3CDOGJ3AFzlPk+/dqlNLSN3UYHyzYySJ3TxtZTQunW"
        "59/3gG0KFmCy2G+NorOvq8r5/VEO18rpVaJ7TPilnL0s97s2UsPq0xShIVo1/LWKTWxg3eZz9fg5V8neFHRkZ+3bhK7kGc+4c8+Lqjzsiq7Xovl5d/9FYaLT"
        "PE6TbpaO4g8mg+jijmPK4l4XtodVTa6XXBOfrgjfSzcjTntB52rWo/L27L+S3bR+SzSxoOq7UrcyNrDo5WDdn7x+PpD7lvgGdKslVpXnr5d38ka0fSMuf/s/"
        "+Sd9rGKc12zuxzzrIuMVoaNcH34SLgjvZF523tKPqs+sO80Ow+F5nmbRUdjPTcLf1mu8x/X/RJhER2cRujXeyh2eKYYmiwcmyfvHwJcan99oPw7TJCnCYWZG"
        "sTkL86wfJ3FyyJz3Hr/yeXjXB5dT6qo4frzAvmhtez3r8Rsef0A6L6fkXajXJrNrSbxHNb4/u2eEf101nvg="
    )
)
"""A model with the operator Gelu of com.microsoft, as ONNX Runtime 1.32 saves it."""
GROUP = b"\x9b\x06" + number(1, 5) + b"\x0b\x0c" + message(3, b"x") + b"\x9c\x06"
"""An unknown field of the wire type that parsers of protocol buffers skip."""
WEIGHT = message(5, tensor("w", bytes(8), 2))
ONNX_HOSTILE: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "absolute": (model(outside("w", 2, location="/etc/passwd")), ("onnx-outside",)),
    "above": (model(outside("w", 2, location="../../../etc/passwd")), ("onnx-outside",)),
    "above in the middle": (model(outside("w", 2, location="weights/../../w.bin")), ("onnx-outside",)),
    "above with backslashes": (model(outside("w", 2, location="a\\..\\..\\w.bin")), ("onnx-outside",)),
    "drive": (model(outside("w", 2, location="C:\\w.bin")), ("onnx-outside",)),
    "share": (model(outside("w", 2, location="\\\\host\\share\\w.bin")), ("onnx-outside",)),
    "url": (model(outside("w", 2, location="file:///etc/passwd")), ("onnx-outside",)),
    "control character": (model(outside("w", 2, location="w.bin\0/../../x")), ("onnx-outside",)),
    "in a branch": (model(branch(outside("w", 2, location="../w.bin"))), ("onnx-outside",)),
    "in a constant": (
        model(node("Constant", "", message(5, message(1, b"value"), b"\x2a" + outside("w", 2, location="/w")[1:]))),
        ("onnx-outside",),
    ),
    "in a sparse tensor": (model(message(15, b"\x0a" + outside("w", 2, location="/w")[1:])), ("onnx-outside",)),
    "in a function": (model(WEIGHT) + function("F", "f", branch(outside("w", 2, location="/w"))), ("onnx-outside",)),
    "in training": (model(WEIGHT) + message(20, message(1, outside("w", 2, location="/w"))), ("onnx-outside",)),
    "deep": (model(nested(20, outside("w", 2, location="/w"))), ("onnx-outside",)),
    "python": (
        model(node("PyOp", "ai.onnx.contrib")),
        (
            "onnx-domain",
            "onnx-python",
        ),
    ),
    "group": (
        number(1, 8) + GROUP + model(node("Evil", "my.ops"), outside("w", 2, location="/w"))[2:],
        (
            "onnx-domain",
            "onnx-outside",
        ),
    ),
}
ONNX_CODE: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "domain": (model(node("Gelu2", "my.ops")), ("onnx-domain",)),
    "domain in a branch": (model(branch(branch(node("Gelu2", "my.ops")))), ("onnx-domain",)),
    "domain in a function": (model(node("F", "f")) + function("F", "f", node("Gelu2", "my.ops")), ("onnx-domain",)),
    "function of another name": (model(node("G", "f")) + function("F", "f", node("Relu")), ("onnx-domain",)),
    "function of another domain": (
        model(node("F", "g")) + function("F", "f", node("Relu")),
        ("onnx-domain",),
    ),
    "two domains in a node": (
        model(message(1, message(4, b"Gelu2"), message(7, b"my.ops"), message(7, b""))),
        ("onnx-domain",),
    ),
    "engine": (model(node("EPContext", "com.microsoft")), ("onnx-engine",)),
}
ONNX_HONEST = {
    "plain": model(node("Relu"), WEIGHT),
    "external": model(outside("w", 2, location="model.onnx.data"), node("Relu")),
    "external below": model(outside("w", 2, location="weights/w..bin"), node("Relu")),
    "machine learning": model(node("TreeEnsembleClassifier", "ai.onnx.ml")),
    "contributed": model(node("FusedMatMul", "com.microsoft"), branch(node("QLinearAdd", "com.microsoft"))),
    "own function": model(node("Swish", "pkg.onnxscript.torch_lib"))
    + function("Swish", "pkg.onnxscript.torch_lib", node("Mul")),
}


GRAPH = message(7, node("Gelu2", "my.ops"))
OTHER_NAMES = {
    "the graph first": GRAPH + number(1, 8),
    "the producer first": message(2, b"pytorch") + GRAPH + number(1, 8),
    "an unknown field first": message(99, b"x") * 400 + GRAPH + number(1, 8),
    "an unknown field": number(1, 8) + message(99, b"x") + GRAPH,
    "a flatbuffer": ORT.replace(b"com.microsoft\0", b"com.microsofx\0"),
}


def test_what_a_runtime_reads_under_another_name_is_reported() -> None:
    cases = [Case("model.bin", data, ("onnx-domain",)) for data in OTHER_NAMES.values()]
    assert [fault for case in cases if (fault := check(case))] == []
    assert [report(case).verdict for case in cases] == [Verdict.CODE] * len(cases)
    honest = [ORT, message(7, node("Relu")) + number(1, 8)]
    assert [fault for data in honest if (fault := check(Case("model.ort", data)))] == []
    assert report(Case("model.ort", ORT[:-400])).verdict is Verdict.DAMAGED


@pytest.mark.parametrize("name", ONNX_HOSTILE | ONNX_CODE)
def test_what_a_runtime_of_onnx_would_read_or_load_is_reported(name: str) -> None:
    case = Case("m.onnx", *(ONNX_HOSTILE | ONNX_CODE)[name])
    assert check(case) == ""
    assert (report(case).verdict is Verdict.CODE) == (name in ONNX_CODE)


def test_models_of_onnx_are_plain() -> None:
    cases = [Case("m.onnx", data) for data in ONNX_HONEST.values()]
    cases += [Case(path.name, path.read_bytes()) for path in (*EXAMPLES, *DATA.glob("*.onnx"))]
    assert [fault for case in cases if (fault := check(case))] == []
    assert len(cases) > 8


def test_a_location_that_is_a_link_is_hostile() -> None:
    case = Case("m.onnx", ONNX_HONEST["external"])
    assert broken(report(case, links=["model.onnx.data"])) == ("onnx-link",)
    assert broken(report(case, links=["model.onnx.data"], disabled=["onnx-link"])) == ()


def test_a_truncated_model_is_damaged_and_not_hostile() -> None:
    data = ONNX_HONEST["plain"]
    assert report(Case("m.onnx", data[:-10])).verdict is Verdict.DAMAGED
    assert report(Case("m.onnx", number(1, 8))).verdict is Verdict.DAMAGED


def test_every_rule_of_onnx_has_a_case() -> None:
    rules = {rule for _, rules in (*ONNX_HOSTILE.values(), *ONNX_CODE.values()) for rule in rules} | {"onnx-link"}
    assert rules == {rule.id for rule in onnx.RULES}


# --- TensorFlow ---------------------------------------------------------------------------------------------------------


def op(name: str, operator: str, *inputs: str, attribute: bytes = b"", key: str = "value") -> bytes:
    """A node of a graph of TensorFlow, as the content of its field."""
    parts = [message(1, name.encode()), message(2, operator.encode()), *(message(3, part.encode()) for part in inputs)]
    return b"".join(parts) + (message(5, message(1, key.encode()), message(2, attribute)) if attribute else b"")


def graph(*nodes: bytes, functions: tuple[tuple[bytes, ...], ...] = ()) -> bytes:
    library = [message(1, message(1, message(1, b"f")), *(message(3, part) for part in body)) for body in functions]
    return b"".join(message(1, part) for part in nodes) + (message(2, *library) if library else b"")


def saved(*nodes: bytes, functions: tuple[tuple[bytes, ...], ...] = ()) -> bytes:
    """A SavedModel with one graph."""
    meta = message(1, message(5, b"2.15.0")) + message(2, graph(*nodes, functions=functions))
    return number(1, 1) + message(2, meta)


X, MATMUL = op("x", "Placeholder"), op("y", "MatMul", "x", "w")


def constant(text: str) -> bytes:
    return op("c", "Const", attribute=message(8, message(8, text.encode())))


def asset(path: str) -> bytes:
    """A file of a SavedModel, whose path takes the place of the constant `c`."""
    return message(6, message(1, message(1, b"c:0")), message(2, path.encode()))


def with_asset(path: str, *nodes: bytes, functions: tuple[tuple[bytes, ...], ...] = ()) -> bytes:
    return number(1, 1) + message(2, message(2, graph(*nodes, functions=functions)), asset(path))


def described(operator: str, text: str, key: str = "descriptor_source") -> bytes:
    return op("d", operator, "x", attribute=message(2, text.encode()), key=key)


CONST = constant("/etc/passwd")
TABLE = op("t", "InitializeTableFromTextFileV2", "h", "c")
ASSET_TEXT = 'meta_graphs { %s asset_file_def { tensor_info { name: "c:0" } filename: "%s" } }'
TABLE_TEXT = """graph_def { node { name: "c" op: "Const" attr { key: "value" value { tensor { string_val: "/etc/passwd" } } } }
node { name: "t" op: "InitializeTableFromTextFileV2" input: "h" input: "c" } }"""
TF_HOSTILE = {
    "read": ("saved_model.pb", saved(X, CONST, op("r", "ReadFile", "c")), "graph-operation"),
    "write": ("saved_model.pb", saved(X, op("r", "WriteFile", "c", "x")), "graph-operation"),
    "in a function": ("saved_model.pb", saved(X, functions=((op("r", "PyFunc", "x"),),)), "graph-operation"),
    "python": ("saved_model.pb", saved(op("r", "EagerPyFunc", "x")), "graph-operation"),
    "list": ("saved_model.pb", saved(op("r", "MatchingFiles", "c")), "graph-operation"),
    "remote": ("saved_model.pb", saved(op("r", "RpcCall", "c")), "graph-operation"),
    "frozen": ("frozen.pb", graph(X, op("r", "WriteFile", "c", "x")), "graph-operation"),
    "library first": ("g.pb", message(2, message(1, message(1, message(1, b"f")), message(3, op("r", "ReadFile"))))
                      + graph(X), "graph-operation"),
    "meta": ("model.ckpt.meta", message(1, message(5, b"2")) + message(2, graph(op("r", "ReadFile"))), "graph-operation"),
    "another name": ("weights.bin", saved(op("r", "ReadFile", "c")), "graph-operation"),
    "text": ("saved_model.pbtxt", b'meta_graphs { graph_def { node { name: "r" op: "ReadFile" } } }', "graph-operation"),
    "text in parts": ("saved_model.pbtxt", b'graph_def { node { name: "r" op: "Read" "File" } }', "graph-operation"),
    "text escaped": ("saved_model.pbtxt", rb'graph_def { node { name: "r" op: "Read\x46ile" } }', "graph-operation"),
    "text behind a comment": ("saved_model.pbtxt", b'graph_def { node { op: # a\n "ReadFile" } }', "graph-operation"),
    "text that is broken": ("saved_model.pbtxt", b'graph_def { node { name: "r" op: "Add" $ } }', "graph-syntax"),
    "restore a constant path": (
        "saved_model.pb",
        saved(CONST, op("j", "StringJoin", "c"), op("r", "RestoreV2", "j", "n", "s"), op("n", "Const"), op("s", "Const")),
        "graph-path",
    ),
    "save at a constant path": ("saved_model.pb", saved(X, functions=((CONST, op("r", "SaveV2", "c:output:0")),)), "graph-path"),
    "print to a file": ("saved_model.pb", saved(op("p", "PrintV2", "x", attribute=b"\x12\x0dfile:///tmp/x", key="output_stream")), "graph-print"),
    "table of a constant path": ("saved_model.pb", saved(CONST, TABLE), "graph-path"),
    "table in a function": ("saved_model.pb", with_asset("v.txt", CONST, functions=((CONST, TABLE),)), "graph-path"),
    "table of a frozen graph": ("frozen.pb", graph(CONST, TABLE) + asset("v.txt"), "graph-path"),
    "an asset that the meta graph of no SavedModel has": ("m.meta", message(2, graph(CONST, TABLE)) + asset("v.txt"), "graph-path"),
    "an asset above": ("saved_model.pb", with_asset("../../v.txt", CONST, TABLE), "graph-path"),
    "a path that is computed": (
        "saved_model.pb", saved(CONST, op("u", "StringUpper", "c"), op("r", "RestoreV2", "u", "n")), "graph-path",
    ),
    "a default path": (
        "saved_model.pb", saved(CONST, op("p", "PlaceholderWithDefault", "c"), op("s", "SaveV2", "p", "n")), "graph-path",
    ),
    "merge to a constant path": ("saved_model.pb", saved(X, CONST, op("m", "MergeV2Checkpoints", "x", "c")), "graph-path"),
    "a path in the content of a tensor": (
        "saved_model.pb", saved(op("c", "Const", attribute=message(8, number(1, 7), message(4, b"\x06/etc/x"))), TABLE), "graph-path",
    ),
    "descriptor": ("saved_model.pb", saved(described("DecodeProtoV2", "/tmp/x.desc")), "graph-path"),
    "descriptor of a writer": ("saved_model.pb", saved(described("EncodeProto", "x.desc")), "graph-path"),
    "vocabulary": ("m.pb", graph(described("FixedUnigramCandidateSampler", "/etc/passwd", "vocab_file")), "graph-path"),
    "another machine": ("saved_model.pb", saved(op("r", "RemoteCall", "c")), "graph-operation"),
    "table as text": ("saved_model.pbtxt", b"meta_graphs { %s }" % TABLE_TEXT.encode(), "graph-path"),
    "an asset above as text": ("saved_model.pbtxt", (ASSET_TEXT % (TABLE_TEXT, "../v.txt")).encode(), "graph-path"),
    "function as text": (
        "g.pbtxt", b"library { %s }" % TABLE_TEXT.replace("graph_def", "function").replace("node ", "node_def ").encode(), "graph-path",
    ),
    "descriptor as text": (
        "g.pbtxt", b'node [{ op: "Add" }, { op: "EncodeProto" attr { key: "descriptor_source" value { s: "/x" } } }]', "graph-path",
    ),
    "print as text": (
        "g.pbtxt", b'node { op: "PrintV2" attr { key: "output_stream" value { s: "file:///x" } } }', "graph-print",
    ),
    "group": ("saved_model.pb", number(1, 1) + GROUP + saved(op("r", "ReadFile"))[2:], "graph-operation"),
}  # fmt: skip
TF_CODE = {
    "custom": ("saved_model.pb", saved(X, op("g", "Addons>Gelu", "x")), "graph-custom"),
    "call of a library": ("saved_model.pb", saved(X, op("g", "XlaCustomCallV2", "x")), "graph-custom"),
    "engine": ("m.pb", graph(X, op("g", "TRTEngineOp", "x")), "engine-code"),
    "engine in an asset": (
        "saved_model.pb",
        with_asset("e.engine", CONST, op("g", "InitializeTRTResource", "h", "c")),
        "engine-code",
    ),
}
SAVER = (
    op("file_prefix", "Placeholder"), op("part", "Const"), op("path", "StringJoin", "file_prefix", "part"),
    op("shard", "ShardedFilename", "path", "n", "m"), op("save", "SaveV2", "shard", "names"),
    op("merge", "MergeV2Checkpoints", "shard", "file_prefix"), op("restore", "RestoreV2", "file_prefix", "names"),
)  # fmt: skip
TF_HONEST = {
    "model": ("saved_model.pb", saved(X, MATMUL, functions=((op("r", "Relu", "x"),), SAVER))),
    "saver of version 1": ("saved_model.pb", saved(op("save/Const", "PlaceholderWithDefault", "c"), CONST, *SAVER)),
    "saver of before": ("x.meta", message(2, graph(constant("model"), op("s", "SaveSlices", "c"), op("r", "RestoreSlice", "c")))),
    "frozen": ("frozen.pb", graph(X, MATMUL)),
    "meta": ("model.meta", message(1, message(5, b"2")) + message(2, graph(X, MATMUL))),
    "table of an asset": ("saved_model.pb", with_asset("vocabulary.txt", CONST, TABLE)),
    "table of an asset as text": ("saved_model.pbtxt", (ASSET_TEXT % (TABLE_TEXT, "v.txt")).encode()),
    "table of a caller": ("saved_model.pb", saved(X, functions=((TABLE,),))),
    "table below assets": ("m.pb", graph(constant("assets/vocabulary.txt"), TABLE)),
    "descriptors": ("saved_model.pb", saved(described("DecodeProtoV2", "local://"), described("EncodeProto", "bytes://x"))),
    "vocabulary": ("m.pb", graph(described("FixedUnigramCandidateSampler", "", "vocab_file"))),
    "print": ("saved_model.pb", saved(op("p", "PrintV2", "x", attribute=b"\x12\x06stderr", key="output_stream"))),
    "fingerprint": ("fingerprint.pb", number(1, 1 << 62) + number(2, 7) + message(6, number(1, 1))),
    "keras": ("keras_metadata.pb", message(1, message(2, number(1, 1)), number(2, 0), message(3, b"root"), message(4, b"_tf_keras_model"),
              message(5, json.dumps({"class_name": "Functional", "config": {"layers": []}}).encode()))),
    "text": ("saved_model.pbtxt", b'meta_graphs { graph_def { node { name: "r" op: "MatMul" } } }'),
}  # fmt: skip


def test_operations_of_tensorflow_that_do_more_than_compute_are_reported() -> None:
    cases = [Case(name, data, (rule,)) for name, data, rule in (*TF_HOSTILE.values(), *TF_CODE.values())]
    assert [
        f"{key}: {fault}" for key, case in zip(TF_HOSTILE | TF_CODE, cases, strict=True) if (fault := check(case))
    ] == []
    assert {case.rules[0] for case in cases} - {"engine-code"} == {
        rule.id for rule in graphs.RULES if rule.id.startswith("graph-")
    }


def test_a_path_in_a_text_that_is_too_long_to_be_parsed_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "_MAX_PARSED", 100)
    assert check(Case("g.pbtxt", TABLE_TEXT.encode(), ("graph-syntax",))) == ""
    assert check(Case("g.pbtxt", TABLE_TEXT.replace("InitializeTableFromTextFileV2", "RestoreV2").encode())) == ""


def test_graphs_of_tensorflow_are_plain() -> None:
    assert [f"{key}: {fault}" for key, (name, data) in TF_HONEST.items() if (fault := check(Case(name, data)))] == []


def test_the_lambda_in_the_metadata_of_a_saved_model_is_hostile() -> None:
    config = {"class_name": "Lambda", "config": {"function": ["4wEA", None, None], "function_type": "lambda"}}
    data = message(1, number(2, 0), message(5, json.dumps(config).encode()))
    assert check(Case("keras_metadata.pb", data, ("keras-lambda",))) == ""


def test_a_truncated_graph_is_damaged() -> None:
    assert report(Case("saved_model.pb", saved(X, MATMUL)[:-5])).verdict is Verdict.DAMAGED


def lite(*operators: str) -> bytes:
    """A model of TFLite with these custom operators and nothing else."""
    table = struct.pack("<HHHH", 8, 8, 0, 4)  # a vtable: its field 1 is at byte 4
    data = bytearray(struct.pack("<I4s", 16, b"TFL3") + table + struct.pack("<iII", 8, 4, len(operators)))
    places = len(data)
    data += bytes(4 * len(operators))
    for index, operator in enumerate(operators):
        data += bytes(-len(data) % 4) + table
        place = places + 4 * index
        struct.pack_into("<I", data, place, len(data) - place)
        data += struct.pack("<iI", 8, 4) + struct.pack("<I", len(operator)) + operator.encode() + b"\0"
    return bytes(data)


def test_custom_operators_of_tflite_are_reported() -> None:
    assert check(Case("m.tflite", lite("FlexWriteFile"), ("tflite-operation",))) == ""
    assert check(Case("m.bin", lite("Mfcc", "FlexEagerPyFunc"), ("tflite-operation",))) == ""
    assert check(Case("m.tflite", lite("MyOperator", "FlexAdd"), ("tflite-custom",))) == ""
    assert check(Case("m.tflite", lite("TFLite_Detection_PostProcess", "FlexStridedSlice"))) == ""
    assert [fault for path in DATA.glob("*.tflite") if (fault := check(Case(path.name, path.read_bytes())))] == []
    assert {rule.id for rule in tflite.RULES} == {"tflite-operation", "tflite-custom"}


# --- TorchScript and torch.export ---------------------------------------------------------------------------------------

NET = b"""class Net(Module):
  __parameters__ = ["weight", "bias", ]
  training : bool
  def forward(self: __torch__.Net,
    x: Tensor) -> Tensor:
    weight = self.weight
    y = torch.add(torch.matmul(x, weight), CONSTANTS.c0, alpha=1)
    z = ops.prim.NumToTensor(torch.size(y, 0))
    return torch.relu(ops.aten.contiguous(z))
"""
SCRIPT_HOSTILE = {
    "save": (b'    torch.save(x, "ran")\n', "torchscript-files"),
    "save as a method": (b'    (x).save("ran")\n', "torchscript-files"),
    "from_file": (b'    y = torch.from_file("/etc/passwd", False, 10)\n', "torchscript-files"),
    "spaces": (b'    y = torch . from_file \\\n ("/etc/passwd")\n', "torchscript-files"),
    "comment between": (b'    y = (torch. # x\n      from_file("/etc/passwd"))\n', "torchscript-files"),
    "operator of files": (b'    y = ops.image.write_file("ran", x)\n', "torchscript-files"),
    "operator of sound": (b'    y = ops.torchaudio.sox_io_load_audio_file("ran")\n', "torchscript-files"),
    "aten": (b'    y = ops.aten.from_file("ran")\n', "torchscript-files"),
    "network": (b'    y = rpc_async("worker", f, ())\n', "torchscript-network"),
    "collective": (b"    y = ops.c10d.send(x)\n", "torchscript-network"),
    "python": (b"    y = ^Evil(1)(x)\n", "torchscript-python"),
    "custom": (b"    y = ops.torchvision.nms(x, y, 0.5)\n", "torchscript-operator"),
}  # fmt: skip


@pytest.mark.parametrize("name", SCRIPT_HOSTILE)
def test_a_program_that_does_more_than_compute_is_reported(name: str) -> None:
    line, rule = SCRIPT_HOSTILE[name]
    members = {"run/code/__torch__/net.py": NET.replace(b"    weight = self.weight\n", line), "run/version": b"3\n"}
    got = archived(members)
    assert broken(got) == tuple(sorted((rule, "torchscript-program")))
    assert got.verdict is (Verdict.CODE if rule == "torchscript-operator" else Verdict.HOSTILE)
    assert broken(archived(members, disabled=[rule])) == ("torchscript-program",)


def test_a_program_that_only_computes_is_code() -> None:
    members = {
        "run/code/__torch__.py": NET,
        "run/code/__torch__/torch/nn/modules/linear.py": NET,
        "run/version": b"3\n",
    }
    got = archived(members)
    assert (broken(got), got.verdict) == (("torchscript-program",), Verdict.CODE)
    assert archived(members, disabled=["torchscript-program"]).verdict is Verdict.PLAIN
    assert {rule for _, rule in SCRIPT_HOSTILE.values()} | {"torchscript-program"} == {
        rule.id for rule in torchscript.RULES
    }


def program(*targets: str, expression: str = "2*s0 + 1", guard: str = "L['x'].size()[0] <= 16") -> bytes:
    nodes = [{"target": target, "inputs": [], "outputs": [], "metadata": {}} for target in targets]
    sizes = [{"as_expr": {"expr_str": expression, "hint": {"as_int": 4}}}]
    return json.dumps({"graph_module": {"graph": {"nodes": nodes, "sizes": sizes}}, "guards_code": [guard]}).encode()


EXPORT_HOSTILE = {
    "through torch": (program("torch.serialization.os.system"), "export-target"),
    "load": (program("torch.load"), "export-target"),
    "through an operator": (program("torch.ops.aten.add.__globals__"), "export-target"),
    "through ops": (program("torch.ops.os.system.x.y"), "export-target"),
    "load a library": (program("torch.ops.load_library"), "export-target"),
    "another module": (program("math.__loader__.load_module"), "export-target"),
    "file": (program("torch.ops.aten.from_file.default"), "export-target"),
    "expression": (
        program("torch.ops.aten.add.Tensor", expression="__import__('os').system('id')"),
        "export-expression",
    ),
    "attribute": (program("torch.ops.aten.add.Tensor", expression="s0.func.x"), "export-expression"),
    "text": (program("torch.ops.aten.add.Tensor", expression="'a'"), "export-expression"),
    "guard": (program("torch.ops.aten.add.Tensor", guard="__import__('os')"), "export-expression"),
    "function of sympy": (
        program("torch.ops.aten.add.Tensor", expression="preview(Symbol('s0'))"),
        "export-expression",
    ),
    "quoted code": (program("torch.ops.aten.add.Tensor", expression="Symbol('s0+f()')"), "export-expression"),
    "operator": (program("torch.ops.my_ops.gelu.default"), "export-operator"),
}
EXPORT_HONEST = program(
    "torch.ops.aten.add.Tensor", "torch.ops.aten._softmax.default", "torch.ops.aten.__and__.Tensor", "torch.ops.aten.sym_size.int", "_operator.getitem", "_operator.mul", "math.trunc",
    "torch.sym_max", "torch._sym_sqrt", "torch.ops.higher_order.cond", "torch.ops.quantized_decomposed.quantize_per_tensor.default",
    expression="Max(1, s0//2) + Mod(s1, 8) - 1.5",
)  # fmt: skip


def test_programs_of_torch_export_call_operators_only() -> None:
    cases = {name: Case("p/models/model.json", data, (rule,)) for name, (data, rule) in EXPORT_HOSTILE.items()}
    assert [f"{name}: {fault}" for name, case in cases.items() if (fault := check(case))] == []
    assert check(Case("p/models/model.json", EXPORT_HONEST)) == ""
    written = program(
        "torch.ops.aten.mul.Tensor", expression="Add(Integer(1), Symbol('s17', positive=True, integer=True))"
    )
    assert check(Case("p/models/model.json", written)) == ""


def test_weights_that_the_program_reads_as_plain_numbers_are_not_taken_for_pickles() -> None:
    def weights(*, is_pickled: bool) -> dict[str, bytes]:
        entry = {"path_name": "weight_0", "use_pickle": is_pickled, "tensor_meta": {"dtype": 7}}
        config = json.dumps({"config": {"w": entry, "v": entry | {"use_pickle": False}}}).encode()
        numbers = b"\x80\4c__main__\nX\n."
        return {
            "p/archive_format": b"pt2",
            "p/data/weights/model_weights_config.json": config,
            "p/data/weights/weight_0": numbers,
        }

    assert archived(weights(is_pickled=False)).verdict is Verdict.PLAIN
    assert archived(weights(is_pickled=True)).verdict is Verdict.CODE


def test_libraries_and_custom_objects_of_a_package_are_code() -> None:
    plain = {"p/archive_format": b"pt2", "p/models/model.json": EXPORT_HONEST, "p/data/weights/weight_0": b"some text"}
    assert archived(plain).verdict is Verdict.PLAIN
    library = plain | {"p/data/aotinductor/model/c.so": b"\x7fELF" + bytes(60)}
    assert (broken(archived(library)), archived(library).verdict) == (("export-library", "native-code"), Verdict.CODE)
    custom = plain | {"p/data/constants/custom_obj_0": b"text"}
    assert (broken(archived(custom)), archived(custom).names) == (
        ("export-object",),
        ("p/data/constants/custom_obj_0",),
    )
    rules = {rule for _, rule in EXPORT_HOSTILE.values()} | {"export-library", "export-object"}
    assert rules == {rule.id for rule in exported.RULES}
